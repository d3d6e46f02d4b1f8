"""Tasks from a file of one task a line."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from sidecritic.assembly.benchmarks import Sources, benchmark_for
from sidecritic.envs.shop import Shop
from sidecritic.envs.task_files import ListedTasks, to_lines
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.errors import ConfigError
from sidecritic.splits.benchmarks import HeldOutSplit
from sidecritic.types import Task


def saved(folder: Path, *lines: str, name: str = "tasks.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def changed(task: Task, **values: JsonValue) -> str:
    return json.dumps({**task.model_dump(mode="json"), **values})


SHOP = Shop().tasks("test")


def test_tasks_of_a_file_take_the_place_of_the_benchmarks_own(tmp_path: Path) -> None:
    file = saved(tmp_path, to_lines(SHOP[:2]))
    benchmark = benchmark_for("shop", Sources(tasks=file))

    assert benchmark.tasks("test") == SHOP[:2]
    assert benchmark.splits() == {"test": 2}
    assert benchmark.versions["task set"].startswith("tasks.jsonl sha256:")
    assert HeldOutSplit(benchmark).users  # it goes on telling whom a task is about
    with pytest.raises(ConfigError, match=r"no task in the split 'train'; it has: test \(2\)"):
        benchmark.tasks("train")


def test_a_file_is_known_by_its_first_line_too(tmp_path: Path) -> None:
    file = saved(tmp_path, to_lines(SHOP[:1]), name="tasks.json")
    assert isinstance(benchmark_for("shop", Sources(tasks=file)), ListedTasks)


def test_a_tau2_list_is_still_a_tau2_list(tmp_path: Path) -> None:
    own = Tau2("retail").tasks("train")[0].data
    file = saved(tmp_path, json.dumps([own]), name="mine.json")
    benchmark = benchmark_for("tau2:retail", Sources(tasks=file))
    assert isinstance(benchmark, Tau2)
    assert [task.id for task in benchmark.tasks("train")] == [own["id"]]


REFUND: dict[str, JsonValue] = {"name": "refund_items", "arguments": {"order_id": "A1001"}}
SCENARIO: dict[str, JsonValue] = {"instructions": "You want your money back."}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2 is not a task"),
        ('{"id": "x"}', "line 2 is not a task: env"),
        (changed(SHOP[0]), "lines 1 and 2 have the same id"),
        (changed(SHOP[0], id=" "), "line 2 has an empty id"),
        (changed(SHOP[0], id="x"), "has the id 'x' outside, '5' in its data"),
        (changed(SHOP[1], env="tau2:mock"), "is a task of 'tau2:mock', not of 'shop'"),
        (changed(SHOP[0], id="x", data={}), "has no user_scenario"),
        (
            changed(
                SHOP[0],
                id="x",
                data={
                    "user_scenario": SCENARIO,
                    "evaluation_criteria": {"actions": [{"name": "fly", "arguments": {}}]},
                },
            ),
            "'fly', which is not a tool of the shop",
        ),
        (
            changed(
                SHOP[0],
                id="x",
                data={
                    "user_scenario": SCENARIO,
                    "evaluation_criteria": {"actions": [REFUND]},
                },
            ),
            "'refund_items' that is never run: item_ids",
        ),
    ],
)
def test_a_line_that_cannot_be_played_is_named(tmp_path: Path, line: str, says: str) -> None:
    file = saved(tmp_path, to_lines(SHOP[:1]).strip(), line)
    with pytest.raises(ConfigError, match=says):
        benchmark_for("shop", Sources(tasks=file))


def test_a_tau2_task_is_checked_by_the_benchmarks_own_classes(tmp_path: Path) -> None:
    task = Tau2("retail").tasks("train")[0]
    file = saved(tmp_path, changed(task, data={"id": task.id}))
    with pytest.raises(ConfigError, match=r"line 1 \(id '0'\) is not a τ² task"):
        benchmark_for("tau2:retail", Sources(tasks=file))


def test_an_empty_missing_or_binary_file_is_said_to_be_one(tmp_path: Path) -> None:
    cases = {"holds no task": b"", "is not UTF-8 text": b"\xff\xfe"}
    for says, content in cases.items():
        file = tmp_path / "tasks.jsonl"
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=says):
            benchmark_for("shop", Sources(tasks=file))
    with pytest.raises(ConfigError, match="cannot read"):
        benchmark_for("shop", Sources(tasks=tmp_path / "missing.jsonl"))


def test_a_benchmark_that_cannot_check_tasks_plays_no_files(tmp_path: Path) -> None:
    file = saved(tmp_path, to_lines(SHOP[:1]))
    fixture = benchmark_for("userbench:fixture")
    with pytest.raises(ConfigError, match="are for τ² and the shop"):
        ListedTasks(fixture, file)
