"""`train`: a head by default, a LoRA fine-tune with `--kind lora`, and its export."""

from contextlib import redirect_stdout
from pathlib import Path
from sys import stderr
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sidecritic.cli.edge import command, note
from sidecritic.cli.flags import path
from sidecritic.cli.training import HEAD
from sidecritic.cli.training import train as train_head
from sidecritic.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecritic.training.lora.export import Exported, Format, Weights
    from sidecritic.training.lora.result import Result

LORA = "lora"

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]


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
train.command(HEAD)(train_head)


@train.command(LORA)
def tune(
    *,
    config: Annotated[
        Path, typer.Option(parser=path, metavar="FILE", help="TOML file of the fine-tune.")
    ],
    out: Annotated[
        Path, typer.Option(parser=path, metavar="DIR", help="Where it goes; DIR again resumes.")
    ],
    json: Json = False,
) -> None:
    """Fine-tune a small language model as a critic: TRL and PEFT, on a CPU or GPUs.

    The same command again goes on where it was stopped or killed. On several GPUs:
    accelerate launch -m sidecritic train --kind lora --config FILE --out DIR.
    """
    with command(as_json=json) as output:
        result = tuned(config, out)
        if not is_first_process():
            return
        if json:
            output.json(result)
        else:
            output.tables(*_lines(result, out))


def tuned(config: Path, out: Path) -> "Result":
    """Fine-tune by the recipe in a file, and draw the curve.

    Raises:
        ConfigError: the recipe, the data set or the folder cannot be used.
        TrainingError: it broke underway.
    """
    from sidecritic.config.held_out import held_out_of
    from sidecritic.training.lora.recipe import read_recipe
    from sidecritic.training.lora.run import tune

    with redirect_stdout(stderr):
        result = tune(read_recipe(config), out, say=note, tests_of=held_out_of)
    if is_first_process():
        draw_curve(out, result)
    return result


def is_first_process() -> bool:
    """Whether this is the process of `accelerate launch` that speaks for all of them."""
    from sidecritic.training.lora.packages import needed

    return bool(needed("accelerate").PartialState().is_main_process)


def draw_curve(out: Path, result: "Result") -> None:
    """Draw the curve of a fine-tune beside it; without matplotlib say what is missing.

    Raises:
        ConfigError: the picture cannot be written.
    """
    from sidecritic.reports.curves import plot_curve
    from sidecritic.training.lora.curve import read_curve

    points = [(p.step, p.auroc, p.loss) for p in read_curve(out / "curve.jsonl")]
    title = f"{Path(result.recipe.base).name}, {result.examples} rows, {result.rendering}"
    try:
        plot_curve(points, out / "curve.png", title=title)
    except MissingExtra as error:
        note(str(error))
    except OSError as error:
        raise ConfigError(f"cannot write {out / 'curve.png'}: {error.strerror}") from error


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
    run: Annotated[
        Path, typer.Argument(parser=path, metavar="RUN", help="What `train --kind lora` wrote.")
    ],
    *,
    format: Annotated[str, typer.Option(help="adapter, merged or gguf.")] = "gguf",
    out: Annotated[Path, typer.Option(parser=path, metavar="DIR", help="A new folder.")],
    name: Annotated[str, typer.Option(help="What servers call it.")] = "sidecritic-critic",
    weights: Annotated[str, typer.Option(help="Of a GGUF file: q8_0, bf16, f16, f32.")] = "q8_0",
    llama_cpp: Annotated[
        Path,
        typer.Option(parser=path, metavar="DIR", help="llama.cpp's source: its converter."),
    ] = Path(".venv-train/llama.cpp"),
    json: Json = False,
) -> None:
    """Export a fine-tune, and print the commands that serve it."""
    with command(as_json=json) as output:
        from sidecritic.training.lora.export import export as write
        from sidecritic.training.lora.export import serving

        how, kept = _format(format), _weights(weights)
        with redirect_stdout(stderr):
            made = write(run, out, how, name=_name(name), weights=kept, llama_cpp=llama_cpp)
        if json:
            commands = dict(serving(made))
            output.json({**made.model_dump(mode="json"), "serving": commands})
        else:
            output.tables(*_served(made, serving(made)))


def _served(made: "Exported", commands: "Sequence[tuple[str, str]]") -> list[str]:
    lines = [f"{made.path}: SHA-256 {made.digest[:16]}, rendering {made.rendering}"]
    for where, line in commands:
        lines += ["", f"{where}:", f"  {line}"]
    return lines


def _format(text: str) -> "Format":
    from sidecritic.training.lora.export import FORMATS

    for known in FORMATS:
        if known == text:
            return known
    raise ConfigError(f"unknown format {text!r}; known: {', '.join(FORMATS)}")


def _weights(text: str) -> "Weights":
    from sidecritic.training.lora.export import WEIGHTS

    for known in WEIGHTS:
        if known == text:
            return known
    raise ConfigError(f"unknown weights {text!r}; known: {', '.join(WEIGHTS)}")


def _name(text: str) -> str:
    if not text or not all(c.isalnum() or c in "._-" for c in text):
        raise ConfigError(f"the name {text!r} holds more than letters, digits, '.', '_' and '-'")
    return text
