"""What an agent was told of its session reaches the critic beside the operator's policy."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from sidecritic import Escalate, supervise
from sidecritic.labelling.decisions import import_decisions
from sidecritic.runs import read_run
from tests.gateway import Asked, Running, approves, gateway
from tests.operating import command, config_file, waiting_case
from tests.wire import Json, call, chat, messages, use_block, wire_server
from tests.wires.streams import function_call, response

PROMPT = "Signed in: ann@example.com, token=abcdefghijkl. Now: 2026-11-30 {clock}."
USER: Any = [{"role": "user", "content": "Refund B2"}]
RULES = "Refunds need the order's number."


def asked(dialect: str, clock: str = "10:00") -> Json:
    prompt = PROMPT.format(clock=clock)
    match dialect:
        case "messages":
            return {"model": "m", "max_tokens": 9, "system": prompt, "messages": USER}
        case "responses":
            return {"model": "m", "instructions": prompt, "input": USER}
        case _:
            return {"model": "m", "messages": [{"role": "system", "content": prompt}, *USER]}


ANSWERS = {
    "chat/completions": chat(None, calls=[call("refund", {})]),
    "messages": messages(use_block("refund", {})),
    "responses": response(function_call("refund", {})),
}


def say(door: Running, dialect: str, clock: str = "10:00") -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=60) as client:
        return client.post(f"{door.root}/v1/{dialect}", json=asked(dialect, clock))


@pytest.fixture
def rules(tmp_path: Path) -> str:
    file = tmp_path / "policy.md"
    file.write_text(RULES)
    return str(file)


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
@pytest.mark.parametrize("dialect", ANSWERS)
def test_every_dialects_prompt_stands_beside_the_policy(
    dialect: str, mode: str, rules: str
) -> None:
    critic = approves()
    answer = ANSWERS[dialect]
    with (
        wire_server(answer) as upstream,
        gateway(upstream.root, critic=critic, mode=mode, policy=rules) as door,
    ):
        assert say(door, dialect).status_code == 200
        door.settled()
    (seen,) = critic.seen
    assert (seen.policy, seen.context) == (RULES, PROMPT.format(clock="10:00"))


def test_without_a_policy_of_the_operators_the_prompt_is_the_policy() -> None:
    critic = approves()
    with (
        wire_server(ANSWERS["messages"]) as upstream,
        gateway(upstream.root, critic=critic) as door,
    ):
        say(door, "messages")
    assert (critic.seen[0].policy, critic.seen[0].context) == (PROMPT.format(clock="10:00"), "")


def test_in_process_too(rules: str) -> None:
    critic = approves()
    with wire_server(ANSWERS["chat/completions"]) as upstream:
        own = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0)
        with supervise(own, critic=critic, policy=Path(rules)) as client:
            client.chat.completions.create(**asked("chat/completions"))
    assert (critic.seen[0].policy, critic.seen[0].context) == (RULES, PROMPT.format(clock="10:00"))


def test_what_is_stored_of_a_session_is_redacted_shown_exported_and_read_back(
    rules: str, tmp_path: Path
) -> None:
    with (
        wire_server(ANSWERS["chat/completions"]) as upstream,
        gateway(
            upstream.root,
            critic=approves(),
            mode="shadow",
            policy=rules,
            store={"content": True, "redact": [r"\w+@example\.com"]},
        ) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db", content=True)
        say(door, "chat/completions")
        (row,) = door.settled()
        shown = command("decisions", "show", row["id"], "--config", str(config)).stdout
        out = tmp_path / "live.jsonl"
        command("decisions", "export", "--out", str(out), "--config", str(config))
    kept = "Signed in: [redacted], token=[redacted] Now: 2026-11-30 10:00."
    assert f"context: {kept}" in shown.splitlines()
    proposal = json.loads(out.read_text())["content"]["proposal"]
    assert (proposal["policy"], proposal["context"]) == (RULES, kept)
    import_decisions(out, tmp_path / "live")
    (briefing,) = read_run(tmp_path / "live").record.briefings.values()
    assert (briefing.policy, briefing.context) == (RULES, kept)


def test_an_approval_holds_though_the_clock_in_the_prompt_goes_on(
    rules: str, tmp_path: Path
) -> None:
    escalates = Asked(lambda proposal: Escalate(reason="large sum"))
    with (
        wire_server(ANSWERS["chat/completions"]) as upstream,
        gateway(upstream.root, critic=escalates, policy=rules) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        assert "colleague" in say(door, "chat/completions", "10:00").text
        case = waiting_case(config)
        command("reviews", "approve", case["id"], "--config", str(config))
        assert "refund" in say(door, "chat/completions", "10:05").text
