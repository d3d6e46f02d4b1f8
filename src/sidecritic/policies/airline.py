"""The pack for τ² airline, and for τ-bench airline, whose rules it reads from the run."""

from sidecritic.policies.airline_announced import AIRLINE_ANNOUNCED
from sidecritic.policies.airline_bags import AIRLINE_BAGS
from sidecritic.policies.airline_bookings import AIRLINE_BOOKINGS
from sidecritic.policies.airline_cancellations import AIRLINE_CANCELLATIONS
from sidecritic.policies.airline_compensation import AIRLINE_COMPENSATION
from sidecritic.policies.airline_endings import AIRLINE_ENDING_CALLS, AIRLINE_ENDING_TEXTS
from sidecritic.policies.airline_limits import AIRLINE_LIMITS
from sidecritic.policies.airline_looks import airline_wants
from sidecritic.policies.airline_prices import AIRLINE_PRICES
from sidecritic.policies.airline_refusals import refused
from sidecritic.policies.airline_requests import AIRLINE_REQUESTS
from sidecritic.policies.airline_rules import AIRLINE_RULES
from sidecritic.policies.airline_users import AIRLINE_USERS
from sidecritic.policies.airline_wishes import AIRLINE_WISHES
from sidecritic.policies.announcing import ANNOUNCEMENTS
from sidecritic.policies.base import Pack
from sidecritic.policies.common import COMMON_CALLS
from sidecritic.policies.endings import ENDING_CALLS, ENDING_TEXTS
from sidecritic.policies.refusals import refusal_checks, unless_forbidden
from sidecritic.policies.statements import STATEMENTS

_REFUSALS = refusal_checks(refused, wrong=0.15)

AIRLINE = Pack(
    name="airline",
    calls=(
        *AIRLINE_RULES,
        *AIRLINE_CANCELLATIONS,
        *AIRLINE_BOOKINGS,
        *AIRLINE_BAGS,
        *AIRLINE_PRICES,
        *AIRLINE_LIMITS,
        *AIRLINE_COMPENSATION,
        *AIRLINE_WISHES,
        *AIRLINE_ANNOUNCED,
        *AIRLINE_REQUESTS,
        *AIRLINE_USERS,
        *AIRLINE_ENDING_CALLS,
        *(check.call for check in _REFUSALS),
        *COMMON_CALLS,
        *(unless_forbidden(check, refused) for check in ENDING_CALLS),
    ),
    texts=(
        *AIRLINE_ENDING_TEXTS,
        *(check.text for check in _REFUSALS),
        *(unless_forbidden(check, refused) for check in ENDING_TEXTS),
        *STATEMENTS,
        *ANNOUNCEMENTS,
    ),
    generic_tools=frozenset({"calculate", "transfer_to_human_agents"}),
    wants=airline_wants,
)
