"""The pack for τ² retail."""

from sidecritic.policies.announcing import ANNOUNCEMENTS
from sidecritic.policies.base import Pack
from sidecritic.policies.common import COMMON_CALLS
from sidecritic.policies.endings import ENDING_CALLS, ENDING_TEXTS
from sidecritic.policies.refusals import refusal_checks, unless_forbidden
from sidecritic.policies.retail_addresses import RETAIL_ADDRESSES
from sidecritic.policies.retail_cancels import RETAIL_CANCELS
from sidecritic.policies.retail_choices import RETAIL_CHOICES
from sidecritic.policies.retail_confirm import RETAIL_CONFIRM
from sidecritic.policies.retail_items import RETAIL_ITEMS
from sidecritic.policies.retail_lookups import wants
from sidecritic.policies.retail_payments import RETAIL_PAYMENTS
from sidecritic.policies.retail_refusals import refused
from sidecritic.policies.retail_rules import RETAIL_RULES
from sidecritic.policies.statements import STATEMENTS

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
    generic_tools=frozenset({"calculate", "transfer_to_human_agents"}),
    wants=wants,
)
