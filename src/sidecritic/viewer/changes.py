"""What changed between a refused draft and what came instead, word by word."""

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_WORDS = re.compile(r"\s+|[\w.@#-]+|.", re.DOTALL)
_MOST = 2_000
"""Words up to which two texts are compared: the time grows with their product."""


class Piece(NamedTuple):
    kind: Literal["same", "gone", "new"]
    text: str


def changes(before: str, after: str) -> tuple[Piece, ...]:
    """Return the pieces of both texts in order; nothing where they are equal or too long."""
    if before == after or not before or not after:
        return ()
    old, new = _WORDS.findall(before[:50_000]), _WORDS.findall(after[:50_000])
    if max(len(old), len(new)) > _MOST:
        return ()
    pieces: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
            continue
        if b > a:
            pieces.append(Piece("gone", "".join(old[a:b])))
        if d > c:
            pieces.append(Piece("new", "".join(new[c:d])))
    return tuple(pieces)
