"""Whether a sentence is the operator's own."""

import re
from functools import lru_cache

_BETWEEN = re.compile(r"[\W_]+")


def stands_in(sentence: str, policy: str) -> bool:
    """Whether a policy holds a sentence, whatever its case, typography and line breaks."""
    wanted = _plain(sentence)
    return bool(wanted) and f" {wanted} " in f" {_plain(policy)} "


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    return _BETWEEN.sub(" ", text.casefold()).strip()
