"""Text as it is compared: one typography, sentences, whole words."""

import re

_TYPOGRAPHY = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_SENTENCE_END = re.compile(r"(?:(?<=[.!?;])|(?<=[.!?][\"']))\s+|\n+")
"""Behind a full stop there may be a quotation mark: 'The reason is "no longer needed." Then …'."""


def typed(text: str) -> str:
    """Return a text with apostrophes and quotation marks as a keyboard has them."""
    return text.translate(_TYPOGRAPHY)


def sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences, list entries and lines."""
    return tuple(part for part in _SENTENCE_END.split(text) if part.strip())


def mentions(lower: str, value: str) -> bool:
    """Whether a text, in lower case, contains a value as a whole word or number."""
    needle = value.lower()
    start = lower.find(needle) if needle else -1
    while start >= 0:
        end = start + len(needle)
        if not _joins(lower, start - 1, needle[0]) and not _joins(lower, end, needle[-1]):
            return True
        start = lower.find(needle, start + 1)
    return False


def _joins(text: str, index: int, edge: str) -> bool:
    """Whether the character at `index` belongs to the same word as `edge`."""
    return 0 <= index < len(text) and text[index].isalnum() and edge.isalnum()
