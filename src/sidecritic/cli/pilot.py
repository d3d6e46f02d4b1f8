"""`pilot`: would it pay to enforce a critic that has run in shadow?"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli.flags import Json, place, share
from sidecritic.cli.output import command

if TYPE_CHECKING:
    from sidecritic.scoring.pilot import Pilot

Sources = Annotated[
    list[Path],
    place(
        "SOURCE",
        "A gateway's settings (gateway.toml), files of `decisions export`, runs of `eval` without "
        "and with the critic, or what `replay --json` printed.",
    ),
]
Repair = Annotated[
    float | None,
    share("Assumed where nothing was enforced: refused wrong actions that get repaired; 0.21."),
]
Spoil = Annotated[
    float | None,
    share("Assumed where nothing was enforced: refused right actions that end worse; 1."),
]


def pilot(
    sources: Sources,
    *,
    route: Annotated[str | None, typer.Option(help="Only decisions of this route.")] = None,
    repair: Repair = None,
    spoil: Spoil = None,
    json: Json = False,
) -> None:
    """Say whether enforcing a critic would pay, from labelled decisions or runs.

    It pays where the actor fails more often than d / (r + d): r is the share of failures that get
    repaired, d the share of successes that get spoilt.
    """
    with command(as_json=json) as output:
        if any(source.suffix == ".toml" for source in sources):
            from sidecritic.cli.gateway.serve import require_gateway

            require_gateway()
        from sidecritic.workflows.measure.pilot import PilotRequest
        from sidecritic.workflows.measure.pilot import pilot as weigh

        given = {"repair": repair, "spoil": spoil}
        assumed = {name: value for name, value in given.items() if value is not None}
        found = weigh(PilotRequest(tuple(sources), route, **assumed))
        output.show(found, lambda: pilot_tables(found))


def pilot_tables(found: "Pilot") -> Iterator[Any]:
    """Yield what to print of a pilot."""
    from sidecritic.reports.pilot import pilot_sections
    from sidecritic.reports.tables import printed

    yield from printed(pilot_sections(found), found.simulated)
