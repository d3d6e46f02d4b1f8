"""Checks that need no language and no domain: exact, free, and on for every agent.

What a check of this room refuses is wrong by its form, or by what was executed, shown and said in
this conversation. None reads a policy, and none knows how people say things in any language.
"""

from sidecritic.checks.base import Pack
from sidecritic.checks.structural import arguments, asked, claims, ids, owners, repeats

STRUCTURAL = Pack.of("structural", arguments, ids, owners, repeats, asked, claims)
