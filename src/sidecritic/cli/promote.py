"""`promote`: a critic takes another's place in the registry, or a gateway's route its mode.

`sidecritic promote NEW --over OLD` and `sidecritic critics promote` are one command. Without
NEW, `sidecritic promote --config FILE --route NAME` changes a route of the gateway.
"""

import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, Workers, file, takes
from sidecritic.cli.output import FAILED, command
from sidecritic.errors import ConfigError, SidecriticError
from sidecritic.settings.names import choice

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sidecritic.cli.output import Output
    from sidecritic.scoring.pilot import Pilot
    from sidecritic.scoring.promotion import PromotionDecision
    from sidecritic.seats.tools import Mode

REGISTRY = Path("critics.json")
OUT = Path("runs/promotion")

Registry = Annotated[Path, file("The registry of critics.", "--registry")]
_RUNS = "Labelled run of `eval --critic none` on held-back tasks; repeatable."


def promote_critic(  # noqa: PLR0913 # typer makes a flag of each
    new: Annotated[str, typer.Argument(metavar="NEW", help="Name in the registry.")],
    *,
    over: Annotated[
        str | None, typer.Option(metavar="OLD", help="Name in the registry, or of any critic.")
    ] = None,
    runs: Annotated[list[Path] | None, file(_RUNS, metavar="RUN")] = None,
    out: Annotated[Path, file("Where the evidence goes.", metavar="DIR")] = OUT,
    margins: Annotated[Path | None, file("TOML file of other margins.")] = None,
    tasks: Annotated[Path | None, file("Task file that the runs were played from.")] = None,
    workers: Workers = None,
    registry: Registry = REGISTRY,
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
        from sidecritic.assembly.registered import called
        from sidecritic.critics.registry import read_registry
        from sidecritic.settings.learning import margins_from
        from sidecritic.workflows.promotion import Contest, promote, task_files

        known = read_registry(registry)
        known.entry(new, registry)
        contest = Contest(
            new=called(new, registry),
            old=called(over, registry) if over in known.critics else over,
            runs=tuple(runs),
            played=out,
            margins=margins_from(margins),
            tasks=task_files(runs, tasks),
            workers=workers or os.cpu_count() or 1,
        )
        decision = promote(new, registry, contest, output.watcher)
        output.show(decision, lambda: _tables(decision))
        if not decision.promoted:
            raise typer.Exit(FAILED)


_CRITIC = inspect.signature(promote_critic).parameters


@takes(_CRITIC[name] for name in _CRITIC if name not in ("new", "json"))
def promote(  # typer makes a flag of each
    new: Annotated[
        str | None, typer.Argument(metavar="[NEW]", help="Name of a critic in the registry.")
    ] = None,
    *,
    config: Annotated[Path | None, file("Settings of a gateway, for --route.")] = None,
    route: Annotated[
        str | None, typer.Option(help="Route of a gateway, to change its mode.")
    ] = None,
    mode: Annotated[
        str, typer.Option(help="Mode of the route: enforce, shadow or off.")
    ] = "enforce",
    yes: Annotated[bool, typer.Option("--yes", help="Enforce whatever the pilot says.")] = False,
    json: Json = False,
    **flags: Any,
) -> None:
    """Promote a critic (NEW --over OLD), or a gateway's route (--route).

    With NEW it is `critics promote`. With --config and --route it changes that route's mode in
    the settings; a running server applies it on SIGHUP. Before it enforces, it shows what
    `pilot` says of the route's decisions, and asks unless that is "enforce".
    """
    if new is not None and config is None and route is None:
        promote_critic(new, json=json, **flags)
        return
    with command(as_json=json) as output:
        if new is not None or config is None or route is None:
            raise ConfigError(
                "promote a critic with NEW --over OLD --runs RUN, or a gateway's route with "
                "--config FILE --route NAME"
            )
        _change_route(
            config, route, choice("mode", mode, ("enforce", "shadow", "off")), yes, output
        )


def _change_route(config: Path, route: str, mode: "Mode", yes: bool, output: "Output") -> None:
    from sidecritic.cli.gateway.serve import require_gateway

    require_gateway()
    from sidecritic.settings.gateway_file import require_route, set_mode

    require_route(config, route)
    pilot = _weighed(config, route, yes) if mode == "enforce" else None
    before = set_mode(config, route, mode)
    said = f"{route}: {before} → {mode}; send SIGHUP to the server"
    weighed = None if pilot is None else pilot.model_dump(mode="json")
    found = {"route": route, "before": before, "mode": mode, "pilot": weighed}
    output.show(found, lambda: [said])


def _weighed(config: Path, route: str, yes: bool) -> "Pilot | None":
    """Show what the route's decisions say of enforcing, and ask unless they speak for it."""
    from sidecritic.reports.pilot import said
    from sidecritic.workflows.measure.pilot import PilotRequest, pilot

    found, why = None, ""
    try:
        found = pilot(PilotRequest((config,), route))
        why = said(found)
        for remark in found.remarks:
            note(f"take care: {remark}")
    except SidecriticError as error:
        # A store that is away must not keep an operator who insists from changing a mode.
        why = f"nothing is known: {error}"
    note(f"pilot of {route}: {why}")
    if yes or (found is not None and found.verdict == "enforce"):
        return found
    if not sys.stdin.isatty():
        raise ConfigError(
            f"{route} stays as it is: the pilot does not speak for enforcing; add --yes to do it "
            "all the same"
        )
    if not typer.confirm("Enforce all the same?", err=True):
        raise ConfigError(f"{route} stays as it is")
    return found


def _tables(decision: "PromotionDecision") -> "Iterator[RenderableType]":
    from sidecritic.reports.promotion import decision_sections
    from sidecritic.reports.sections import label
    from sidecritic.reports.tables import to_table

    for section in decision_sections(decision):
        yield to_table(section, label(decision.simulated))
        yield from section.notes
