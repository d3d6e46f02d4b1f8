"""`decisions`: what is shown, what is labelled, and what the rest of the package reads of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.types import Approve, Judgement, Proposal, Revise, Usage
from tests.gateway import Running, gateway, refuses
from tests.operating import command, config_file
from tests.wire import Json, call, chat, wire_server

SHADOW: Json = {"mode": "shadow", "store": {"content": True}}


def say(door: Running, *texts: str) -> httpx2.Response:
    """Post a talk whose turns alternate, the user's first."""
    roles = ("user", "assistant")
    chat = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    with httpx2.Client(trust_env=False, timeout=60) as client:
        body = {"model": "m", "messages": chat}
        return client.post(f"{door.root}/v1/chat/completions", json=body)


def listed(config: Path, *words: str) -> Json:
    shown = command("decisions", "ls", "--json", "--config", str(config), *words)
    return json.loads(shown.stdout)


def refused(*words: str) -> Result:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 2, done.output
    return done


def test_what_is_blocked_is_counted_among_all(tmp_path: Path) -> None:
    with (
        wire_server([chat("deleted"), chat("fine"), chat("fine")]) as upstream,
        gateway(upstream.root, critic=refuses("deleted"), **SHADOW) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        for _ in range(3):
            say(door, "Hi")
        door.settled()
        found = listed(config, "--blocked")
    (counts,) = found["counts"]
    assert (counts["proposals"], counts["objections"], len(found["decisions"])) == (3, 1, 1)


def test_a_decision_is_shown_as_people_read_it(tmp_path: Path) -> None:
    wanted = chat(None, calls=[call("delete", {"order": "B2"})])
    with (
        wire_server(wanted) as upstream,
        gateway(upstream.root, critic=refuses("delete"), **SHADOW) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db", content=True)
        say(door, "Delete \x1b[31mB2")
        (row,) = door.settled()
        shown = command("decisions", "show", row["id"], "--config", str(config)).stdout
    lines = shown.splitlines()
    assert any(line.startswith("at: 20") and line.endswith("+00:00") for line in lines)
    assert "  user: Delete \N{REPLACEMENT CHARACTER}[31mB2" in lines
    assert 'proposed: assistant: delete({"order": "B2"})' in lines
    assert any('"feedback": "Not that one."' in line for line in lines)
    assert "risk: -" in lines
    assert "approved: yes" in lines
    assert "{'" not in shown


def test_a_conversation_is_found_by_any_of_its_decisions(tmp_path: Path) -> None:
    talk = ("Hi", "One.", "And?", "Two.", "And?", "Three.")
    with (
        wire_server([chat("One."), chat("Two."), chat("Else."), chat("Three.")]) as upstream,
        gateway(upstream.root, critic=refuses("never"), **SHADOW) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db", content=True)
        say(door, *talk[:1])
        say(door, *talk[:3])
        say(door, "Another")
        say(door, *talk[:5])
        rows = door.settled()
        first, second, other, third = (row["id"] for row in rows)
        for id in (first, second, third):
            found = listed(config, "--conversation", id)["decisions"]
            assert [d["id"] for d in found] == [third, second, first]
        (alone,) = listed(config, "--conversation", rows[2]["request"])["decisions"]
        assert alone["id"] == other
        out = command("decisions", "export", "--config", str(config)).stdout
        part = command(
            *("decisions", "export", "--conversation", third, "--config", str(config))
        ).stdout
        absent = refused("decisions", "ls", "--conversation", "x", "--config", str(config))
    begun = [json.loads(line)["conversation"] for line in out.splitlines()]
    assert begun == [rows[n]["request"] for n in (0, 0, 2, 0)]
    assert len(part.splitlines()) == 3
    assert "no decision 'x'" in absent.output


def test_several_decisions_are_labelled_at_once_or_none_is(tmp_path: Path) -> None:
    with (
        wire_server(chat("fine")) as upstream,
        gateway(upstream.root, critic=refuses("never"), **SHADOW) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        words = ("--by", "ann", "--config", str(config))
        for _ in range(3):
            say(door, "Hi")
        one, two, three = (row["id"] for row in door.settled())
        said = command("decisions", "label", one, two, "right", *words).stdout
        refused("decisions", "label", one, "nobody", "wrong", *words)
        refused("decisions", "label", "right", *words)
        refused("decisions", "label", *words)
        labels = {d["id"]: d["label"] for d in listed(config)["decisions"]}

        file = tmp_path / "labels.jsonl"
        opinions = [
            {"trajectory": f"gateway:{one}", "turn": 0, "wrong": True, "note": "No."},
            {"trajectory": three.rpartition(".")[0], "turn": 0, "attempt": 0, "wrong": False},
        ]
        file.write_text("".join(json.dumps(each) + "\n" for each in opinions))
        command("decisions", "label", "--from", str(file), *words)
        rows = {row["id"]: row for row in door.rows()}
    assert said.splitlines() == [f"{one}: right", f"{two}: right"]
    assert labels == {one: "right", two: "right", three: ""}
    assert [rows[id]["label"] for id in (one, two, three)] == ["wrong", "right", "right"]
    assert (rows[one]["label_note"], rows[one]["labelled_by"]) == ("No.", "ann")


class Counting:
    """A critic that says what it cost; names of counts look like those of secrets."""

    name = "counting"

    async def judge(self, proposal: Proposal) -> Judgement:
        is_wrong = "deleted" in proposal.action.text
        verdict = Revise(feedback="No.") if is_wrong else Approve()
        usage = Usage(input_tokens=12, output_tokens=3)
        return Judgement(verdict=verdict, critic=self.name, usage=usage)


def test_live_decisions_go_through_the_store_into_training_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    critic: Any = Counting()
    with (
        wire_server([chat("deleted"), chat("fine")]) as upstream,
        gateway(upstream.root, critic=critic, **SHADOW) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db", content=True)
        say(door, "Hi, the max_tokens: 5 of token=abcdefghijkl")
        say(door, "Hello")
        wrong, right = (row["id"] for row in door.settled())
        command("decisions", "label", wrong, "wrong", "--config", str(config))
        command("decisions", "label", right, "right", "--config", str(config))
        command("decisions", "export", "--out", "live.jsonl", "--config", str(config))
    made = command("datagen", "label", "live", "--decisions", "live.jsonl", "--json")
    assert [each["labels"] for each in json.loads(made.stdout)["counted"]] == [1, 1]
    rows = [json.loads(line) for line in Path("live.jsonl").read_text().splitlines()]
    assert rows[0]["content"]["judgement"]["usage"]["input_tokens"] == 12
    assert "max_tokens: 5" in rows[0]["content"]["proposal"]["history"][0]["text"]
    assert "abcdefghijkl" not in Path("live.jsonl").read_text()

    told = refused("datagen", "export", "live", "--out", "data").output
    assert "all 2 are quarantined (live, and not vouched for)" in told
    assert "vouched.txt" in told
    assert "label more" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("decisions", "ls"),
        ("decisions", "export"),
        ("decisions", "label", "x", "right"),
        ("reviews", "ls"),
        ("serve",),
        ("promote", "--route", "openai"),
    ],
)
def test_without_the_gateways_packages_one_line_says_what_to_install(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    config = config_file(tmp_path, "http://127.0.0.1:9", tmp_path / "d.db")
    code = (
        "import sys\n"
        "for name in ('sqlalchemy', 'starlette', 'uvicorn', 'aiohttp', 'prometheus_client'):\n"
        "    sys.modules[name] = None\n"
        "from sidecritic.cli import main\n"
        "main()\n"
    )
    line = [sys.executable, "-c", code, *words, "--config", str(config)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "pip install 'sidecritic[gateway]'" in done.stderr
