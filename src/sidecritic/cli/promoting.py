"""`promote`: a critic takes another's place in the registry, or a gateway's route its mode.

`sidecritic promote NEW --over OLD` and `sidecritic critics promote` are one command: the gate.
Without NEW, `sidecritic promote --config FILE --route NAME` changes a route of the gateway.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecritic.cli.edge import FAILED, Output, command
from sidecritic.cli.flags import path
from sidecritic.errors import ConfigError

if TYPE_CHECKING:
    from sidecritic.scoring.promotion import PromotionDecision

REGISTRY = "critics.json"
OUT = "runs/gate"

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
File = Annotated[
    Path | None,
    typer.Option(
        "--registry", parser=path, metavar="FILE", help=f"The registry of critics; {REGISTRY}."
    ),
]
Over = Annotated[
    str | None,
    typer.Option("--over", metavar="OLD", help="Name in the registry, or as `eval --critic`."),
]
Runs = Annotated[
    list[Path] | None,
    typer.Option(
        "--runs",
        parser=path,
        metavar="RUN",
        help="Labelled run of `eval --critic none` on held-back tasks; repeatable.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", parser=path, metavar="DIR", help=f"Where the evidence goes; {OUT}."),
]
MarginsFile = Annotated[
    Path | None,
    typer.Option("--margins", parser=path, metavar="FILE", help="TOML of the gate's margins."),
]
TasksFile = Annotated[
    Path | None,
    typer.Option(
        "--tasks", parser=path, metavar="FILE", help="Task file that the runs were played from."
    ),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes that judge.")]


def promote_critic(  # noqa: PLR0913 # typer makes a flag of each
    new: Annotated[str, typer.Argument(metavar="NEW", help="Name in the registry.")],
    *,
    over: Over = None,
    runs: Runs = None,
    out: Out = None,
    margins: MarginsFile = None,
    tasks: TasksFile = None,
    workers: Workers = None,
    registry: File = None,
    json: Json = False,
) -> None:
    """Promote a critic if it is better than another on held-back tasks and worse in nothing.

    Exit code 1 and the reasons if it is not.
    """
    with command(as_json=json) as output:
        if over is None or not runs:
            raise ConfigError(
                f"to promote {new!r}, say over which critic and on which held-back runs: "
                "--over OLD --runs RUN"
            )
        from sidecritic.cli.gating import Contest, contested, publish
        from sidecritic.config.recipes import margins_from
        from sidecritic.critics.registry import decide, read_registry
        from sidecritic.training.lineage import decided

        file, folder = registry or Path(REGISTRY), out or Path(OUT)
        known = read_registry(file)
        known.entry(new, file)
        contest = Contest(
            new=called(new, file),
            old=called(over, file) if over in known.critics else over,
            runs=tuple(runs),
            played=folder,
            margins=margins_from(margins),
            tasks=_tasks(tuple(runs), tasks),
            workers=workers or os.cpu_count() or 1,
        )
        decision = contested(contest)
        publish(decision, folder)
        decide(file, new, decided(decision, datetime.now(UTC)))
        _tell(decision, output)


def promote(  # noqa: PLR0913 # typer makes a flag of each
    new: Annotated[
        str | None, typer.Argument(metavar="[NEW]", help="Name of a critic in the registry.")
    ] = None,
    *,
    over: Over = None,
    runs: Runs = None,
    out: Out = None,
    margins: MarginsFile = None,
    tasks: TasksFile = None,
    workers: Workers = None,
    registry: File = None,
    config: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="Of a gateway, for --route."),
    ] = None,
    route: Annotated[str | None, typer.Option(help="A gateway's route that changes mode.")] = None,
    mode: Annotated[str, typer.Option(help="Of the route: enforce, shadow or off.")] = "enforce",
    json: Json = False,
) -> None:
    """Promote a critic through the gate (NEW --over OLD), or a gateway's route (--route).

    With NEW it is `critics promote`. With --config and --route it changes that route's mode in
    the settings; a running server takes it up on SIGHUP.
    """
    if new is not None and config is None and route is None:
        promote_critic(
            new,
            over=over,
            runs=runs,
            out=out,
            margins=margins,
            tasks=tasks,
            workers=workers,
            registry=registry,
            json=json,
        )
        return
    with command(as_json=json) as output:
        from sidecritic.cli.deciding import change_mode

        if new is not None or config is None or route is None:
            raise ConfigError(
                "promote a critic with NEW --over OLD --runs RUN, or a gateway's route with "
                "--config FILE --route NAME"
            )
        changed = change_mode(config, route, mode)
        if json:
            output.json(changed)
        else:
            said = f"{route}: {changed['before']} → {mode}; send SIGHUP to the server"
            output.tables(said)


def called(name: str, registry: Path) -> str:
    """Return the name by which `--critic` knows a critic of a registry."""
    return f"registry:{registry}#{name}"


def _tasks(runs: tuple[Path, ...], file: Path | None) -> dict[str, str]:
    from sidecritic.runs import read_record

    if file is None:
        return {}
    envs = {env for run in runs for env in read_record(run).versions}
    if len(envs) != 1:
        raise ConfigError(
            f"--tasks {file} is for one environment, and the runs have {len(envs)}: "
            f"{', '.join(sorted(envs))}"
        )
    return dict.fromkeys(envs, str(file))


def _tell(decision: "PromotionDecision", output: Output) -> None:
    from sidecritic.reports.promotion import decision_sections
    from sidecritic.reports.sections import label
    from sidecritic.reports.tables import to_table

    if output.as_json:
        output.json(decision)
    else:
        for section in decision_sections(decision):
            output.tables(to_table(section, label(decision.simulated)), *section.notes)
    if not decision.promoted:
        raise typer.Exit(FAILED)
