"""Records in the words of the people they belong to."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

Row = Mapping[str, Any]


def enumerated(parts: Sequence[str]) -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def amount(value: float) -> str:
    """Return a sum of money with no zeros at its end, so that both `93.5` and `93.50` name it."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def method(row: Row, methods: Mapping[str, Row]) -> str:
    """Return how a person names one of their payment methods, such that no other is meant."""
    source = str(row["source"])
    alike = [other for other in methods.values() if other["source"] == source]
    words = source.replace("_", " ").replace("paypal", "PayPal account")
    if len(alike) == 1:
        return f"your {words}"
    if row.get("last_four"):
        ends = [other for other in alike if other.get("last_four") == row["last_four"]]
        if len(ends) == 1:
            return f"your {words} ending in {row['last_four']}"
    return f"your {words} with the id {row['id']}"


def day(text: str) -> str:
    """Return `2024-05-20` as `May 20`."""
    found = date.fromisoformat(text)
    return f"{found:%B} {found.day}"


def clock(text: str) -> str:
    """Return `06:00:00` as `06:00`."""
    return text[:5]
