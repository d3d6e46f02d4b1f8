"""The pack for τ² retail."""

from sidecritic.checks import common, statements
from sidecritic.checks.base import Pack
from sidecritic.checks.endings import ENDINGS
from sidecritic.packs.retail import addresses, cancels, choices, items, payments, rules
from sidecritic.packs.retail.lookups import wants

RETAIL = Pack.of(
    "retail",
    *(rules, choices, items, cancels, addresses, payments),
    *(common, *ENDINGS, statements),
    generic_tools={"calculate"},
    wants=wants,
    synonyms=(
        ("card", "payment"),
        ("paypal", "payment"),
        ("profile", "user"),
        ("account", "user"),
        ("default", "user"),
    ),
)
