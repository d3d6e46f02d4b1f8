"""Checks of how a conversation ends: what was left undone, and hand-overs."""

from sidecritic.checks.endings import conduct, hand_overs, omissions

ENDINGS = (hand_overs, omissions, conduct)
"""The modules of these checks, for a pack to take in."""
