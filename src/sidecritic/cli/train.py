"""`train`: a head by default, a LoRA fine-tune with `--kind lora`, and its export."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sidecritic.cli.flags import Json, Labels, Recorded, Workers, file, place
from sidecritic.cli.output import command
from sidecritic.errors import ConfigError
from sidecritic.settings.names import choice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from sidecritic.training.lora.export import Exported
    from sidecritic.training.lora.result import Result
    from sidecritic.workflows.training import TrainedHead

HEAD = "head"
LORA = "lora"


class _ByKind(TyperGroup):
    """`train --kind lora ...` is `train lora ...`; without a kind it is a head."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = _with_kind(args)
        return super().parse_args(ctx, args)


def _with_kind(args: list[str]) -> list[str]:
    for flag in (["--kind", LORA], [f"--kind={LORA}"]):
        for at in range(len(args) - len(flag) + 1):
            if args[at : at + len(flag)] == flag:
                return [LORA, *args[:at], *args[at + len(flag) :]]
    return [HEAD, *args]


train = typer.Typer(
    cls=_ByKind,
    help="Fit a critic: a head (the default), or with --kind lora a small language model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


_Runs = Annotated[
    list[Path] | None,
    file(
        "Directory of a run to learn from too: planted faults of simulated actors, and its "
        "labels.jsonl. Repeatable, and enough without FILES.",
        metavar="RUN",
    ),
]
_Chats = Annotated[
    list[Path] | None,
    file(
        "Labelled chat logs to learn from, as `replay` reads them; --labels are then theirs. "
        "Repeatable, and enough without FILES.",
        metavar="CHATS",
    ),
]
_RunsWeight = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        metavar="NUMBER",
        help="What an action of --runs counts for one of a recorded run; 0.5.",
    ),
]
_TestUsers = Annotated[
    bool,
    typer.Option(
        "--test-users",
        help="Also learn from train tasks of --runs whose users are in test tasks; they are "
        "refused without it. A head's features name no user.",
    ),
]
_Judged = Annotated[
    Path | None,
    file(
        "Judgements of `replay --critic policy --out FILE` by the checks of today; without it the "
        "runs are judged first."
    ),
]
_Unseen = Annotated[
    Path | None,
    file(
        "Also write the judgements of heads that have not seen the user: what `calibrate` makes a "
        "profile of."
    ),
]


