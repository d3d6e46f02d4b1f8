"""`datagen label` and `datagen export`: runs become labels, and labels become data sets."""

from pathlib import Path
from typing import Annotated

import typer

from sidecritic.cli.edge import command, note
from sidecritic.cli.flags import path

Runs = Annotated[
    list[Path], typer.Argument(parser=path, metavar="RUN...", help="Directories of runs.")
]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]


def label(  # noqa: PLR0913 # typer makes a flag of each
    runs: Runs,
    *,
    sources: Annotated[
        str, typer.Option(help="outcome, branching, fault, teacher, human, rule; several: a,b.")
    ] = "fault,outcome",
    gate: Annotated[
        str, typer.Option(help="Proposals that get labels: those that this gate sends to a critic.")
    ] = "writes+final",
    continuations: Annotated[
        int, typer.Option(min=2, help="At most so many of one proposal, for branching.")
    ] = 32,
    critic: Annotated[
        str, typer.Option(help="Whose feedback branching tries where no better is known.")
    ] = "default",
    teacher: Annotated[str, typer.Option(help="openai:MODEL or anthropic:MODEL.")] = "",
    base_url: Annotated[str | None, typer.Option(help="Server of actor, user, teacher.")] = None,
    critic_base_url: Annotated[str | None, typer.Option(help="Server of the critic.")] = None,
    teacher_base_url: Annotated[str | None, typer.Option(help="Server of the teacher.")] = None,
    human: Annotated[
        list[Path] | None,
        typer.Option(parser=path, metavar="FILE", help="Opinions of people, one a line."),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="FILE",
            help="What `decisions export` wrote: becomes the run RUN, labelled by people.",
        ),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Trajectories at the same time.")] = 8,
    json: Json = False,
) -> None:
    """Say of each proposal of a run whether it was right: labels.jsonl beside it.

    The same command again goes on where it was stopped.
    """
    with command(as_json=json) as output:
        from sidecritic.cli.labels import Asked, gate_named, label_runs, sources_named, table_of
        from sidecritic.labelling.people import read_opinions

        asked = Asked(
            sources=sources_named(sources),
            gate=gate_named(gate),
            continuations=continuations,
            critic=critic,
            teacher=teacher,
            servers={
                "base_url": base_url,
                "critic_base_url": critic_base_url,
                "helper_base_url": teacher_base_url,
            },
            opinions=tuple(o for file in human or () for o in read_opinions(file)),
            decisions=decisions,
            concurrency=concurrency,
        )
        counts = label_runs(runs, asked)
        if json:
            output.json(counts)
        else:
            output.tables(*table_of(counts))


def export(  # noqa: PLR0913 # typer makes a flag of each
    runs: Annotated[
        list[Path] | None, typer.Argument(parser=path, metavar="RUN...", help="Labelled runs.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(parser=path, metavar="DIR", help="A new folder.")],
    rendering: Annotated[str, typer.Option(help="How a proposal is written down.")] = "full",
    seed: Annotated[int, typer.Option(help="Of splits and balance.")] = 0,
    balance: Annotated[str, typer.Option(help="downsample, weights or none.")] = "downsample",
    validation: Annotated[float, typer.Option(min=0, max=0.5, help="Share of users.")] = 0.15,
    test: Annotated[float, typer.Option(min=0, max=0.5, help="Share of users.")] = 0.15,
    held_out: Annotated[
        str, typer.Option(help="refuse or drop: rows of the benchmarks' test tasks and users.")
    ] = "refuse",
    hostile: Annotated[
        list[Path] | None,
        typer.Option(parser=path, metavar="RUN", help="Quarantine all of this run."),
    ] = None,
    recorded: Annotated[
        list[Path] | None,
        typer.Option(parser=path, metavar="FILE", help="Recorded runs, labelled by their ends."),
    ] = None,
    parquet: Annotated[
        bool | None, typer.Option(help="Write Parquet as well; where pyarrow is installed.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a data set of labelled runs: splits by task and user, no duplicates, a card."""
    with command(as_json=json) as output:
        from sidecritic.cli.exporting import Asked, export_runs, lines_of

        asked = Asked(
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
        summary = export_runs(runs or (), asked)
        for problem in summary.problems:
            note(problem)
        if json:
            output.json(summary)
        else:
            output.tables(*lines_of(summary, out))
