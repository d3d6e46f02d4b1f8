"""What applies to a word in a text: a negation, the past, a condition, a preference.

Each function takes a text in lower case and a position in it, and reads at most the `_REACH`
characters before: what is further away is about something else.
"""

import re

_REACH = 80
_FILL = (
    r"in|a|an|the|my|want|need|like|any|be|being|have|with|current|original|one|is|of|to|it"
    r"|you|just"
)
"""Words that may stand between a negation and what it denies."""

_TAKING = (
    r"for|me|us|wish|consider|send(?:ing)?|give|get|take|choose|pick|select|use|looking|really"
    r"|going|able|return(?:ing)?|back|transfer(?:red|ring)?|connect(?:ed)?|speak(?:ing)?"
    r"|talk(?:ing)?|buy(?:ing)?|purchas(?:e|ing)|add(?:ing)?|require|interested|\w+ or"
)
_NEGATED = re.compile(
    r"\b(no|without|instead of|rather than|(any|every)thing (but|except)|other than|except"
    r"|except for|from|over|avoid\w*|declin\w*|skip\w*|dislike|hate|than|too|neither|nor)"
    rf"( ({_FILL}))*\s*$"
    # "I don't have" and "isn't" tell how something is, and deny no wish.
    r"|(\b(can)?(not|never)|\b(do|does|did)n't(?! (have|you)\b)|\b(wo|would|ca|should|must)n't)"
    rf"(?! need to be\b)( ({_FILL}|{_TAKING}))*\s*$"
)
_PAST = re.compile(
    r"\b(current(ly)?|existing|originally|original|bought|ordered|purchased|received|got|have|had"
    r"|was|old|previous|former|wrong|leav\w+)( (in|a|an|the|my|one|with|is|it|of|size|to))*\s*$"
)
_AHEAD = re.compile(
    r"\b(will|would|should|can|could|once|after|if|when|before|as soon as|until|unless|to be"
    r"|cannot|already|either|only|had|previously)\b|\bnot\b|n't\b"
)
_CONDITION = re.compile(r"\b(if|otherwise|in case|unless|alternatively|rather)\b")
_STOPS = re.compile(r"[.!?\n]")


def negated(text: str, place: int) -> bool:
    """Whether the speaker does not want what is named there."""
    return bool(_NEGATED.search(_before(text, place)))


def past(text: str, place: int) -> bool:
    """Whether it describes how something is or was, not how it should be."""
    return bool(_PAST.search(_before(text, place)))


def ahead(text: str, place: int) -> bool:
    """Whether it is announced, supposed or denied rather than reported as done."""
    return bool(_AHEAD.search(_STOPS.split(_before(text, place))[-1]))


def conditional(sentence: str) -> bool:
    """Whether a sentence asks for something only under a condition."""
    return bool(_CONDITION.search(sentence))


def _before(text: str, place: int) -> str:
    return text[max(0, place - _REACH) : place]
