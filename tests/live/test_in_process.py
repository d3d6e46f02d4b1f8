"""The LLM critic over weights in a process, and on the command line: `make test-real`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from benchmarks.llama_server import PYTHON, ROOT, WEIGHTS

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("llama")]


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    assert PYTHON.exists(), "llama-cpp-python is not built; run: make test-real"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [PYTHON, *words]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=1800, check=False
    )


@pytest.fixture(scope="module")
def happened() -> dict[str, Any]:
    done = run("-m", "tests.live.in_process", WEIGHTS)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_risk_comes_from_log_probabilities(happened: dict[str, Any]) -> None:
    for name in ("cold", "again", "warmed", "cancelled"):
        assert 0 < happened[name]["risk"] < 1
        assert "no verdict token" not in happened[name]["rationale"]
        assert happened[name]["output_tokens"] == 1
    assert happened["again"]["risk"] == pytest.approx(happened["cold"]["risk"], abs=1e-3)
    assert happened["name"] == WEIGHTS.stem


def test_what_was_read_is_not_read_again(happened: dict[str, Any]) -> None:
    cold, again, warmed = happened["cold"], happened["again"], happened["warmed"]
    assert cold["cached_tokens"] < 10
    assert again["cached_tokens"] == again["input_tokens"] - 1
    # Beside the case and the question, some tokens at the seam differ.
    assert warmed["cached_tokens"] > 0.8 * warmed["input_tokens"]
    assert again["seconds"] < cold["seconds"] / 3


def test_a_cancelled_warm_up_keeps_what_it_has_read_and_holds_nobody_up(
    happened: dict[str, Any],
) -> None:
    stopped, unwarmed = happened["cancelled"], happened["unwarmed"]
    assert stopped["waited_s"] < 0.1
    # A few tokens more or less, where the two policies begin alike.
    assert stopped["cached_tokens"] > unwarmed["cached_tokens"] + 250
    assert stopped["cached_tokens"] < stopped["input_tokens"] - 100, "it was stopped on its way"


def test_what_a_turn_adds_costs_by_its_length_however_short(happened: dict[str, Any]) -> None:
    # A kernel that is slow on small batches read 40 tokens at more than the price of 150.
    assert happened["grown"]["few"] < 0.7 * happened["grown"]["many"]


def test_the_verdict_can_be_read_from_an_object(happened: dict[str, Any]) -> None:
    assert 0 < happened["fallback"]["risk"] < 1
    assert happened["fallback"]["output_tokens"] > 1


def test_the_verdict_can_follow_its_reasoning(happened: dict[str, Any]) -> None:
    assert 0 < happened["reasoned"]["risk"] < 1
    assert happened["reasoned"]["output_tokens"] > happened["fallback"]["output_tokens"]
    assert happened["reasoned"]["rationale"] == "", "reasoning stays where it was"


def test_a_refusal_gets_feedback_whatever_the_model_writes(happened: dict[str, Any]) -> None:
    assert happened["refused"]["verdict"] == "revise"
    assert happened["refused"]["output_tokens"] > 1, "reasons were asked for"


def test_a_prompt_longer_than_the_context_is_refused_with_the_way_out(
    happened: dict[str, Any],
) -> None:
    assert "the context of the model holds 4,096" in happened["too_long"]


def test_eval_judges_with_a_model_file(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run(
        "-m", "sidecritic", "eval", "--env", "shop", "--limit", "1", "--max-turns", "2",
        "--critic", f"llm:local:{WEIGHTS}", "--gate", "all", "--max-revisions", "0",
        "--critic-timeout", "600", "--out", out, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Q4_0, context 8,192 tokens" in done.stderr, "what was loaded is said"
    assert "prefix kept between calls" in done.stderr
    events = json.loads((out / "trajectories.jsonl").read_text())["events"]
    judged = [event["judgement"] for event in events if event["event"] == "judged"]
    assert judged
    assert all(0 < judgement["risk"] < 1 for judgement in judged)
    assert judged[0]["critic"] == f"llm:{WEIGHTS.stem}"
