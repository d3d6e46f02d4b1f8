"""A replay judges what the critic would have seen, goes on where it was, and never crashes."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.critics.base import FunctionCritic
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.errors import ConfigError
from sidecritic.gates import Gate
from sidecritic.ports import Critic
from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.recordings import load
from sidecritic.replay import CriticFor, ReplayPlan, replay
from sidecritic.types import Approve, Judgement, Proposal, Revise, Task, ToolCall, ToolResult
from tests.recordings import (
    CANCEL,
    ORDER,
    USER,
    Json,
    called,
    chat,
    results,
    said,
    simulation,
    tau_called,
    tau_run,
)


def cancelled(id: str = "c1") -> list[Json]:
    """Return the cancellation with the result that the domain gives."""
    world = Tau2("retail").world(Task(id="x", env="tau2:retail", split="s", data={"id": "x"}))
    call = ToolCall(id="x", name="cancel_pending_order", arguments=CANCEL, raw="")
    return called("cancel_pending_order", CANCEL, world.execute(call).text, id=id)


def runs_of(folder: Path, *simulations: Json) -> tuple[Recorded, ...]:
    file = folder / "runs.json"
    file.write_text(json.dumps(results(*simulations)))
    found = load([file])
    assert not found.problems
    return found.runs


def plan_of(
    judge: Callable[[Proposal], object],
    *,
    gate: Gate = "writes+final",
    name: str = "test",
    timeout: float = 60.0,
) -> ReplayPlan:
    @asynccontextmanager
    async def critic_for(env: str) -> AsyncGenerator[Critic]:
        yield FunctionCritic(judge, name=name)  # pyright: ignore[reportArgumentType]

    made: CriticFor = critic_for
    return ReplayPlan(name, made, gate, timeout)


def approve(proposal: Proposal) -> Approve:
    return Approve()


@pytest.mark.parametrize(
    ("gate", "kinds"),
    [
        ("none", []),
        ("writes", ["write"]),
        ("writes+final", ["write", "final"]),
        ("all", ["other", "write", "final"]),
    ],
)
def test_the_gate_says_what_is_judged(tmp_path: Path, gate: Gate, kinds: list[str]) -> None:
    ask = [said("assistant", "Shall I?"), said("user", "Yes.")]
    runs = runs_of(tmp_path, simulation(chat(ask, cancelled())))
    assert [line.kind for line in replay(runs, plan_of(approve, gate=gate))] == kinds


def test_the_critic_sees_history_policy_and_tools_and_not_what_comes_after(tmp_path: Path) -> None:
    seen: list[Proposal] = []
    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    replay(runs, plan_of(seen.append))
    write, final = seen
    assert write.policy == "Be kind."
    assert [message.role for message in write.history] == ["assistant", "user"]
    assert write.action.calls[0].arguments == CANCEL
    assert "cancel_pending_order" in {tool.name for tool in write.tools}
    assert [message.role for message in final.history][-2:] == ["assistant", "tool"]


def statuses(runs: tuple[Recorded, ...]) -> list[str | None]:
    """Return what a look at the order shows, judgement by judgement."""
    seen: list[str | None] = []

    async def look(proposal: Proposal) -> Approve:
        shown: ToolResult | None = None
        if proposal.look is not None:
            shown = await proposal.look.call("get_order_details", {"order_id": ORDER})
        seen.append(json.loads(shown.text)["status"] if shown else None)
        return Approve()

    replay(runs, plan_of(look))
    return seen


def test_a_look_shows_the_records_as_they_were_then(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    assert statuses(runs) == ["pending", "cancelled"]


def test_a_look_ends_where_the_record_and_the_world_disagree(tmp_path: Path) -> None:
    strange = called("get_order_details", {"order_id": ORDER}, '{"status": "lost"}', id="c0")
    runs = runs_of(tmp_path, simulation(chat(strange, cancelled())))
    assert statuses(runs) == [None, None]


def test_a_tool_of_the_harness_does_not_end_it(tmp_path: Path) -> None:
    own = called("todo", {}, "noted", id="c0")
    runs = runs_of(tmp_path, simulation(chat(own, cancelled())))
    assert statuses(runs) == ["pending", "cancelled"]


def test_tau_bench_is_looked_up_in_the_same_records(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    cancel = tau_called(("cancel_pending_order", CANCEL), result='{"written": "otherwise"}')
    bye = [said("assistant", "All done."), said("user", "###STOP###")]
    file.write_text(json.dumps([tau_run([said("user", "Cancel it."), *cancel, *bye])]))
    assert statuses(load([file]).runs) == ["pending", "cancelled"]


def test_a_critic_that_breaks_is_a_line_with_its_status(tmp_path: Path) -> None:
    def broken(proposal: Proposal) -> Approve:
        raise ZeroDivisionError("oops")

    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    lines = replay(runs, plan_of(broken))
    assert [line.judgement.status for line in lines] == ["error", "error"]
    assert "oops" in lines[0].judgement.rationale


def test_a_silent_critic_is_a_timeout(tmp_path: Path) -> None:
    async def silent(proposal: Proposal) -> None:
        await asyncio.Event().wait()

    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    lines = replay(runs, plan_of(silent, timeout=0.01))
    assert {line.judgement.status for line in lines} == {"timeout"}


# --- the file ------------------------------------------------------------------------------


def test_a_replay_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, *(simulation(chat(cancelled())) for _ in range(3)))
    out = tmp_path / "out.jsonl"
    whole = replay(runs, plan_of(approve), out)
    text = out.read_text()
    out.write_text(text[: len(text) // 2])
    asked: list[Proposal] = []
    assert [line.key for line in replay(runs, plan_of(asked.append), out)] == [
        line.key for line in whole
    ]
    kept = text[: len(text) // 2].count("\n")
    assert 0 < len(asked) == len(whole) - kept
    assert len(out.read_text().splitlines()) == len(whole)


def test_judgements_of_another_critic_or_gate_are_not_mixed(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    out = tmp_path / "out.jsonl"
    replay(runs, plan_of(approve), out)
    with pytest.raises(ConfigError, match="--critic test"):
        replay(runs, plan_of(approve, name="other"), out)
    with pytest.raises(ConfigError, match="--gate"):
        replay(runs, plan_of(approve, gate="all"), out)


def test_judgements_of_other_weights_are_not_mixed(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    out = tmp_path / "out.jsonl"
    replay(runs, plan_of(approve), out)
    out.write_text(out.read_text().replace('"critic_version":""', '"critic_version":"older"'))
    with pytest.raises(ConfigError, match="in the version older"):
        replay(runs, plan_of(approve), out)


def test_judgements_on_other_runs_of_the_same_file_name_are_not_mixed(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    replay(runs_of(tmp_path, simulation(chat(cancelled()))), plan_of(approve), out)
    others = runs_of(tmp_path, simulation(chat(cancelled()), task_id="5"))
    with pytest.raises(ConfigError, match="is task 5"):
        replay(others, plan_of(approve), out)


def test_a_file_that_is_no_replay_is_left_alone(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    out = tmp_path / "notes.txt"
    out.write_text("my notes\n")
    with pytest.raises(ConfigError, match="line 1"):
        replay(runs, plan_of(approve), out)
    assert out.read_text() == "my notes\n"


# --- the command ---------------------------------------------------------------------------


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["replay", *words], catch_exceptions=False)


def written(folder: Path) -> Path:
    file = folder / "runs.json"
    wrong = cancelled()
    file.write_text(
        json.dumps(results(simulation(chat(wrong)), {"messages": "none"}, simulation([])))
    )
    return file


def test_the_command_prints_what_the_contract_promises(tmp_path: Path) -> None:
    file, out = written(tmp_path), tmp_path / "out.jsonl"
    result = run(str(file), "--critic", "policy", "--workers", "1", "--out", str(out), "--json")
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert (printed["simulations"], printed["malformed"], printed["empty"]) == (1, 1, 1)
    assert "runs.json, simulation 1" in result.stderr
    assert set(printed["writes"]) == {"clean", "raw"}
    every = printed["writes"]["clean"]["all"]
    assert (every["n"], every["wrong"], every["auroc"]) == (1, 1, None)
    assert set(every["recall_at_fpr"]) == {"0.01", "0.05", "0.10"}
    assert set(printed["end"]) >= {"clean"}
    lines = [JudgedProposal.model_validate_json(line) for line in out.read_text().splitlines()]
    assert [line.kind for line in lines] == ["write", "final"]


def test_processes_change_nothing_but_the_clock(tmp_path: Path) -> None:
    file = written(tmp_path)
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    for out, workers in ((one, "1"), (two, "2")):
        assert run(str(file), "--workers", workers, "--out", str(out)).exit_code == 0

    def timeless(file: Path) -> list[Judgement]:
        lines = map(JudgedProposal.model_validate_json, file.read_text().splitlines())
        return [line.judgement.model_copy(update={"seconds": 0.0}) for line in lines]

    assert timeless(one) == timeless(two)


def test_labels_add_the_detectable_writes(tmp_path: Path) -> None:
    file, labels = written(tmp_path), tmp_path / "labels.jsonl"
    label = {"file": "runs.json", "simulation": 0, "tool": "cancel_pending_order"}
    labels.write_text(json.dumps({**label, "arguments": CANCEL, "detectable": False}))
    printed = json.loads(run(str(file), "--labels", str(labels), "--json").stdout)
    assert printed["writes"]["clean"]["all"]["wrong"] == 1
    assert printed["writes"]["detectable"]["all"]["wrong"] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--critic", "polcy"], "polcy"),
        (["--gate", "some"], "unknown gate 'some'"),
        (["--labels", "none.jsonl"], "none.jsonl"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, words: list[str], complaint: str) -> None:
    file = tmp_path / "runs.json"
    file.write_text(json.dumps(results(simulation(chat(cancelled())))))
    result = run(str(file), *words)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stdout == ""


def test_nothing_to_replay_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text("{}")
    result = run(str(tmp_path / "runs.json"), "--json")
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_refusal_is_kept_as_it_was_said(tmp_path: Path) -> None:
    refusal = Revise(feedback="No.")
    runs = runs_of(tmp_path, simulation(chat(cancelled())))
    lines = replay(runs, plan_of(lambda proposal: refusal), tmp_path / "out.jsonl")
    assert [line.judgement.verdict for line in lines] == [refusal, refusal]
    assert USER not in lines[0].model_dump_json()
