"""The pack for τ² airline, and for τ-bench airline, whose rules it reads from the run."""

from sidecritic.checks.base import Pack
from sidecritic.checks.common import COMMON_CALLS
from sidecritic.checks.endings import ANNOUNCEMENTS, ENDING_CALLS, ENDING_TEXTS
from sidecritic.checks.statements import STATEMENTS
from sidecritic.packs.airline.bags import AIRLINE_BAGS
from sidecritic.packs.airline.bookings import AIRLINE_BOOKINGS
from sidecritic.packs.airline.cancellations import AIRLINE_CANCELLATIONS
from sidecritic.packs.airline.compensation import AIRLINE_COMPENSATION
from sidecritic.packs.airline.endings import AIRLINE_ENDING_CALLS, AIRLINE_ENDING_TEXTS
from sidecritic.packs.airline.looks import airline_wants
from sidecritic.packs.airline.prices import AIRLINE_PRICES
from sidecritic.packs.airline.rules import AIRLINE_RULES
from sidecritic.packs.airline.users import AIRLINE_USERS

AIRLINE = Pack(
    name="airline",
    calls=(
        *AIRLINE_RULES,
        *AIRLINE_CANCELLATIONS,
        *AIRLINE_BOOKINGS,
        *AIRLINE_BAGS,
        *AIRLINE_PRICES,
        *AIRLINE_COMPENSATION,
        *AIRLINE_USERS,
        *AIRLINE_ENDING_CALLS,
        *COMMON_CALLS,
        *ENDING_CALLS,
    ),
    texts=(
        *AIRLINE_ENDING_TEXTS,
        *ENDING_TEXTS,
        *STATEMENTS,
        *ANNOUNCEMENTS,
    ),
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
    generic_tools=frozenset({"calculate", "transfer_to_human_agents"}),
    wants=airline_wants,
)
