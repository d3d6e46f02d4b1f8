"""The pack for τ² airline, and for τ-bench airline, whose rules it reads from the run."""

from sidecritic.checks import common, statements
from sidecritic.checks.base import Pack
from sidecritic.checks.endings import ENDINGS
from sidecritic.packs.airline import (
    bags,
    bookings,
    cancellations,
    compensation,
    prices,
    rules,
)
from sidecritic.packs.airline.looks import wants

AIRLINE = Pack.of(
    "airline",
    *(rules, cancellations, bookings, bags, prices, compensation),
    *(common, *ENDINGS, statements),
    generic_tools={"calculate"},
    wants=wants,
    synonyms=(
        ("bag", "baggage"),
        ("luggage", "baggage"),
        ("suitcase", "baggage"),
        ("cabin", "flight"),
        ("class", "flight"),
        ("economy", "flight"),
        ("trip", "flight"),
        ("ticket", "flight"),
        ("return flight", "flight"),
        ("return trip", "flight"),
        ("return leg", "flight"),
        ("card", "payment"),
        ("profile", "user"),
        ("account", "user"),
        ("voucher", "certificate"),
    ),
)
