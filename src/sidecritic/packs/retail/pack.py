"""The pack for τ² retail."""

from sidecritic.checks.announcing import ANNOUNCEMENTS
from sidecritic.checks.base import Pack
from sidecritic.checks.common import COMMON_CALLS
from sidecritic.checks.endings import ENDING_CALLS, ENDING_TEXTS
from sidecritic.checks.refusals import refusal_checks, unless_forbidden
from sidecritic.checks.statements import STATEMENTS
from sidecritic.packs.retail.addresses import RETAIL_ADDRESSES
from sidecritic.packs.retail.cancels import RETAIL_CANCELS
from sidecritic.packs.retail.choices import RETAIL_CHOICES
from sidecritic.packs.retail.confirm import RETAIL_CONFIRM
from sidecritic.packs.retail.items import RETAIL_ITEMS
from sidecritic.packs.retail.lookups import wants
from sidecritic.packs.retail.payments import RETAIL_PAYMENTS
from sidecritic.packs.retail.refusals import refused
from sidecritic.packs.retail.rules import RETAIL_RULES

_REFUSALS = refusal_checks(refused)

RETAIL = Pack(
    name="retail",
    calls=(
        *RETAIL_RULES,
        *RETAIL_CHOICES,
        *RETAIL_ITEMS,
        *RETAIL_CANCELS,
        *RETAIL_ADDRESSES,
        *RETAIL_PAYMENTS,
        *RETAIL_CONFIRM,
        *COMMON_CALLS,
        *(check.call for check in _REFUSALS),
        *(unless_forbidden(check, refused) for check in ENDING_CALLS),
    ),
    texts=(
        *(check.text for check in _REFUSALS),
        *(unless_forbidden(check, refused) for check in ENDING_TEXTS),
        *STATEMENTS,
        *ANNOUNCEMENTS,
    ),
    generic_tools=frozenset({"calculate"}),
    wants=wants,
)
