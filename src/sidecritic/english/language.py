"""What a sentence does: agree, ask for agreement, claim a deed, take leave, name an amount.

Patterns, not understanding: each is narrow, and was kept because it holds on recorded
conversations of real agents as well as on simulated ones.
"""

import re
from collections.abc import Iterator

_TYPOGRAPHY = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_YES = re.compile(
    r"\b(yes|yep|yeah|yup|oui|s[ií]|sure|ok(ay)?|absolutely|certainly|definitely|of course"
    r"|please do|go ahead|proceed|confirm(ed)?|agree(d)?|correct|that works|works for me"
    r"|sounds (good|great|perfect|fine|right|like an option)|perfect|great|fine"
    r"|that'?s (right|fine|good|great|perfect|it|all)|let'?s (do|go|get)|do it"
    r"|i'?ll (take|go with)|looks (good|right|great)|all (good|set))\b"
)
_NO = re.compile(
    r"^\W*(no|nope|not (yet|now|really|quite)|wait|hold on|stop|don'?t|do not|never ?mind"
    r"|actually,? (no|wait|don'?t))\b"
)
_STRONG_YES = re.compile(r"\b(yes|go ahead|proceed|i confirm|please do|do it|that'?s correct)\b")
_REFUSAL = re.compile(
    r"\b(do not|don'?t|not) (proceed|go ahead|(do|want) (it|that|this)|confirm|agree)\b"
    r"|\bno,? thank|\bi (decline|refuse)\b"
    r"|\b(absolutely|certainly|definitely|of course|sure(ly)?) not\b"
    r"|\bnever (said yes|agreed|confirmed)\b"
    r"|\b(can'?t|cannot|won'?t|will not) (say yes|agree|confirm)\b"
    r"|^\W*(i am|i'm) not (so |quite |really |too )?sure\W*$"
)
_ASKS = re.compile(
    r"\b(confirm|proceed|yes/no|\(yes|\"yes\"|'yes'|go ahead|would you like (me )?to|shall i|"
    r"do you (want|agree|wish)|is (this|that|everything) (correct|right|okay|ok)|may i)\b"
    r"|\byes or no\b"
)
_AMOUNT = re.compile(
    r"(?<![\w.])-?\$\s?(\d[\d,]*(?:\.\d+)?)|\b(\d[\d,]*(?:\.\d+)?) (?:dollars|usd)\b"
)
_FAREWELL = re.compile(
    r"\b(good ?bye|take care|have a (\w+ )?(great|nice|good|wonderful|lovely|pleasant) \w+"
    r"|(is there )?any(thing|thing) (else|further|more)|further assistance|glad i could"
    r"|happy to (have )?help(ed)?|(all|everything) (is|has been|are)? ?(set|done|taken care)"
    r"|feel free to|reach out|safe travels|enjoy your)\b"
)
_SENTENCE_END = re.compile(r"(?:(?<=[.!?;])|(?<=[.!?][\"']))\s+|\n+")
"""Behind a full stop there may be a quotation mark: 'The reason is "no longer needed." Then …'."""

_HUMAN = re.compile(
    r"\b(human|real person|live (agent|person)|representative|supervisor|manager|transfer me"
    r"|(speak|talk) (to|with) (a |an |some)?(one|body|person|agent|human)|customer service)\b"
)
_SPARED = re.compile(
    r"\b(do not|don'?t|never|no need|rather not|without)( (want|wish|like|need|have|be|being|to|me"
    r"|transfer(red|ring)?|connect(ed)?|speak(ing)?|talk(ing)?|with|a|an|any|the))*\s*$"
)
_INABILITY = re.compile(
    r"\b(can(not|'t)|unable|not (able|possible|allowed|eligible|permitted|available|supported)"
    r"|(isn'?t|aren'?t|is not|are not|won'?t be) (possible|allowed|eligible|available|able)"
    r"|does(n'?t| not) (qualify|allow|meet)|do(n'?t| not) (have|qualify|allow|meet)|unfortunately"
    r"|only (be )?(cancel|modif|return|exchange|change|pending|delivered)|against (the|our) policy"
    r"|no (available|other) |can only (process|handle|be)\b|(isn'?t|not) an option\b)"
)


def typed(text: str) -> str:
    """Return a text with apostrophes and quotation marks as a keyboard has them."""
    return text.translate(_TYPOGRAPHY)


def affirms(lower: str) -> bool:
    """Whether an answer, in lower case, agrees to what was asked."""
    if _REFUSAL.search(lower):
        return False
    if _NO.search(lower):
        return bool(_STRONG_YES.search(lower))
    return bool(_YES.search(lower))


def asks_consent(lower: str) -> bool:
    """Whether a message of the agent asks the user to agree to something."""
    return bool(_ASKS.search(lower))


def takes_leave(lower: str) -> bool:
    """Whether a message of the agent sounds as if a request were finished."""
    return bool(_FAREWELL.search(lower))


def wants_human(lower: str) -> bool:
    """Whether the user asks for a person, and does not ask to be spared one."""
    return any(not _SPARED.search(lower[: found.start()]) for found in _HUMAN.finditer(lower))


def declines(lower: str) -> bool:
    """Whether the agent says that something cannot be done."""
    return bool(_INABILITY.search(lower))


def amounts(text: str) -> Iterator[float]:
    """Walk over the amounts of money in a text, in dollars."""
    for match in _AMOUNT.finditer(text):
        yield float((match[1] or match[2]).replace(",", ""))


def sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences, list entries and lines."""
    return tuple(part for part in _SENTENCE_END.split(text) if part.strip())


def mentions(lower: str, value: str) -> bool:
    """Whether a text, in lower case, contains a value as a whole word or number."""
    needle = value.lower()
    start = lower.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not _joins(lower, start - 1, needle[0]) and not _joins(lower, end, needle[-1]):
            return True
        start = lower.find(needle, start + 1)
    return False


def _joins(text: str, index: int, edge: str) -> bool:
    """Whether the character at `index` belongs to the same word as `edge`."""
    return 0 <= index < len(text) and text[index].isalnum() and edge.isalnum()
