"""One row of the table of small critics, really run: SmolLM2 135M behind a llama.cpp server.

What it thinks is worth nothing; that the recipe's name, server and command meet is what is tested.
"""

import json
from pathlib import Path

import pytest
from benchmarks.llama_server import MODEL
from benchmarks.small_critics import Sweep, measured, missing, read_critics, table

from tests.library import POLICY, TOOLS, renewal, written

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("llama")]


def test_the_smallest_critic_has_a_row_with_times_and_tokens(base_url: str, tmp_path: Path) -> None:
    listed = next(each for each in read_critics() if each.name == MODEL)
    small = listed.model_copy(update={"base_url": base_url})
    desk = tmp_path / "desk"
    desk.mkdir()
    written(desk / "chats.jsonl", renewal("a"), renewal("b", loan="B-9", verdict="wrong"))
    (desk / "policy.md").write_text(POLICY)
    (desk / "tools.json").write_text(json.dumps(TOOLS))
    assert missing(small) == ""
    report = measured([small], Sweep((desk,), tmp_path / "out"))
    (row,) = report.rows
    print("\n".join(table([small], report)))  # noqa: T201
    assert (row.critic, row.failed) == (f"llm:openai:{MODEL}", 0)
    assert row.asked > 0
    assert row.tokens > 500
    assert row.seconds_p50
