"""Checks of the words of a hand-over, in every domain whose policy prescribes them."""

import re

from sidecritic.checks.base import Objection, TextCheck, text_check
from sidecritic.checks.facts import Facts
from sidecritic.checks.partings import TRANSFER

_PRESCRIBED = re.compile(r"then send the message ['\"]([^'\"\n]+)['\"] to the user")
_NO_WORD = re.compile(r"\W+")


@text_check("transfer not announced", policy=TRANSFER, risk=0.6)
def transfer_not_announced(facts: Facts, draft: str) -> Objection | None:
    """Fire when words other than the prescribed ones follow a transfer."""
    handed = [d for d in facts.done if d.call.name in facts.hand_overs and not d.is_error]
    words = _PRESCRIBED.search(facts.policy) if handed else None
    if words is None:
        return None
    since = handed[-1].position
    said = [line.text for line in facts.agent_lines if line.position > since]
    if any(_bare(words[1]) in _bare(text) for text in (*said, draft)):
        return None
    return Objection(
        f"The user is being transferred. Send them the message that the policy prescribes: "
        f"'{words[1]}'",
        evidence=draft[:120],
        messages=(since,),
    )


ANNOUNCEMENTS: tuple[TextCheck, ...] = (transfer_not_announced,)


def _bare(text: str) -> str:
    """Return the words of a text, whatever their case and punctuation."""
    return f" {_NO_WORD.sub(' ', text).strip().lower()} "
