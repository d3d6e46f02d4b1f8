"""The pack for τ² airline, and for τ-bench airline, whose rules it reads from the run."""

from sidecritic.checks import announcing, common, statements
from sidecritic.checks.base import Pack
from sidecritic.checks.general import ENDINGS
from sidecritic.packs.airline import (
    bags,
    bookings,
    cancellations,
    compensation,
    endings,
    prices,
    rules,
)
from sidecritic.packs.airline.looks import wants

AIRLINE = Pack.of(
    "airline",
    *(rules, cancellations, bookings, bags, prices, compensation, endings),
    *(common, *ENDINGS, statements, announcing),
    generic_tools={"calculate", "transfer_to_human_agents"},
    wants=wants,
)
