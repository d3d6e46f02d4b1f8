"""What serves every domain knows the words of none: a pack brings them as data."""

import re
from pathlib import Path

import pytest

import sidecritic

SOURCE = Path(sidecritic.__file__).parent
GENERAL = sorted(
    [*(SOURCE / "checks").rglob("*.py"), *(SOURCE / "english").rglob("*.py"), SOURCE / "values.py"]
)
WORDS = (
    *("reservation", "flight", "cabin", "passenger", "baggage", "luggage", "suitcase", "airport"),
    *(
        "airline",
        "itinerary",
        "layover",
        "certificate",
        "seat",
        "economy",
        "membership",
        "insurance",
    ),
    *("retail", "variant", "backpack", "laptop", "lamp", "product", "telecom", "sim card", "sim"),
    *(
        "roaming",
        "apn",
        "mms",
        "order_id",
        "bill_id",
        "line_id",
        "product_id",
        "item_id",
        "user_id",
    ),
    *("reservation_id", "customer_id", "get_order_details", "cancel_pending_order"),
)
KNOWN = re.compile(
    rf"(?<![a-z])(?:{'|'.join(map(re.escape, WORDS))})s?(?![a-z])|#w\d", re.IGNORECASE
)


@pytest.mark.parametrize("path", GENERAL, ids=lambda path: str(path.relative_to(SOURCE)))
def test_general_rooms_name_nothing_that_only_one_domain_knows(path: Path) -> None:
    found = [
        f"{number}: {line.strip()}"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if KNOWN.search(line)
    ]
    assert not found
