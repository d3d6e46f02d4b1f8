"""The pack for τ² retail."""

from sidecritic.checks import announcing, common, statements
from sidecritic.checks.base import Pack
from sidecritic.checks.general import ENDINGS
from sidecritic.packs.retail import addresses, cancels, choices, items, payments, rules
from sidecritic.packs.retail.lookups import wants

RETAIL = Pack.of(
    "retail",
    *(rules, choices, items, cancels, addresses, payments),
    *(common, *ENDINGS, statements, announcing),
    generic_tools={"calculate", "transfer_to_human_agents"},
    wants=wants,
)
