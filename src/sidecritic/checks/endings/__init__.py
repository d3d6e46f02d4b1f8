"""Checks of how a conversation ends: what was left undone, and hand-overs."""

from sidecritic.checks.base import CallCheck, TextCheck
from sidecritic.checks.endings.conduct import CONDUCT
from sidecritic.checks.endings.hand_overs import (
    handed_over_after_error,
    needless_transfer,
    premature_transfer,
    transfer_not_announced,
)
from sidecritic.checks.endings.omissions import OMISSIONS, plan_dropped, unserved

_WHOLE = (*OMISSIONS, handed_over_after_error, *CONDUCT)

ENDING_CALLS: tuple[CallCheck, ...] = (
    premature_transfer,
    needless_transfer,
    *(check.call for check in _WHOLE),
)
ENDING_TEXTS: tuple[TextCheck, ...] = (plan_dropped, unserved, *(check.text for check in _WHOLE))
ANNOUNCEMENTS: tuple[TextCheck, ...] = (transfer_not_announced,)
