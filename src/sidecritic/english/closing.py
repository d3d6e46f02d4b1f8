"""How a conversation ends: what both sides say when it does, and when they leave it open.

A conversation may end after any message of the agent. What can be known beforehand is which
messages leave the user nothing to answer: a farewell, a report, a refusal.
"""

import re

from sidecritic.english.language import declines, takes_leave

_LEAVES = re.compile(
    r"\b((further|additional|more|any|other) (assistance|help|questions?)|being transferred"
    r"|you(['’]re| are) (very |most |so )?welcome|in the future|(don['’]t|do not) hesitate"
    r"|let me know if (you (need|have|want|would|['’]d)|there)"
    r"|talk (to you )?(soon|later)|(just|simply) (reply|reach out|ask|let me know))\b"
)
_REPORTS = re.compile(
    r"\b((all|is|are) (now )?(set|done|completed?)|(has|have) (\w+ ){0,2}been (\w+ )?\w+(ed|nt)"
    r"|(i|we)(['’]ve| have) (\w+ )?(\w+ed|made|sent|put|set)|went through|taken care of)\b"
)
_USER_LEAVES = re.compile(
    r"\b((good ?)?bye|take care|(that['’]?s|that (is|will be|would be)|that['’](ll|d) be)"
    r" (all|it|everything)\b(?! (correct|right|fine))|all i need(ed)?|nothing (else|more|further)"
    r"|talk (to you )?(soon|later)|have a (\w+ )?(great|nice|good|wonderful|lovely|pleasant) \w+"
    r"|thanks? (you )?(again|for (all|everything|your (help|time|assistance|patience|support))))\b"
)
_WELCOME = re.compile(r"\bhappy to (help|assist)\b")
_ASKS_FOR_DATA = re.compile(
    r"\b(could|can|would|may) (you|i)\b(?![^?\n]*\b(else|further|more)\b)[^?\n]*\?"
    r"|\b(please|kindly)\b[^.?!\n]{0,30}\b(provide|share|tell|give|specify|choose|confirm|check)\b"
    r"|\b(which|what)\b(?! else)[^.\n]*\?|\bif you (can|could) (provide|share)|\bonce you\b"
)


def closes(draft: str, answer: str) -> bool:
    """Whether a message may be the last; both texts in lower case, `answer` is what it answers.

    It takes leave, reports a deed, refuses and asks for nothing, answers a farewell, or is
    empty.
    """
    if not draft.strip():
        return True
    draft = _WELCOME.sub("", draft)
    if takes_leave(draft) or _LEAVES.search(draft) or _REPORTS.search(draft):
        return True
    return (says_goodbye(answer) or declines(draft)) and not asks_for_data(draft)


def says_goodbye(lower: str) -> bool:
    """Whether the user takes leave, or says that nothing is left to do."""
    return bool(_USER_LEAVES.search(lower))


def asks_for_data(lower: str) -> bool:
    """Whether the agent asks for something to go on with."""
    return bool(_ASKS_FOR_DATA.search(lower))
