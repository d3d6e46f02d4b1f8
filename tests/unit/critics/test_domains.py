"""What judges in general knows no domain: what a domain knows stands in its pack."""

import re
from pathlib import Path

import pytest

import sidecritic

ROOT = Path(sidecritic.__file__).parent
GENERAL = (*sorted((ROOT / "critics").glob("*.py")), ROOT / "gates.py", ROOT / "supervisor.py")
DOMAIN_WORDS = re.compile(
    r"(?<![a-z])("
    r"(airline|airport|baggage|cabin|flight|itinerary|passenger|reservation)s?"
    r"|order_id|item_id|product_id|gift_card_|#w"
    r"|apn|e?sim|mms|puk|refuel\w*|roaming|telecom"
    r")(?![a-z])",
    re.IGNORECASE,
)
"""Words of retail, airlines and telecom that general commerce does without."""


@pytest.mark.parametrize("file", GENERAL, ids=lambda file: file.stem)
def test_general_critics_know_no_domain(file: Path) -> None:
    found = {match[0] for match in DOMAIN_WORDS.finditer(file.read_text(encoding="utf-8"))}
    assert not found


def test_the_words_are_those_of_the_packs() -> None:
    packs = "".join(file.read_text(encoding="utf-8") for file in ROOT.glob("packs/*/*.py"))
    known = {match[0].lower() for match in DOMAIN_WORDS.finditer(packs)}
    assert {"cabin", "flight", "order_id", "item_id", "reservation", "roaming", "sim"} <= known
