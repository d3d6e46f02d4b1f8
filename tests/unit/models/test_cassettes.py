"""Cassettes: a run with real models is stored, shared and replayed without keys."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.models.redaction import REDACTED, redact
from sidecritic.models.scripted import RecordedModel, ScriptedModel, record
from sidecritic.runs import read_run
from sidecritic.trace import Executed
from sidecritic.types import Assistant, Request, ToolCall, User
from tests.shop_server import AGENT, CUSTOMER, shop_endpoint
from tests.wire import wire_server

PLAYED = ("eval", "--env", "shop", "--split", "test", "--limit", "3", "--critic", "none")
CAST = ("--actor", f"openai:{AGENT}", "--user", f"openai:{CUSTOMER}")
KEY = "sk-" + "a1B2" * 8


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words], catch_exceptions=False)


def recorded() -> None:
    with wire_server(shop_endpoint) as server:
        done = run(*PLAYED, *CAST, "--base-url", server.base_url, "--record", "tape", "--out", "a")
    assert done.exit_code == 0, done.stderr


def executed(directory: str) -> list[list[Assistant]]:
    trajectories = sorted(read_run(Path(directory)).trajectories, key=lambda each: each.key)
    return [[e.action for e in t.events if isinstance(e, Executed)] for t in trajectories]


def test_a_recorded_run_is_replayed_without_key_or_server() -> None:
    recorded()
    assert {file.name for file in Path("tape").iterdir()} == {
        f"openai-{AGENT}.jsonl",
        f"openai-{CUSTOMER}.jsonl",
    }
    again = run(*PLAYED, *CAST, "--cassette", "tape", "--out", "b", "--json")
    assert again.exit_code == 0, again.stderr
    scores = json.loads(again.stdout)
    assert scores["actor"] == [AGENT]
    assert scores["simulated"] == []
    assert executed("a") == executed("b")


def test_a_cassette_of_another_run_is_named_in_the_failure() -> None:
    recorded()
    other = run(*PLAYED, *CAST, "--cassette", "tape", "--seed", "9", "--out", "c", "--json")
    assert other.exit_code == 1
    failures = json.loads(other.stdout)["failures"]
    assert "was not recorded" in next(iter(failures["examples"].values()))
    assert f"tape/openai-{CUSTOMER}.jsonl" in next(iter(failures["examples"].values()))


def test_a_missing_cassette_is_named() -> None:
    done = run(*PLAYED, *CAST, "--cassette", "nowhere")
    assert done.exit_code == 2
    assert f"cassette nowhere/openai-{AGENT}.jsonl: No such file" in done.stderr


async def test_secrets_are_neither_kept_nor_passed_on(tmp_path: Path) -> None:
    arguments = {"key": KEY}
    call = ToolCall(id="c", name="log_in", arguments={**arguments}, raw=json.dumps(arguments))
    said = Assistant(text=f"Your key is {KEY}.", calls=(call,), reasoning=f"Bearer {KEY}")
    asked = Request(messages=(User(text="Hi"),))
    taped = record(ScriptedModel([said]), tmp_path / "tape.jsonl")
    message = (await taped.complete(asked)).message
    assert KEY not in message.model_dump_json()
    assert message.calls[0].arguments == {"key": REDACTED}
    assert KEY not in (tmp_path / "tape.jsonl").read_text()
    replayed = await RecordedModel(tmp_path / "tape.jsonl").complete(asked)
    assert replayed.message == message


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "ghp_" + "x" * 20,
        "AKIA" + "A" * 16,
        "eyJhbGciOiJI.eyJzdWIiOiI.abc",
        "Bearer " + "t" * 20,
    ],
)
def test_what_looks_like_a_secret_is_taken_out(secret: str) -> None:
    assert REDACTED in redact(f"it is {secret} here")


@pytest.mark.parametrize("text", ["order #W1000001", "sk-8 skis", "user_id freya_linde_5512", ""])
def test_what_is_none_stays(text: str) -> None:
    assert redact(text) == text
