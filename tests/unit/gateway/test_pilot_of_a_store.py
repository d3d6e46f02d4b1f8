"""A pilot over decisions that a real gateway has stored, in shadow and under enforcement."""

import json
from pathlib import Path

from tests.gateway import Running, gateway, refuses
from tests.operating import command, config_file, post
from tests.unit.cli.commands import answer
from tests.wire import call, chat, wire_server


def labelled(door: Running, config: Path, verdicts: dict[tuple[str, int], str]) -> None:
    """Label each decision by its verdict and attempt."""
    for row in door.settled():
        said = verdicts[row["verdict"], row["attempt"]]
        command("decisions", "label", row["id"], said, "--config", str(config))


def test_decisions_in_shadow_are_weighed_by_assumed_rates(tmp_path: Path) -> None:
    answers = [chat("deleted"), chat("fine"), chat("fine")]
    with (
        wire_server(answers) as upstream,
        gateway(upstream.root, critic=refuses("deleted"), mode="shadow") as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        for _ in range(3):
            post(door.root)
        labelled(door, config, {("revise", 0): "wrong", ("approve", 0): "right"})
        found = answer("pilot", str(config), "--route", "openai")
    assert (found["verdict"], found["labels"]) == ("not enough labels", 3)
    assert set(found["assumed"].values()) == {0.21, 1.0}
    assert found["rates"]["wrong, of the refused"]["n"] == 1
    assert found["p"]["ci"][0] < 1 / 3 < found["p"]["ci"][1]


def test_what_a_refusal_led_to_under_enforcement_is_counted(tmp_path: Path) -> None:
    repaired, spoilt = [chat("deleted"), chat("fine")], [chat(None, calls=[call("delete", {})])] * 3
    with (
        wire_server([*repaired, chat("fine"), *spoilt]) as upstream,
        gateway(upstream.root, critic=refuses("deleted", "delete"), max_revisions=1) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        post(door.root)
        post(door.root)
        labelled(door, config, {
            ("revise", 0): "wrong", ("approve", 0): "right", ("approve", 1): "right",
        })  # fmt: skip
        post(door.root)
        latest = max(row["at"] for row in door.settled())
        for row in door.settled():
            if row["at"] == latest:
                command("decisions", "label", row["id"], "right", "--config", str(config))
        exported = tmp_path / "decisions.jsonl"
        command("decisions", "export", "--out", str(exported), "--config", str(config))
        found = answer("pilot", str(config))
        same = answer("pilot", str(exported))
    assert found["rates"]["repaired, of the wrong refused"] | {"conversations": 1} == {
        "n": 1, "of": 1, "conversations": 1, "assumed": None,
    }  # fmt: skip
    assert found["rates"]["spoilt, of the right refused"]["n"] == 1
    assert found["assumed"] == {}
    assert json.dumps(same) == json.dumps(found)
