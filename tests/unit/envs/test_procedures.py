"""The town's desk: its tasks, its executable policy, and the labels of its writes."""

import json
from collections import Counter

import pytest
from pydantic import JsonValue
from scripts.make_procedures import FILE, written

from sidecritic.assembly.benchmarks import benchmark_for
from sidecritic.envs.base import Look
from sidecritic.envs.procedures.benchmark import Procedures, TownDesk
from sidecritic.envs.procedures.data import POLICY, TABLES
from sidecritic.envs.procedures.records import Records
from sidecritic.envs.procedures.rules import LIMITS, RULES, examined
from sidecritic.envs.procedures.tools import SPECS
from sidecritic.simulation.task_record import reference_of
from sidecritic.types import Task, ToolCall, ToolResult
from sidecritic.values import object_of, text_of

TASKS = [task for split in ("train", "test") for task in Procedures().tasks(split)]
EVERY = pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{_asked(task)[0]}-{task.id}")


def _asked(task: Task) -> tuple[str, dict[str, JsonValue]]:
    request = object_of(task.data, "request")
    return text_of(request, "name"), dict(object_of(request, "arguments"))


def _may(task: Task) -> bool:
    return any(action.name in RULES for action in reference_of(task).actions)


def run(desk: TownDesk, name: str, arguments: dict[str, JsonValue], id: str = "c") -> ToolResult:
    return desk.execute(ToolCall(id=id, name=name, arguments=arguments, raw=""))


def labels(desk: TownDesk) -> list[tuple[JsonValue, ...]]:
    writes = desk.grade((), stopped=True).native["writes"]
    assert isinstance(writes, list)
    return [
        (w["call_id"], w["label"], w["broken"], w["missing"]) for w in writes if isinstance(w, dict)
    ]


def look_up(desk: TownDesk, task: Task, *but: str) -> None:
    """Make the look-ups of the reference, but for some tools."""
    for action in reference_of(task).actions:
        if action.name not in (*RULES, *but):
            assert not run(desk, action.name, dict(action.arguments)).is_error


def test_the_shipped_records_are_what_the_script_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == written()


def test_each_half_has_every_kind_of_write_to_make_and_to_refuse() -> None:
    assert len(TASKS) == 48
    counted = Counter((task.split, _asked(task)[0], _may(task)) for task in TASKS)
    assert set(counted.values()) == {2}
    assert len(counted) == 2 * 2 * len(RULES)


def test_it_is_chosen_by_its_name() -> None:
    assert benchmark_for("procedures").splits() == {"train": 24, "test": 24}


def test_each_task_is_about_one_resident() -> None:
    users = [Procedures().users_of(task) for task in TASKS]
    assert all(len(user) == 1 for user in users)
    assert len(set(users)) == len(TASKS)


def test_each_tool_says_what_it_does_to_records() -> None:
    assert {tool.name for tool in SPECS if tool.effect == "write"} == set(RULES)
    assert {tool.effect for tool in SPECS} == {"read", "write"}


def test_the_policy_states_every_limit_that_the_program_applies() -> None:
    for limit in LIMITS.values():
        assert str(limit) in POLICY


@EVERY
def test_a_write_after_all_look_ups_is_right_or_wrong_and_never_unverified(task: Task) -> None:
    desk, (name, arguments) = TownDesk(task), _asked(task)
    look_up(desk, task)
    assert not run(desk, name, arguments).is_error
    ((_, label, broken, missing),) = labels(desk)
    assert (label, bool(broken), missing) == (
        "right" if _may(task) else "wrong",
        not _may(task),
        [],
    )
    assert desk.grade((), stopped=True).passed == _may(task)


@EVERY
def test_a_write_without_a_look_up_is_unverified_if_all_holds_and_wrong_if_not(task: Task) -> None:
    name, arguments = _asked(task)
    met = examined(name, arguments, Records(TABLES))
    tools = {each.look_up[0] for each in met if each.look_up is not None}
    assert tools
    for tool in tools:
        desk = TownDesk(task)
        look_up(desk, task, tool)
        assert not run(desk, name, arguments).is_error
        ((_, label, _, missing),) = labels(desk)
        assert (label, missing) == ("unverified" if _may(task) else "wrong", [tool])


def test_a_look_up_of_another_resident_verifies_nothing() -> None:
    task = next(task for task in TASKS if _asked(task)[0] == "waive_fee" and _may(task))
    desk, (name, arguments) = TownDesk(task), _asked(task)
    look_up(desk, task, "check_hardship")
    run(desk, "check_hardship", {"resident_id": next(iter(TABLES["residents"]))})
    run(desk, name, arguments)
    assert labels(desk)[0][1] == "unverified"


async def test_what_a_critic_looks_up_is_not_what_the_agent_looked_up() -> None:
    task = next(task for task in TASKS if _may(task))
    desk, (name, arguments) = TownDesk(task), _asked(task)
    look = Look(desk.fork(), 9)
    for action in reference_of(task).actions[:-1]:
        assert not (await look.call(action.name, dict(action.arguments))).is_error
    run(desk, name, arguments)
    assert labels(desk)[0][1] == "unverified"


def test_a_fork_writes_for_itself() -> None:
    task = TASKS[0]
    desk, (name, arguments) = TownDesk(task), _asked(task)
    twin = desk.fork()
    run(twin, name, arguments)
    assert labels(desk) == []
    assert len(labels(twin)) == 1
    assert desk.grade((), stopped=True).native["db_match"] is False


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("fly", {}, "no tool 'fly'"),
        ("lend_item", {"resident_id": "R1000", "item_id": "I9999", "days": 3}, "no item 'I9999'"),
        ("lend_item", {"resident_id": "R9999", "item_id": "I1000", "days": 3}, "'R9999'"),
        ("extend_loan", {"loan_id": "L9", "days": 3}, "no loan 'L9'"),
        ("waive_fee", {"resident_id": "R1000"}, "amount"),
        ("change_site", {"application_id": "A1040", "site_id": "S1"}, "no site 'S1'"),
        ("find_resident", {"email": "nobody@example.org"}, "no resident has this"),
        ("check_fees", {"resident_id": 7}, "resident_id"),
    ],
)
def test_what_is_impossible_is_an_error_and_no_write(
    name: str, arguments: dict[str, JsonValue], why: str
) -> None:
    desk = TownDesk(TASKS[0])
    result = run(desk, name, arguments)
    assert result.is_error
    assert why in result.text
    assert labels(desk) == []


def test_a_write_shows_in_later_look_ups() -> None:
    desk = TownDesk(TASKS[0])
    run(desk, "lend_item", {"resident_id": "R1000", "item_id": "I1000", "days": 3})
    assert json.loads(run(desk, "get_item", {"item_id": "I1000"}).text)["status"] == "on loan"
    loans = json.loads(run(desk, "check_loans", {"resident_id": "R1000"}).text)["open_loans"]
    assert {"I1000", "I1005"} == {loan["item_id"] for loan in loans}
