"""What a simulated actor knows of the tools and records of τ-bench, τ²-bench and the shop by name.

Everything else in this room goes by the structure of tools and results.
"""

import re
from collections.abc import Mapping

FINDERS = ("find_", "get_customer_by_")
"""How the names of tools begin that find out who the user is."""

USER_ID = re.compile(r"\b(?!credit_|gift_)[a-z]+_[a-z]+_\d{3,}\b")
PAYMENT_ID = re.compile(r"(credit_card|paypal|gift_card)_")

PAYMENT_KEYS = r"payment"
CHOICE_KEYS = r"item|flight|cabin|product"
OTHER_KEYS = r"^(?!.*(payment|item|flight|cabin|product|user_id|customer_id))."
"""Names of arguments by what a fault does to them: another payment, another choice, the rest."""

OPPOSITES: Mapping[str, str] = {
    "no longer needed": "ordered by mistake",
    "economy": "business",
    "yes": "no",
    "completed": "pending",
}
"""Choices that have one alternative."""

WISHES_FOR: Mapping[str, str] = {
    "send": r"compensat|voucher|certificate",
    "certificate": r"compensat|voucher|certificate",
    "cancel": r"cancel",
    "update": r"chang|updat|modif|upgrad|add|mov",
    "modify": r"chang|updat|modif|switch",
    "return": r"return|refund",
    "refund": r"return|refund|money back",
    "exchange": r"exchang|swap",
    "book": r"\bbook\b",
    "delete": r"delet|remov",
}
"""How users ask for a tool, by a word of its name."""


def there_and_back(arguments: Mapping[str, object]) -> bool:
    """Whether a search is for a journey, whose way back swaps the two ends."""
    return {"origin", "destination"} <= arguments.keys()
