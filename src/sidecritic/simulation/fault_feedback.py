"""Whether feedback names a fault clearly enough for its author to see what is meant."""

import re
from collections.abc import Mapping, Sequence

from sidecritic.types import Fault

_SIGNS: Mapping[str, str] = {
    "wrong_argument": r" bags",
    "wrong_item": r"item|variant|option|flight|cabin",
    "wrong_payment": r"payment|card|paypal|refund to",
    "missing_confirmation": r"confirm|consent|approv|agree|permission|explicit",
    "premature_transfer": r"transfer|human|hand over|escalat",
    "extra_write": r"not ask|never ask|request|confirm|unnecessary|did not want|deny",
    "omitted_write": r"not done|omit|missing|forgot|still|never|not yet|left",
    "false_statement": r"false|untrue|incorrect|not true|claim|no such|you say|wrong",
    "forbidden_write": r"policy|eligib|allow|permit|rule|may not|must not|deny",
}
"""Words that point at a fault of each kind, besides the names and values at stake."""


def names_fault(feedback: str, fault: Fault, stake: Sequence[str]) -> bool:
    """Whether the feedback points at what is wrong, and not only says that something is."""
    lowered = feedback.lower()
    signs = _SIGNS.get(fault.kind)
    named = any(text.lower() in lowered for text in stake if len(text) > 2)
    return named or (signs is not None and bool(re.search(signs, lowered)))
