"""Recorded runs of every format become trajectories; what is malformed is named and skipped."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sidecritic.envs.tau2.benchmark import GREETING
from sidecritic.errors import ConfigError
from sidecritic.recorded import Recorded
from sidecritic.recordings import Imported, load
from sidecritic.runs import RUN_FILE, RunRecord, digest
from sidecritic.trace import Executed, Observed, Proposed, Trajectory, env_view, to_line
from sidecritic.types import Assistant, Briefing, Task, ToolResult, ToolSpec, User
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
    task,
    tau_called,
    tau_run,
)

GOLD = {"name": "cancel_pending_order", "arguments": CANCEL}
CANCELLED = called("cancel_pending_order", CANCEL, "{}")
OF_A_BANK = results(
    simulation(chat(CANCELLED)), environment_info={"domain_name": "banking", "policy": "Save."}
)


def imported(folder: Path, content: Any, name: str = "runs.json") -> Imported:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return load([file])


def only(found: Imported) -> Recorded:
    assert not found.problems
    (run,) = found.runs
    return run


def executed(run: Recorded) -> list[Assistant]:
    return [event.action for event in run.trajectory.events if isinstance(event, Executed)]


def proposed(run: Recorded) -> list[Assistant]:
    events = run.trajectory.events
    return [event.completion.message for event in events if isinstance(event, Proposed)]


# --- τ²-bench ------------------------------------------------------------------------------


def test_a_results_object_says_who_acted_where_and_how_it_ended(tmp_path: Path) -> None:
    run = only(imported(tmp_path, results(simulation(chat(CANCELLED), reward=1.0))))
    assert (run.benchmark, run.domain, run.user_id) == ("tau2-bench", "retail", USER)
    assert (run.trajectory.actor, run.trajectory.user) == ("some-actor", "some-user")
    assert run.trajectory.versions["benchmark"] == "abc"
    assert run.briefing.policy == "Be kind."
    assert run.trajectory.ended is not None
    assert run.trajectory.ended.outcome is not None
    assert run.trajectory.ended.outcome.passed


def test_what_a_file_does_not_say_is_unknown_and_the_domain_is_told_by_the_tools(
    tmp_path: Path,
) -> None:
    looked = called("get_order_details", {"order_id": ORDER}, "{}")
    content = {**results(simulation(chat(looked))), "info": None}
    run = only(imported(tmp_path, content))
    assert run.domain == "retail"
    assert {run.trajectory.actor, run.trajectory.user} == {"unknown"}
    assert run.trajectory.versions == {"benchmark": "unknown", "source": "unknown"}


def test_an_index_beside_the_files_names_actor_and_user(tmp_path: Path) -> None:
    entry = {"file": "runs.json", "actor": "a", "user": "u", "domain": "retail", "source": "s"}
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    run = only(imported(tmp_path, results(simulation(chat(CANCELLED)))))
    assert (run.trajectory.actor, run.trajectory.user) == ("a", "u")
    assert run.trajectory.versions["source"] == "s"


def test_the_greeting_is_no_proposal_and_every_other_message_of_the_agent_is(
    tmp_path: Path,
) -> None:
    run = only(imported(tmp_path, results(simulation(chat(CANCELLED)))))
    first = run.trajectory.events[0]
    assert isinstance(first, Observed)
    assert [type(message) for message in first.observation.messages] == [Assistant, User]
    assert Assistant(text=GREETING) not in proposed(run)
    assert [action.text for action in proposed(run)] == ["", "All done."]
    assert executed(run) == proposed(run)


def test_the_recorded_chat_is_what_the_log_shows(tmp_path: Path) -> None:
    run = only(imported(tmp_path, results(simulation(chat(CANCELLED)))))
    kinds = [type(entry).__name__ for entry in env_view(run.trajectory.events)]
    assert kinds == ["Assistant", "User", "Assistant", "ToolResult", "Assistant", "User"]


def test_repeated_call_ids_are_told_apart(tmp_path: Path) -> None:
    again = called("get_order_details", {"order_id": ORDER}, "{}", id="c1")
    run = only(imported(tmp_path, results(simulation(chat(CANCELLED, again)))))
    ids = [call.id for action in executed(run) for call in action.calls]
    view = env_view(run.trajectory.events)
    assert len(set(ids)) == 2
    assert [entry.call_id for entry in view if isinstance(entry, ToolResult)] == ids


def test_calls_of_the_user_stay_backstage(tmp_path: Path) -> None:
    call: Json = {"id": "u1", "name": "check_status_bar", "arguments": {}, "requestor": "user"}
    own: list[Json] = [
        {"role": "user", "content": None, "tool_calls": [call]},
        {"role": "tool", "id": "u1", "content": "no signal", "requestor": "user"},
        said("user", "It says: no signal."),
    ]
    info = {"environment_info": {"domain_name": "telecom", "policy": "Help."}}
    messages = chat([said("assistant", "Look at your status bar."), *own])
    run = only(imported(tmp_path, results(simulation(messages), tasks=[{"id": "0"}], **info)))
    backstage = [
        made.call.name
        for event in run.trajectory.events
        if isinstance(event, Observed)
        for made in event.observation.backstage
    ]
    assert backstage == ["check_status_bar"]
    assert "check_status_bar" not in {c.name for action in executed(run) for c in action.calls}


def test_the_reference_comes_from_the_checks_before_the_task(tmp_path: Path) -> None:
    checks = {"reward": 0.0, "action_checks": [{"action": GOLD}]}
    content = results(simulation(chat(CANCELLED), reward_info=checks), tasks=[task()])
    run = only(imported(tmp_path, content))
    assert run.trajectory.ended is not None
    assert run.trajectory.ended.outcome is not None
    assert run.trajectory.ended.outcome.native["reference"] == [
        {**GOLD, "requestor": "assistant", "effect": "write", "ok": True}
    ]


def test_a_tool_of_the_harness_is_known_to_only_read_but_an_invented_one_is_not_declared(
    tmp_path: Path,
) -> None:
    own = called("todo", {}, "noted", id="a")
    invented = called("delete_everything", {}, "Error: no such tool", id="b")
    run = only(imported(tmp_path, results(simulation(chat(own, invented)))))
    tools = {tool.name: tool.effect for tool in run.briefing.tools}
    assert tools["todo"] == "read"
    assert "delete_everything" not in tools


def test_one_file_a_task_is_read_too_and_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    for number in range(2):
        record = {
            "task": {**task(), "id": str(number)},
            "run_info": {"domain": "retail", "agent_llm": "x"},
            "reward_info": {"reward": 1.0},
            "messages": chat(CANCELLED),
        }
        (tmp_path / f"retail_[{number}].json").write_text(json.dumps(record))
    found = load([tmp_path])
    assert [run.trajectory.task.id for run in found.runs] == ["0", "1"]
    assert {run.trajectory.actor for run in found.runs} == {"x"}


# --- τ-bench -------------------------------------------------------------------------------


def test_of_a_message_of_tau_bench_only_the_first_call_ran(tmp_path: Path) -> None:
    both = tau_called(
        ("get_order_details", {"order_id": ORDER}), ("cancel_pending_order", CANCEL), result="{}"
    )
    traj = [said("system", "# Policy"), said("user", "Cancel it."), *both, said("user", "Bye")]
    run = only(imported(tmp_path, [tau_run(traj)]))
    assert [call.name for call in proposed(run)[0].calls] == [
        "get_order_details",
        "cancel_pending_order",
    ]
    assert [call.name for call in executed(run)[0].calls] == ["get_order_details"]


def test_a_run_of_tau_bench_has_policy_user_and_reference(tmp_path: Path) -> None:
    traj = [
        said("system", "# Policy"),
        said("user", "Cancel it."),
        *tau_called(("cancel_pending_order", CANCEL), result="Error: no"),
        said("user", "Bye"),
    ]
    gold = [{"name": "get_order_details", "kwargs": {"order_id": ORDER}}]
    run = only(imported(tmp_path, [tau_run(traj, gold=gold)]))
    assert (run.benchmark, run.domain, run.user_id) == ("tau-bench", "retail", USER)
    assert run.trajectory.task.env == "tau:retail"
    assert run.critic_env == "tau2:retail"
    assert run.briefing.policy == "# Policy"
    view = env_view(run.trajectory.events)
    assert [entry.is_error for entry in view if isinstance(entry, ToolResult)] == [True]


# --- our own -------------------------------------------------------------------------------


def own_file(folder: Path, *, briefing: Briefing | None) -> Path:
    source = only(imported(folder, results(simulation(chat(CANCELLED))), "source.json"))
    task = Task(id="0", env="shop", split="test")
    name = digest(briefing) if briefing else "lost"
    update = {"task": task, "briefing": name}
    trajectory: Trajectory = source.trajectory.model_copy(update=update)
    file = folder / "trajectories.jsonl"
    file.write_text("{broken\n" + to_line(trajectory) + to_line(trajectory)[:40])
    if briefing:
        record = RunRecord(
            command="", settings={}, episodes=1, versions={}, briefings={name: briefing}
        )
        (folder / RUN_FILE).write_text(record.model_dump_json())
    return file


def test_our_own_trajectories_come_with_the_briefing_of_their_run(tmp_path: Path) -> None:
    briefing = Briefing(policy="Ours.", tools=(ToolSpec(name="look"),))
    found = load([own_file(tmp_path, briefing=briefing)])
    (run,) = found.runs
    assert run.briefing == briefing
    assert (run.benchmark, run.domain) == ("shop", "shop")
    assert "line 3" in str(found.problems[1])
    assert "line 1" in str(found.problems[0])
    assert "cut off" in str(found.problems[1])


def test_a_trajectory_whose_policy_is_lost_is_named(tmp_path: Path) -> None:
    found = load([own_file(tmp_path, briefing=None)])
    assert found.runs == ()
    assert any(RUN_FILE in str(problem) for problem in found.problems)


# --- what is wrong with them ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("no object", "should be a valid dictionary"),
        (simulation("many"), "messages"),  # pyright: ignore[reportArgumentType]
        (simulation([said("narrator", "Once.")]), "narrator"),
        (simulation(chat(CANCELLED[:1])), "not followed by its result"),
        (simulation(chat(), reward_info={"reward": "high"}), "not a number"),
    ],
)
def test_a_malformed_record_is_named_and_the_others_load(
    tmp_path: Path, bad: Any, words: str
) -> None:
    good = simulation(chat(CANCELLED))
    found = imported(tmp_path, results(good, bad, good))
    assert [run.simulation for run in found.runs] == [0, 2]
    (problem,) = found.problems
    assert "runs.json, simulation 1" in str(problem)
    assert words in str(problem)


def test_empty_runs_are_dropped_and_counted(tmp_path: Path) -> None:
    found = imported(tmp_path, results(simulation([]), simulation(chat(CANCELLED))))
    assert (len(found.runs), found.empty, found.problems) == (1, 1, ())
    found = imported(tmp_path, [tau_run([])])
    assert (len(found.runs), found.empty, found.problems) == (0, 1, ())


def test_gzip_is_told_by_the_content_and_not_by_the_name(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    file.write_bytes(gzip.compress(json.dumps(results(simulation(chat(CANCELLED)))).encode()))
    assert len(load([file]).runs) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"[]" * 400, mtime=0)[:20], "damaged or cut off"),
        (b'{"simulations": [', "not JSON"),
        (b'{"something": 1}', "unknown format"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (json.dumps(OF_A_BANK).encode(), "unknown τ² domain 'banking'"),
    ],
    ids=(
        "half a gzip file",
        "half a JSON",
        "unknown format",
        "not UTF-8",
        "too deep",
        "another domain",
    ),
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(results(simulation(chat(CANCELLED)))))
    bad.write_bytes(content)
    found = load([bad, good])
    assert len(found.runs) == 1
    assert [words in str(p) and "bad.json" in str(p) for p in found.problems] == [True]


def test_two_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "runs.json").write_text(
            json.dumps(results(simulation(chat(CANCELLED))))
        )
    found = load([tmp_path / "a", tmp_path / "b", tmp_path / "b" / "runs.json"])
    assert found.files == 2
    assert [run.file for run in found.runs] == ["a/runs.json", "b/runs.json"]
    assert len({run.trajectory.id for run in found.runs}) == 2


def test_the_folder_of_a_run_stands_for_its_trajectories(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    own_file(folder, briefing=Briefing(policy="Ours."))
    (folder / "scores.json").write_text("{}")
    found = load([folder])
    assert [run.file for run in found.runs] == ["first/trajectories.jsonl"]
    assert not any("scores.json" in str(problem) for problem in found.problems)


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="check the path"):
        load([tmp_path / "none.json"])
