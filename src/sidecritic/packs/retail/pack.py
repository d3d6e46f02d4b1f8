"""The pack for τ² retail."""

from sidecritic.checks.base import Pack
from sidecritic.checks.common import COMMON_CALLS
from sidecritic.checks.endings import ANNOUNCEMENTS, ENDING_CALLS, ENDING_TEXTS
from sidecritic.checks.statements import STATEMENTS
from sidecritic.packs.retail.addresses import RETAIL_ADDRESSES
from sidecritic.packs.retail.cancels import RETAIL_CANCELS
from sidecritic.packs.retail.choices import RETAIL_CHOICES
from sidecritic.packs.retail.items import RETAIL_ITEMS
from sidecritic.packs.retail.lookups import wants
from sidecritic.packs.retail.payments import RETAIL_PAYMENTS
from sidecritic.packs.retail.rules import RETAIL_RULES

RETAIL = Pack(
    name="retail",
    calls=(
        *RETAIL_RULES,
        *RETAIL_CHOICES,
        *RETAIL_ITEMS,
        *RETAIL_CANCELS,
        *RETAIL_ADDRESSES,
        *RETAIL_PAYMENTS,
        *COMMON_CALLS,
        *ENDING_CALLS,
    ),
    texts=(
        *ENDING_TEXTS,
        *STATEMENTS,
        *ANNOUNCEMENTS,
    ),
    synonyms=(
        ("card", "payment"),
        ("paypal", "payment"),
        ("profile", "user"),
        ("account", "user"),
        ("default", "user"),
    ),
    generic_tools=frozenset({"calculate", "transfer_to_human_agents"}),
    wants=wants,
)
