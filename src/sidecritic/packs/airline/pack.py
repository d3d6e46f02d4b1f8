"""The pack for τ² airline, and for τ-bench airline, whose rules it reads from the run."""

from sidecritic.checks.announcing import ANNOUNCEMENTS
from sidecritic.checks.base import Pack
from sidecritic.checks.common import COMMON_CALLS
from sidecritic.checks.endings import ENDING_CALLS, ENDING_TEXTS
from sidecritic.checks.refusals import refusal_checks, unless_forbidden
from sidecritic.checks.statements import STATEMENTS
from sidecritic.packs.airline.announced import AIRLINE_ANNOUNCED
from sidecritic.packs.airline.bags import AIRLINE_BAGS
from sidecritic.packs.airline.bookings import AIRLINE_BOOKINGS
from sidecritic.packs.airline.cancellations import AIRLINE_CANCELLATIONS
from sidecritic.packs.airline.compensation import AIRLINE_COMPENSATION
from sidecritic.packs.airline.endings import AIRLINE_ENDING_CALLS, AIRLINE_ENDING_TEXTS
from sidecritic.packs.airline.limits import AIRLINE_LIMITS
from sidecritic.packs.airline.looks import airline_wants
from sidecritic.packs.airline.prices import AIRLINE_PRICES
from sidecritic.packs.airline.refusals import refused
from sidecritic.packs.airline.requests import AIRLINE_REQUESTS
from sidecritic.packs.airline.rules import AIRLINE_RULES
from sidecritic.packs.airline.users import AIRLINE_USERS
from sidecritic.packs.airline.wishes import AIRLINE_WISHES

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
    generic_tools=frozenset({"calculate"}),
    wants=airline_wants,
)
