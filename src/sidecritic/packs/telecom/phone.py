"""Telecom: what users report of their phone, which no tool of the agent's shows."""

import re
from collections.abc import Iterator

from sidecritic.checks.facts import Facts, Line
from sidecritic.english.text import sentences

_LOCKED = re.compile(
    r"\bsim\b[^.!?\n]{0,40}\blocked(_pin|_puk)?\b(?! to\b)|\b(pin|puk)( code)?[- ]locked\b"
    r"|\blocked\b[^.!?\n]{0,30}\b(sim|pin|puk)\b"
    r"|\b(ask(s|ing)?|want(s|ing)?|prompt(s|ing)?|needs?|require[sd]?|enter)\b[^.!?\n]{0,20}"
    r"\b(pin|puk)\b"
)
_SAYS_LOCKED = re.compile(r"\b(is|it's|says?|shows?|as|status:?)\W{1,3}locked\b|^\W*locked\W*$")
"""An answer to a question about the SIM card, which need not name it."""
_OTHER_LOCK = re.compile(r"\b(screen|account|door|bank|debit|credit|pay\w*|voicemail)\b")

_NOT_LOCKED = re.compile(r"(\b(not|no longer)|n't)( \w+)? locked\b")
_UNLOCKED = re.compile(
    r"\bunlocked\b|\bsim\b[^.!?\n]{0,40}\b(active|working|works|fine|okay|recogni[sz]ed)\b"
)
_SIGNAL = re.compile(
    r"📶[⁰¹²³⁴]? ?(poor|fair|good|excellent)"
    r"|\b(excellent|good|fair|full|strong|great|perfect)\b[\w ,/|]{0,15}\b(signal|reception|bars)\b"
    r"|\b(signal|service|reception)\b:?( \w+){0,3}"
    r" (excellent|good|full|strong|back|restored|fine)\b"
    r"|\b(can|able to)( still| also)? (make|receive|place)\b[^.!?\n]{0,20}\bcalls?\b"
    r"|\bcalls? (work|works|are working|are fine|go through|went through)\b"
    r"|\b(one|two|three|four|five|[1-5]) (signal )?bars?\b"
    r"|\b(have|has|got|see|shows?|showing)\b( \w+){0,2} (bars|signal|service|[2345]g)\b"
    r"(?! (issues?|problems?|troubles?|outages?))"
)
_ONLINE = re.compile(
    r"\bmbps\b|\bspeed\b[^.!?\n]{0,30}\b(poor|fair|good|excellent)\b"
    r"|\b(internet|browsing|web\w*|mobile data|data connection|sites?|other apps)\b[^.!?\n]{0,30}"
    r"\b(works?|working|fine|fast|slow|excellent|loads?)\b"
    r"|\b(can|able to)( still| also)? (browse|access|open|load|use)\b[^.!?\n]{0,30}"
    r"\b(internet|web\w*|sites?|apps?|data)\b"
)

_NO = re.compile(
    r"\b(no|not|never|nothing|none|without|neither|cannot|stopped|lost|losing|zero|either)\b"
    r"|n't\b"
)
_SUPPOSED = re.compile(
    r"\b(if|whether|unless|in case|could|might|may|would|maybe|perhaps|usually|normally"
    r"|used to)\b|^\W*(or )?(is|are|do|does|did|can|will|should)\b"
)
_WISHED = re.compile(r"\b(once|when|until|after|want|wish|need|how|get|help|can|please|to be)\b")
_CLAUSE = re.compile(r"[,;:()\u2013\u2014]| - |\b(and|but|because|since|as|why)\b")
"""A "no" before one of these says nothing of what comes after it."""
_REACH = 160
"""Characters in which a "no" is looked for: a long text costs by its length, not by its square."""


def sim_locked(facts: Facts) -> Line | None:
    """Return the words of the user by which the SIM card is locked; `None` when it is not.

    The last word counts: a card that was unlocked, or a phone that has signal, is not locked.
    """
    locked: Line | None = None
    for line, asked in _with_questions(facts):
        for sentence in sentences(line.lower):
            if _is_unlocked(sentence):
                locked = None
            elif _is_locked(sentence, asked=asked):
                locked = line
    return locked


def has_signal(facts: Facts) -> bool:
    """Whether the user has reported signal, calls that go through, or mobile data that work."""
    return any(_is_so(_SIGNAL, sentence) for sentence in facts.wishes) or is_online(facts)


def is_online(facts: Facts) -> bool:
    """Whether the user has reported mobile data that work, at whatever speed."""
    return any(_is_so(_ONLINE, sentence) for sentence in facts.wishes)


def _with_questions(facts: Facts) -> Iterator[tuple[Line, bool]]:
    """Walk over the user's words, each with whether the agent has just spoken of the card."""
    asked = False
    for line in facts.lines:
        if line.who == "user":
            yield line, asked
        asked = line.who == "agent" and bool(re.search(r"\bsim\b", line.lower))


def _is_unlocked(sentence: str) -> bool:
    free = _NOT_LOCKED.search(sentence)
    if free and not _SUPPOSED.search(_clause(sentence, free)):
        return True
    return _is_so(_UNLOCKED, sentence) or _is_so(_SIGNAL, sentence)


def _is_locked(sentence: str, *, asked: bool) -> bool:
    if "sim" not in sentence and _OTHER_LOCK.search(sentence):
        return False
    return _says(_LOCKED, sentence) or (asked and _says(_SAYS_LOCKED, sentence))


def _is_so(pattern: re.Pattern[str], sentence: str) -> bool:
    """Whether a sentence says that something works, and not that it should."""
    wished = (_WISHED.search(_clause(sentence, one)) for one in pattern.finditer(sentence))
    return _says(pattern, sentence) and not all(wished)


def _says(pattern: re.Pattern[str], sentence: str) -> bool:
    """Whether a sentence says so, and neither denies nor supposes it."""
    return any(
        not _NO.search(match[0])
        and not _NO.search(_clause(sentence, match))
        and not _SUPPOSED.search(_clause(sentence, match))
        for match in pattern.finditer(sentence)
    )


def _clause(sentence: str, match: re.Match[str]) -> str:
    """Return what stands before a match in its part of the sentence, as far as it can matter."""
    before = sentence[max(0, match.start() - _REACH) : match.start()]
    ends = [each.end() for each in _CLAUSE.finditer(before)]
    return before[ends[-1] :] if ends else before
