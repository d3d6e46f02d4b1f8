"""Checks of how a conversation ends: what was left undone, and hand-overs."""

from sidecritic.checks.base import Pack
from sidecritic.checks.endings import hand_overs, omissions

ENDINGS = (hand_overs, omissions)
"""The modules of these checks, for `Pack.of`."""

_ALL = Pack.of("endings", *ENDINGS)
ENDING_CALLS, ENDING_TEXTS = _ALL.calls, _ALL.texts
