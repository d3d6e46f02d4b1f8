"""Whether feedback names a fault clearly enough for its author to see what is meant."""

from collections.abc import Mapping, Sequence

from sidecritic.types import Fault

_SIGNS: Mapping[str, tuple[str, ...]] = {
    "wrong_argument": (" bags",),
    "wrong_item": ("item", "variant", "option", "flight", "cabin"),
    "wrong_payment": ("payment", "card", "paypal", "refund to"),
    "missing_confirmation": ("confirm", "consent", "approv", "agree", "permission", "explicit"),
    "premature_transfer": ("transfer", "human", "hand over", "escalat"),
    "extra_write": (
        "not ask",
        "never ask",
        "request",
        "confirm",
        "unnecessary",
        "did not want",
        "deny",
    ),
    "omitted_write": ("not done", "omit", "missing", "forgot", "still", "never", "not yet", "left"),
    "false_statement": (
        "false",
        "untrue",
        "incorrect",
        "not true",
        "claim",
        "no such",
        "you say",
        "wrong",
    ),
    "forbidden_write": (
        "policy",
        "eligib",
        "allow",
        "permit",
        "rule",
        "may not",
        "must not",
        "deny",
    ),
}
"""Words that point at a fault of each kind, besides the names and values at stake."""


def names_fault(feedback: str, fault: Fault, stake: Sequence[str]) -> bool:
    """Whether the feedback points at what is wrong, and not only says that something is."""
    lowered = feedback.lower()
    signs = (*_SIGNS.get(fault.kind, ()), *(text.lower() for text in stake if len(text) > 2))
    return any(sign in lowered for sign in signs)
