"""An environment of one's own: the documented one, as it stands, and what is said of mistakes."""

import json
import sys
from pathlib import Path

import pytest

from sidecritic.assembly.benchmarks import benchmark_for
from sidecritic.envs.own import Desk, DeskTask, Records, Refused, reads, writes
from sidecritic.errors import ConfigError
from sidecritic.types import Assistant, ToolCall, ToolResult
from tests.parties import Says
from tests.unit.cli.commands import answer, complaint, run

GUIDE = Path(__file__).parents[3] / "docs" / "own-environment.md"
ENV = "library_desk:LIBRARY"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The documented environment in a folder on the path."""
    code = GUIDE.read_text(encoding="utf-8").split("```python\n")[1].split("```", 1)[0]
    (tmp_path / "library_desk.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "library_desk", raising=False)
    return ENV


def test_the_documented_environment_has_sixty_lines_and_is_played_as_it_stands(
    library: str,
) -> None:
    lines = Path("library_desk.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 60
    words = ("--env", library, "--critic", "none", "--fault-rate", "0", "--out", "runs/library")
    scores = answer("eval", *words)
    assert (scores["episodes"], scores["passed"], scores["envs"]) == (2, 2, [library])
    assert scores["simulated"] == ["actor", "user"]
    assert "simulated actor, simulated user" in run("score", "runs/library").stdout


def test_faults_of_a_simulated_actor_fail_there(library: str) -> None:
    words = ("--env", library, "--critic", "none", "--fault-rate", "1", "--trials", "4")
    assert answer("eval", *words, "--out", "runs/faulty")["passed"] < 8


def test_its_tasks_are_listed_by_its_import_path(library: str) -> None:
    found = answer("tasks", "list", "--env", library, "--split", "test")
    assert (found["tasks"], found["splits"]) == (["renew", "reserved"], {"test": 2})
    assert found["versions"]["task set"].startswith("library sha256:")


def test_its_file_names_it_too(library: str, tmp_path: Path) -> None:
    assert answer("tasks", "list", "--env", "library_desk.py:LIBRARY")["splits"] == {"test": 2}
    assert "there is no file none.py" in complaint("tasks", "list", "--env", "none.py:LIBRARY")


def test_a_run_of_it_is_resumed(library: str) -> None:
    words = ("--env", library, "--critic", "none", "--out", "runs/library")
    first = answer("eval", *words)
    assert answer("eval", *words)["pass^k"] == first["pass^k"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("library_desk:NOTHING", "is nothing; name a Benchmark of 'library_desk'"),
        ("library_desk:POLICY", "is a str; name a Benchmark"),
        ("no_such_desk:X", "there is no module 'no_such_desk'"),
        ("library_desk:", "write it as MODULE:NAME"),
        ("tau2:retial", "did you mean 'tau2:retail'"),
        ("shopp", "or MODULE:NAME of your own"),
    ],
)
def test_a_path_that_names_no_environment_is_explained(name: str, said: str, library: str) -> None:
    assert said in complaint("eval", "--env", name, "--critic", "none")


def test_a_task_file_is_refused_where_the_environment_has_its_own(library: str) -> None:
    Path("t.jsonl").write_text("{}")
    assert "has its own tasks" in complaint("eval", "--env", library, "--tasks", "t.jsonl")


# --- a desk -------------------------------------------------------------------------------------


@reads
def look(records: Records, key: str) -> object:
    """Look something up."""
    return records["things"][key]


@writes
def put(records: Records, key: str, value: int = 1) -> object:
    """Put something."""
    records["things"][key] = value
    if value < 0:
        raise Refused("it is negative")
    return "Done."


def desk(*cases: DeskTask) -> Desk:
    return Desk("desk", "Be right.", {"things": {"a": 0}}, (look, put), cases)


async def result_of(name: str, **arguments: object) -> ToolResult:
    own = desk(DeskTask("t", "You want a."))
    environment = own.environment(own.tasks("test")[0], Says())
    await environment.start()
    raw = json.dumps(arguments)
    call = ToolCall(id="1", name=name, arguments=json.loads(raw), raw=raw)
    observed = await environment.step(Assistant(calls=(call,)))
    (found,) = observed.messages
    assert isinstance(found, ToolResult)
    return found


def test_annotations_are_the_schema_and_docstrings_the_description() -> None:
    spec = put.spec
    assert (spec.name, spec.effect, spec.description) == ("put", "write", "Put something.")
    assert spec.parameters["required"] == ["key"]
    assert "records" not in json.dumps(spec.parameters)


async def test_what_a_tool_cannot_do_is_a_result_and_changes_nothing() -> None:
    assert (await result_of("put", key="a", value=-1)).text == "Error: it is negative"
    assert "value" in (await result_of("put", key="a", value="many")).text
    assert "no tool 'drop'" in (await result_of("drop")).text
    assert (await result_of("put", key="a", value=2)).text == "Done."


async def test_episodes_and_forks_share_no_records() -> None:
    own = desk(DeskTask("t", "You want a.", solution=[("put", {"key": "a"})]))
    environment = own.environment(own.tasks("test")[0], Says())
    await environment.start()
    fork = environment.snapshot().fork()
    call = ToolCall(id="1", name="put", arguments={"key": "a"}, raw="")
    await fork.step(Assistant(calls=(call,)))
    assert (await fork.outcome()).native["db_match"] is True
    assert (await environment.outcome()).native["db_match"] is False
    assert own.records == {"things": {"a": 0}}


def test_a_solution_that_cannot_be_run_is_found_when_the_desk_is_made() -> None:
    with pytest.raises(ConfigError, match=r"task 't': the solution's put fails: .*negative"):
        desk(DeskTask("t", "x", solution=[("put", {"key": "a", "value": -1})]))
    with pytest.raises(ConfigError, match="2 tasks have the id 't'"):
        desk(DeskTask("t", "x"), DeskTask("t", "y"))


def test_built_in_names_are_never_taken_for_modules() -> None:
    with pytest.raises(ConfigError, match="unknown environment 'tau:retial'"):
        benchmark_for("tau:retial")
