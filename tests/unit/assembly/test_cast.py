"""Who is asked what: the cast of a run, as its servers see it."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sidecritic.cli.app import app
from tests.shop_server import AGENT, CUSTOMER, shop_endpoint
from tests.wire import WireServer, call, chat, wire_server

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def asked(server: WireServer, model: str) -> list[Json]:
    return [received.body for received in server.received if received.body["model"] == model]


def evaluate(*words: str) -> None:
    result = CliRunner().invoke(app, ["eval", "--limit", "1", "--out", "runs/a", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_userbench_actor_has_to_call_its_tool() -> None:
    said = chat(
        None, calls=[call("interact_with_env", {"thought": "", "choice": "finish", "content": "x"})]
    )
    with wire_server(said) as server:
        evaluate(
            *("--env", "userbench:fixture", "--critic", "none", "--split", "test"),
            *("--actor", "openai:agent", "--base-url", server.base_url),
        )
        (body,) = asked(server, "agent")
    assert body["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["interact_with_env"]
    assert body["messages"][0]["content"].startswith("You help a user plan a trip.")


def test_the_actors_own_model_can_be_the_critic() -> None:
    with wire_server(shop_endpoint) as server:
        evaluate(
            *("--env", "shop", "--split", "test", "--critic", "llm:actor", "--gate", "all"),
            *("--actor", f"openai:{AGENT}", "--user", f"openai:{CUSTOMER}"),
            *("--base-url", server.base_url, "--max-turns", "1"),
        )
        bodies = asked(server, AGENT)
    assert any("You supervise an actor" in body["messages"][0]["content"] for body in bodies)


def test_a_helper_of_its_own_reviews_and_the_actor_does_not() -> None:
    verdict = '{"verdict": "pass", "feedback": ""}'
    with wire_server(shop_endpoint) as server, wire_server(chat(verdict)) as other:
        evaluate(
            *("--env", "shop", "--split", "test", "--critic", "none", "--strategy", "reflection"),
            *("--actor", f"openai:{AGENT}", "--user", f"openai:{CUSTOMER}"),
            *("--helper", "openai:reviewer", "--helper-base-url", other.base_url),
            *("--base-url", server.base_url, "--max-turns", "3"),
        )
        reviews = asked(other, "reviewer")
        assert len(reviews) == len(asked(server, AGENT)) == 3
    assert all("[self-review]" in body["messages"][-1]["content"] for body in reviews)