@train.command(HEAD)
def head(  # noqa: PLR0913 # typer makes a flag of each
    files: Annotated[list[Path] | None, Recorded] = None,
    *,
    kind: Annotated[str, typer.Option(help="What to train: head.")] = HEAD,
    labels: Labels = None,
    chats: _Chats = None,
    policy: Annotated[Path | None, file("Of --chats: the operator's policy.")] = None,
    tools: Annotated[
        Path | None, file("Of --chats: JSON list of the tools, each with its `effect`.")
    ] = None,
    runs: _Runs = None,
    runs_weight: _RunsWeight = None,
    test_users: _TestUsers = False,
    out: Annotated[Path, file("Where the weights go, as JSON.")],
    judged: _Judged = None,
    unseen: _Unseen = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Fit a head to recorded runs, and cross-validate it by user."""
    with command(as_json=json) as output:
        from sidecritic.settings.evaluation import settings_from
        from sidecritic.workflows.replay import ReplayRequest
        from sidecritic.workflows.training import Chats, OwnRuns, train_head

        choice("kind", kind, (HEAD,))
        by_checks = settings_from({"critic": "policy"})
        request = ReplayRequest(tuple(files or ()), by_checks, labels, judged, fixed=True)
        if files and chats and labels is not None:
            raise ConfigError(
                "--labels are of FILES or of --chats; write those of the chats into them, as "
                "`labels` of each conversation"
            )
        talks = Chats(tuple(chats or ()), policy, tools, None if files else labels)
        own = OwnRuns(tuple(runs or ()), runs_weight, test_users=test_users, chats=talks)
        cores = workers or os.cpu_count() or 1
        made = train_head(request, out, unseen, own=own, workers=cores, watcher=output.watcher)
        found = {
            "out": str(out),
            "digest": made.weights.digest,
            "data": made.weights.data.model_dump(mode="json"),
            "cv": made.cv.model_dump(mode="json"),
            "own": {domain: held._asdict() for domain, held in made.own.items()},
        }
        output.show(found, lambda: _head_lines(made, out))


def _head_lines(made: "TrainedHead", out: Path) -> "Iterator[RenderableType]":
    from sidecritic.reports.replay import to_training_tables

    yield from to_training_tables(made.cv)
    for domain, held in made.own.items():
        yield (
            f"Own runs, {domain}, by heads that have not seen the user: {held.caught} of "
            f"{held.wrong} wrong writes caught, {held.false_alarms} of {held.right} right "
            "ones sent back"
        )
    yield f"{out}: {made.weights.name}, digest {made.weights.digest}"


@train.command(LORA)
def tune(
    *,
    config: Annotated[Path, file("TOML file of the fine-tune.")],
    out: Annotated[Path, file("Where it goes; DIR again resumes.", metavar="DIR")],
    json: Json = False,
) -> None:
    """Fine-tune a small language model as a critic: TRL and PEFT, on a CPU or GPUs.

    The same command again resumes. On several GPUs:
    accelerate launch -m sidecritic train --kind lora --config FILE --out DIR.
    """
    with command(as_json=json) as output:
        from sidecritic.training.lora.packages import needed
        from sidecritic.workflows.training import draw_curve, tune_by_recipe

        result = tune_by_recipe(config, out, output.watcher)
        # One process of `accelerate launch` speaks for all of them.
        if needed("accelerate").PartialState().is_main_process:
            draw_curve(out, result, output.watcher)
            output.show(result, lambda: _lines(result, out))


def _lines(result: "Result", out: Path) -> list[str]:
    early = ", stopped early" if result.stopped_early else ""
    lines = [
        f"validation AUROC {result.auroc:.3f} at step {result.step} of {result.steps}{early}; "
        f"untuned {result.base_auroc:.3f}",
        f"{result.examples} rows of at most {result.longest} tokens, {result.too_long} too long; "
        f"{result.validation} to validate with; rendering {result.rendering}",
        f"{result.seconds:.0f} s, peak memory {result.peak_memory_mb} MB, {result.machine}",
        f"{out}/{result.adapter}, {out}/curve.png; "
        f"next: sidecritic train export {out} --format gguf --out DIR",
    ]
    if result.dpo_auroc is not None:
        kept = "kept" if result.adapter == "best-dpo" else "not kept"
        lines.insert(
            1,
            f"preferences (DPO): {result.sft_auroc:.3f} before, {result.dpo_auroc:.3f} after, "
            f"{kept}; {result.pairs} pairs, {result.pairs_too_long} too long",
        )
    return lines


@train.command("export")
def export(  # noqa: PLR0913 # typer makes a flag of each
    run: Annotated[Path, place("RUN", "Folder of `train --kind lora`.")],
    *,
    format: Annotated[str, typer.Option(help="adapter, merged or gguf.")] = "gguf",
    out: Annotated[Path, file("A new folder.", metavar="DIR")],
    name: Annotated[str, typer.Option(help="Its name on servers.")] = "sidecritic-critic",
    weights: Annotated[str, typer.Option(help="Of a GGUF file: q8_0, bf16, f16, f32.")] = "q8_0",
    llama_cpp: Annotated[Path, file("llama.cpp's source: its converter.", metavar="DIR")] = Path(
        ".venv-train/llama.cpp"
    ),
    json: Json = False,
) -> None:
    """Export a fine-tune, and print the commands that serve it."""
    with command(as_json=json) as output:
        from sidecritic.training.lora.export import FORMATS, WEIGHTS, serving
        from sidecritic.training.lora.export import export as write

        how, kept = choice("format", format, FORMATS), choice("weights", weights, WEIGHTS)
        made = write(run, out, how, name=_name(name), weights=kept, llama_cpp=llama_cpp)
        commands = dict(serving(made))
        plain = made.model_dump(mode="json")
        output.show({**plain, "serving": commands}, lambda: _served(made, commands))


def _served(made: "Exported", commands: "Mapping[str, str]") -> list[str]:
    lines = [f"{made.path}: SHA-256 {made.digest[:16]}, rendering {made.rendering}"]
    for where, line in commands.items():
        lines += ["", f"{where}:", f"  {line}"]
    return lines


def _name(text: str) -> str:
    if not text or not all(c.isalnum() or c in "._-" for c in text):
        raise ConfigError(f"the name {text!r} may hold only letters, digits, '.', '_' and '-'")
    return text
