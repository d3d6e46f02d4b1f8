"""`datagen`: play, mine, label and export what critics learn from."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, Recipe, file, place, share, takes_settings
from sidecritic.cli.output import command

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sidecritic.datasets.summary import Summary
    from sidecritic.workflows.labels import Counts

MINED_FILE = "mined.json"
DIRECTORY = "runs/datagen"

_Decisions = Annotated[
    Path | None,
    file("Output of `decisions export`, or a chat log: becomes the run RUN, with labels."),
]
_Gate = Annotated[str, typer.Option(help="Label the proposals that this gate sends to a critic.")]
_ShareOfUsers = Annotated[float, typer.Option(min=0, max=0.5, help="Share of users.")]

datagen = typer.Typer(no_args_is_help=True, help="Data that critics are trained on.")


@datagen.command()
@takes_settings()
def play(recipe: Recipe = None, json: Json = False, **flags: Any) -> None:
    """Play train tasks without a critic and with one, into OUT/alone and OUT/supervised.

    Takes the flags of `eval`; the default split is train. Test tasks and their users are
    refused. The same command again resumes.
    """
    with command(as_json=json) as output:
        from sidecritic.cli.eval import exit_if_failed
        from sidecritic.reports import to_tables
        from sidecritic.settings.evaluation import settings_from
        from sidecritic.workflows.selfplay import play_both

        settings = settings_from({**flags, "split": flags.get("split") or _split(recipe)}, recipe)
        out = Path(settings.out or DIRECTORY)
        found = play_both(settings, out, output.watcher)
        if json:
            output.json({run.name: each.model_dump(mode="json") for run, each in found.items()})
        else:
            for run, each in found.items():
                output.tables(f"{run}:", *to_tables(each))
            output.tables(f"Next: sidecritic datagen mine {out}")
        exit_if_failed(*found.values())


def _split(recipe: Path | None) -> str | None:
    """Return `train` if neither flags nor recipe name a split."""
    from sidecritic.settings.evaluation import settings_from

    named = recipe is not None and "split" in settings_from({}, recipe).model_fields_set
    return None if named else "train"


@datagen.command()
def mine(  # noqa: PLR0913 # typer makes a flag of each
    run: Annotated[Path, place("DIR", "Directory of `datagen play`, or a run.")],
    *,
    out: Annotated[Path | None, file(f"DIR/{MINED_FILE} by default.")] = None,
    keep_mixed: Annotated[float, share("Share of tasks that sometimes failed.")] = 1.0,
    keep_failed: Annotated[float, share("Share of tasks that always failed.")] = 1.0,
    keep_passed: Annotated[float, share("Share of tasks that always passed.")] = 0.1,
    at_most: Annotated[
        int | None, typer.Option(min=1, help="Tasks in all: mixed first, always passed last.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which tasks of a share are kept.")] = 0,
    json: Json = False,
) -> None:
    """Choose the tasks worth learning from by how often they succeeded, and say why."""
    with command(as_json=json) as output:
        from sidecritic.reports.mining import to_mining_tables
        from sidecritic.scoring.mining import MiningShares, write_mined
        from sidecritic.scoring.mining import mine as choose

        shares = MiningShares(
            mixed=keep_mixed, failed=keep_failed, passed=keep_passed, at_most=at_most
        )
        mined = choose(run, shares=shares, seed=seed)
        kept_in = out or run / MINED_FILE
        write_mined(mined, kept_in)
        kept = f"{kept_in}: {len(mined.kept)} tasks kept"
        output.show(mined, lambda: (*to_mining_tables(mined), kept))


@datagen.command()
def label(  # noqa: PLR0913 # typer makes a flag of each
    runs: Annotated[list[Path], place("RUN...", "Directories of runs.")],
    *,
    sources: Annotated[
        str, typer.Option(help="outcome, branching, fault, teacher, human, rule; several: a,b.")
    ] = "fault,outcome",
    gate: _Gate = "writes+final",
    continuations: Annotated[
        int, typer.Option(min=2, help="At most so many of one proposal, for branching.")
    ] = 32,
    critic: Annotated[
        str, typer.Option(help="Whose feedback branching tries if no better is known.")
    ] = "default",
    teacher: Annotated[str, typer.Option(help="openai:MODEL or anthropic:MODEL.")] = "",
    base_url: Annotated[str | None, typer.Option(help="Server of actor, user, teacher.")] = None,
    critic_base_url: Annotated[str | None, typer.Option(help="Server of the critic.")] = None,
    teacher_base_url: Annotated[str | None, typer.Option(help="Server of the teacher.")] = None,
    human: Annotated[list[Path] | None, file("Labels by people, in any form.")] = None,
    decisions: _Decisions = None,
    policy: Annotated[Path | None, file("Policy of the chat log that --decisions names.")] = None,
    tools: Annotated[Path | None, file("Its tools, each with its `effect`.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Trajectories at the same time.")] = 8,
    json: Json = False,
) -> None:
    """Label each proposal of a run as right or wrong, in its labels.jsonl.

    The same command again resumes.
    """
    with command(as_json=json) as output:
        from sidecritic.gates import GATES
        from sidecritic.labelling.label_files import read_labels_file
        from sidecritic.settings.names import choice
        from sidecritic.workflows.labels import LabelRequest, label_runs, sources_of
        from sidecritic.workflows.replay import operator_of

        request = LabelRequest(
            sources=sources_of(filter(None, map(str.strip, sources.split(",")))),
            gate=choice("gate", gate, GATES),
            continuations=continuations,
            critic=critic,
            teacher=teacher,
            servers=_servers(base_url, critic_base_url, teacher_base_url),
            opinions=tuple(o for each in human or () for o in read_labels_file(each).opinions),
            decisions=decisions,
            operator=operator_of(policy, tools),
            concurrency=concurrency,
        )
        counts = label_runs(runs, request, output.watcher)
        output.show(counts, lambda: _label_tables(counts))


def _servers(actor: str | None, critic: str | None, teacher: str | None) -> dict[str, str | None]:
    return {"base_url": actor, "critic_base_url": critic, "helper_base_url": teacher}


@datagen.command()
def export(  # noqa: PLR0913 # typer makes a flag of each
    runs: Annotated[list[Path] | None, place("RUN...", "Labelled runs.")] = None,
    *,
    out: Annotated[Path, file("A new folder.", metavar="DIR")],
    rendering: Annotated[str, typer.Option(help="How a proposal is written down.")] = "full",
    seed: Annotated[int, typer.Option(help="Of splits and balance.")] = 0,
    balance: Annotated[str, typer.Option(help="downsample, weights or none.")] = "downsample",
    validation: _ShareOfUsers = 0.15,
    test: _ShareOfUsers = 0.15,
    held_out: Annotated[
        str, typer.Option(help="refuse or drop: rows of the benchmarks' test tasks and users.")
    ] = "refuse",
    hostile: Annotated[
        list[Path] | None, file("Quarantine all of this run.", metavar="RUN")
    ] = None,
    recorded: Annotated[list[Path] | None, file("Recorded runs, labelled by their ends.")] = None,
    parquet: Annotated[
        bool | None, typer.Option(help="Also write Parquet; by default if pyarrow is installed.")
    ] = None,
    json: Json = False,
) -> None:
    """Export labelled runs as a data set: splits by task and user, no duplicates, a card."""
    with command(as_json=json) as output:
        from sidecritic.workflows.export import ExportRequest, export_runs

        request = ExportRequest(
            out=out,
            rendering=rendering,
            seed=seed,
            balance=balance,
            shares=(validation, test),
            held_out=held_out,
            hostile=tuple(hostile or ()),
            recorded=tuple(recorded or ()),
            parquet=parquet,
        )
        summary = export_runs(runs or (), request, output.watcher)
        for problem in summary.problems:
            note(problem)
        output.show(summary, lambda: _export_tables(summary, out))


def _label_tables(counts: "Counts") -> "Iterator[RenderableType]":
    """Yield the labels by source and kind of mistake."""
    from sidecritic.reports.sections import Section
    from sidecritic.reports.tables import to_table
    from sidecritic.workflows.labels import SOURCES

    names = [s for s in SOURCES if any(each.source == s for each in counts.counted)]
    sums = Counter[tuple[str, str]]()
    for each in counts.counted:
        sums[each.category, each.source] += each.labels
    kinds = sorted({each.category for each in counts.counted})
    rows = tuple((kind or "right", *(str(sums[kind, name]) for name in names)) for kind in kinds)
    title = "Labels by source (simulated)" if counts.simulated else "Labels by source"
    yield to_table(Section(title, ("proposal", *names), rows))
    yield f"{counts.new} new labels."


def _export_tables(summary: "Summary", out: Path) -> "Iterator[RenderableType]":
    from sidecritic.reports.sections import Section
    from sidecritic.reports.tables import to_table

    splits = ("train", "validation", "test")
    rows = tuple(
        (config, *(str(counts.get(split, 0)) for split in splits))
        for config, counts in summary.rows.items()
    )
    title = "Rows (simulated)" if summary.simulated else "Rows"
    yield to_table(Section(title, ("", *splits), rows))
    for what, counts in (("left out", summary.left_out), ("quarantined", summary.quarantined)):
        if counts:
            yield f"{what}: " + ", ".join(f"{number} {why}" for why, number in counts.items())
    yield f"{out}: digest {summary.digest}; the card is README.md"
