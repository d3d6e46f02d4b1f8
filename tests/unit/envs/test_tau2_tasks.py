"""What is refused of a task file before anything is played."""

import json
from pathlib import Path
from typing import Any

import pytest

from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.envs.tau2.package import DOMAINS, data_folder
from sidecritic.errors import ConfigError
from tests.parity.tau2_plays import NEWER_TASKS

Json = dict[str, Any]


@pytest.fixture
def first() -> Json:
    return dict(Tau2("mock").tasks("base")[0].data)


def written(folder: Path, content: Any, *, splits: Any = None) -> Path:
    file = folder / "tasks.json"
    file.write_text(json.dumps(content))
    if splits is not None:
        (folder / "split_tasks.json").write_text(json.dumps(splits))
    return file


def complaint(file: Path, domain: str = "mock", split: str = "base") -> str:
    with pytest.raises(ConfigError) as caught:
        Tau2(domain, tasks_file=file).tasks(split)
    assert str(file.parent) in str(caught.value)
    return str(caught.value)


def packaged(domain: str) -> Path:
    return data_folder() / "domains" / domain / "tasks.json"


def test_what_is_no_task_is_named_by_its_place(tmp_path: Path, first: Json) -> None:
    assert "task 1 is not an object but 2" in complaint(written(tmp_path, [first, 2]))


FAULTS: list[tuple[Json, str]] = [
    ({"id": None}, "task 1 has no id"),
    ({"id": ""}, "task 1 has the empty id ''"),
    ({"id": "  "}, "task 1 has the empty id '  '"),
    ({"id": ["a"]}, "task 1 has the id ['a'], which is not text"),
    ({"id": True}, "task 1 has the id True"),
    ({"user_scenario": {}}, "task 1 (id 'b') is not a τ² task: user_scenario.instructions: F"),
    ({"user_scenario": None}, "user_scenario: "),
    ({"evaluation_criteria": []}, "evaluation_criteria: "),
    ({"evaluation_criteria": {"actions": 3}}, "evaluation_criteria.actions: "),
    ({"evaluation_criteria": {"actions": [{}]}}, "evaluation_criteria.actions.0.action_id: "),
    ({"evaluation_criteria": {"reward_basis": ["LUCK"]}}, "reward_basis.0: Input should be"),
    ({"initial_state": "clean"}, "initial_state: "),
]


@pytest.mark.parametrize(("change", "said"), FAULTS)
def test_a_task_that_cannot_be_played_is_named_with_its_fault(
    tmp_path: Path, first: Json, change: Json, said: str
) -> None:
    told = complaint(written(tmp_path, [first, {**first, "id": "b", **change}]))
    assert said in told
    assert "; " in told.split(said)[1]


def test_a_task_without_the_key_id_is_named_by_its_place(tmp_path: Path, first: Json) -> None:
    del first["id"]
    assert "task 0 has no id; give it a unique id" in complaint(written(tmp_path, [first]))


def test_tasks_of_the_same_id_are_refused(tmp_path: Path, first: Json) -> None:
    told = complaint(written(tmp_path, [{**first, "id": 7}, {**first, "id": "7"}]))
    assert "tasks 0 and 1 have the same id '7'" in told


def test_an_id_that_is_a_number_is_read_as_text(tmp_path: Path, first: Json) -> None:
    file = written(tmp_path, [{**first, "id": 7}], splits={"base": [7]})
    task = Tau2("mock", tasks_file=file).tasks("base")[0]
    assert (task.id, task.data["id"]) == ("7", "7")


@pytest.mark.parametrize(
    ("of", "on"), [("retail", "airline"), ("airline", "retail"), ("telecom", "retail")]
)
def test_the_tasks_of_another_domain_are_refused(tmp_path: Path, of: str, on: str) -> None:
    tasks = json.loads(packaged(of).read_bytes())[:20]
    told = complaint(written(tmp_path, tasks), domain=on)
    assert "has a reference action '" in told
    assert f"tau2:{on}; is the file of another domain?" in told


@pytest.mark.parametrize(("tool", "requestor"), [("enable_roaming", "user"), ("teleport", None)])
def test_a_reference_action_must_be_a_tool_of_the_side_that_takes_it(
    tmp_path: Path, tool: str, requestor: str | None
) -> None:
    task = json.loads(packaged("telecom").read_bytes())[0]
    action: Json = {"action_id": "0", "name": tool, "arguments": {}}
    action |= {} if requestor is None else {"requestor": requestor}
    task["evaluation_criteria"] = {"actions": [action]}
    told = complaint(written(tmp_path, [task]), domain="telecom")
    side = "agent" if requestor is None else "user"
    assert f"task 0 (id {task['id']!r}) has a reference action {tool!r}" in told
    assert f"not a tool of the {side} in tau2:telecom" in told


def test_a_reference_action_that_would_never_end_is_refused(tmp_path: Path) -> None:
    task = json.loads(packaged("retail").read_bytes())[0]
    arguments = {"expression": "9**9**9**9"}
    action = {"action_id": "0", "name": "calculate", "arguments": arguments}
    task["evaluation_criteria"] = {"actions": [action]}
    assert "'calculate' that is never run" in complaint(written(tmp_path, [task]), domain="retail")


def test_a_file_without_tasks_is_named_with_the_split(tmp_path: Path) -> None:
    file = written(tmp_path, [])
    told = complaint(file)
    assert f"{file} has 0 tasks, none of them in the split 'base'" in told


def test_a_split_without_tasks_names_those_that_have_some(tmp_path: Path, first: Json) -> None:
    splits = {"base": [first["id"]], "test": ["gone"]}
    file = written(tmp_path, [first], splits=splits)
    told = complaint(file, split="test")
    assert f"{file} has 1 tasks, none of them in the split 'test'; splits with tasks: base" in told
    assert Tau2("mock", tasks_file=file).splits() == {"base": 1, "test": 0}


@pytest.mark.parametrize("splits", [["base"], {"base": "create_task_1"}, {"base": None}])
def test_splits_of_another_form_are_refused(tmp_path: Path, first: Json, splits: Any) -> None:
    told = complaint(written(tmp_path, [first], splits=splits))
    assert "split_tasks.json is not a file of τ² splits" in told


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_packages_own_files_pass_every_check(domain: str) -> None:
    tasks = Tau2(domain, tasks_file=packaged(domain)).tasks("base")
    assert [task.data for task in tasks] == [task.data for task in Tau2(domain).tasks("base")]


@pytest.mark.recorded
@pytest.mark.parametrize(("domain", "number"), [("retail", 114), ("airline", 50)])
def test_files_newer_than_the_package_pass_every_check(domain: str, number: int) -> None:
    file = NEWER_TASKS / domain / "tasks.json"
    if not file.is_file():
        pytest.skip(f"no newer task file at {file}")
    assert len(Tau2(domain, tasks_file=file).tasks("base")) == number
