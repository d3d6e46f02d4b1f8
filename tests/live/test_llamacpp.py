"""Against a real llama.cpp server with real weights (SmolLM2-135M): `make test-real`.

A 135M model is no competent agent, and nothing here says that it is: the point is the wire.
"""

import json
import subprocess
from pathlib import Path

import pytest
from benchmarks.llama_server import MODEL, ROOT

from sidecritic.models.openai import OpenAIChat
from sidecritic.types import Request, Sampling, ToolSpec, User

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("llama")]


async def test_completion_carries_text_usage_and_logprobs(base_url: str) -> None:
    model = OpenAIChat(MODEL, base_url=base_url, api_key="none", timeout=120)
    try:
        completion = await model.complete(
            Request(
                messages=(User(text="Answer yes or no: is water wet?"),),
                sampling=Sampling(temperature=0.0, max_tokens=1, top_logprobs=5),
            )
        )
    finally:
        await model.aclose()
    assert completion.message.text.strip()
    assert completion.usage.input_tokens > 0
    assert completion.usage.output_tokens == 1
    (token,) = completion.logprobs
    assert token.logprob <= 0
    assert len(token.top) == 5


async def test_a_forced_tool_call_arrives_as_a_call(base_url: str) -> None:
    tool = ToolSpec(
        name="get_order",
        description="Return an order.",
        parameters={
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
        },
        effect="read",
    )
    model = OpenAIChat(MODEL, base_url=base_url, api_key="none", timeout=120)
    try:
        completion = await model.complete(
            Request(
                messages=(User(text="Look up order W1."),),
                tools=(tool,),
                sampling=Sampling(temperature=0.0, max_tokens=60, tool_choice="get_order"),
            )
        )
    finally:
        await model.aclose()
    (call,) = completion.message.calls
    assert call.name == "get_order"
    # A model this small may ramble inside the string until the token limit cuts it.
    assert call.arguments is None or "order_id" in call.arguments
    assert '"order_id"' in call.raw


def test_eval_plays_airline_tasks_with_actor_and_user_behind_the_server(
    base_url: str, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = [
        ROOT / ".venv" / "bin" / "sidecritic", "eval", "--env", "tau2:airline", "--split", "test",
        "--limit", "1", "--trials", "1", "--actor", f"openai:{MODEL}", "--user", f"openai:{MODEL}",
        "--base-url", base_url, "--critic", "policy", "--max-turns", "2", "--out", out, "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode in (0, 1), done.stderr
    scores = json.loads(done.stdout)
    assert scores["simulated"] in (False, [])
    lines = (out / "trajectories.jsonl").read_text().splitlines()
    assert len(lines) == 1
    events = json.loads(lines[0])["events"]
    proposed = [e for e in events if e["event"] == "proposed"]
    assert proposed, "the real model was asked and answered"
    assert proposed[0]["completion"]["usage"]["input_tokens"] > 1000, "policy and tools were sent"
    assert events[-1]["event"] == "ended"
