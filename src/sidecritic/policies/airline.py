"""The pack for τ² airline."""

from sidecritic.policies.airline_compensation import AIRLINE_COMPENSATION
from sidecritic.policies.airline_money import AIRLINE_MONEY
from sidecritic.policies.airline_rules import AIRLINE_RULES
from sidecritic.policies.base import Pack
from sidecritic.policies.common import COMMON_CALLS, not_as_announced
from sidecritic.policies.endings import ENDING_CALLS, ENDING_TEXTS
from sidecritic.policies.statements import STATEMENTS

AIRLINE = Pack(
    name="airline",
    calls=(
        *AIRLINE_RULES,
        *AIRLINE_MONEY,
        *AIRLINE_COMPENSATION,
        *COMMON_CALLS,
        not_as_announced,
        *ENDING_CALLS,
    ),
    texts=(*ENDING_TEXTS, *STATEMENTS),
    generic_tools=frozenset({"calculate", "transfer_to_human_agents"}),
)
