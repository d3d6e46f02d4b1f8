"""Checks that know no domain, by module, for a pack to take in."""

from sidecritic.checks import answers, endings, omissions, partings

ENDINGS = (endings, omissions, answers, partings)
"""How a conversation ends, whether by words or by a hand-over."""
