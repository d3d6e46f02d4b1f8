"""Settings from flags alone."""

import json
from pathlib import Path

import pytest

from sidecritic.cli.gateway.sources import FromFlags
from sidecritic.seats.tools import Mode
from sidecritic.settings.start import Start


@pytest.mark.parametrize(
    ("mode", "reads"), [("shadow", {"get_card", "card_status"}), ("enforce", {"get_card"})]
)
def test_what_only_seems_to_read_is_judged_where_it_is_enforced(
    tmp_path: Path, mode: Mode, reads: set[str]
) -> None:
    tools = tmp_path / "tools.json"
    names = ("get_card", "card_status", "block_card")
    tools.write_text(json.dumps([{"name": name} for name in names]))
    source = FromFlags(Start(tools=tools, mode=mode))

    rules = source.read().routes["agent"].tools
    assert {rule.match for rule in rules if rule.effect == "read"} == reads
    told = " ".join(source.remarks())
    assert ("nobody has looked" in told) == (mode == "enforce")
