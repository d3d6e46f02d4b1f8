"""Cassettes: a run with real models is stored, shared and replayed without keys."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.models.scripted import RecordedModel, ScriptedModel, record
from sidecritic.redaction import REDACTED
from sidecritic.runs import read_run
from sidecritic.trace import Executed
from sidecritic.types import Assistant, Completion, Request, TokenLogprob, ToolCall, Usage, User
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
    arguments = {"key": KEY, "clientSecret": "hunter2", "max_tokens": 512}
    call = ToolCall(id="c", name="log_in", arguments={**arguments}, raw=json.dumps(arguments))
    said = Assistant(text=f"Your key is {KEY}.", calls=(call,), reasoning=f"Bearer {KEY}")
    token = TokenLogprob(token="Your", logprob=-0.5, top={"Your": -0.5})
    spent = Usage(input_tokens=512, output_tokens=7)
    whole = Completion(message=said, finish="tool_calls", model="m", usage=spent, logprobs=(token,))
    asked = Request(messages=(User(text="Hi"),))
    taped = record(ScriptedModel([whole]), tmp_path / "tape.jsonl")
    recorded = await taped.complete(asked)
    assert (recorded.usage, recorded.logprobs) == (spent, (token,))
    message = recorded.message
    assert KEY not in message.model_dump_json()
    clean = {"key": REDACTED, "clientSecret": REDACTED, "max_tokens": 512}
    assert message.calls[0].arguments == json.loads(message.calls[0].raw) == clean
    assert KEY not in (tmp_path / "tape.jsonl").read_text()
    replayed = await RecordedModel(tmp_path / "tape.jsonl").complete(asked)
    assert replayed.message == message
