"""τ²-bench: domains, tasks and tools from its own package, played and graded here.

Databases are parsed once and shared; an episode copies only what it touches. Everything
that belongs to a task alone (its initial state, the state its reference leads to) is
computed at its first episode and cached.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from sidecritic.envs.base import Conversation, Script, Transcript
from sidecritic.envs.customer_index import Customer, Customers
from sidecritic.envs.tau2.grading import MAX_ERRORS, Grader, inspect, outcome, termination_of
from sidecritic.envs.tau2.messages import respond
from sidecritic.envs.tau2.official_grading import inspect_officially
from sidecritic.envs.tau2.package import DOMAINS, Domain, data_folder, load_domain, package_version
from sidecritic.envs.tau2.prepared_task import Criteria, PreparedTask
from sidecritic.envs.tau2.states import State, state_over
from sidecritic.envs.tau2.tasks import TaskSet, check_task, packaged_tasks, tasks_from
from sidecritic.errors import ConfigError
from sidecritic.ports import Environment, Model
from sidecritic.types import Assistant, Outcome, Task, ToolCall, ToolResult, UserCall

GraderName = Literal["ours", "official"]

GREETING = "Hi! How can I help you today?"
"""What the benchmark has the agent say first."""

STOP = ("###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###")


class Tau2World:
    """A domain's databases and tools in the state of one episode."""

    def __init__(self, case: PreparedTask, state: State, *, grader: GraderName = "ours") -> None:
        self._case = case
        self.state = state
        self._grader: GraderName = grader
        self.policy = case.domain.pristine.policy
        self.tools = case.domain.tools
        self.user_tools = case.domain.user_tools

    def execute(self, call: ToolCall) -> ToolResult:
        return respond(self._case.domain, self.state, call)

    def execute_for_user(self, call: ToolCall) -> ToolResult:
        return respond(self._case.domain, self.state, call, requestor="user")

    def fork(self) -> "Tau2World":
        return Tau2World(self._case, self.state.fork(), grader=self._grader)

    def grade(self, transcript: Transcript, *, stopped: bool) -> Outcome:
        termination = termination_of(transcript, stopped=stopped)
        findings = _GRADERS[self._grader](self._case, self.state, transcript)
        return outcome(
            self._case, findings, transcript, termination=termination, grader=self._grader
        )


class Tau2:
    """One domain of τ²-bench, with the package's tasks or those of another file."""

    def __init__(
        self, domain: str, *, tasks_file: Path | None = None, grader: GraderName = "ours"
    ) -> None:
        if domain not in DOMAINS:
            raise ConfigError(f"unknown τ² domain {domain!r}; known: {', '.join(DOMAINS)}")
        self._domain_name = domain
        self._tasks_file = tasks_file
        self._grader: GraderName = grader
        self._cases: dict[str, PreparedTask] = {}

    @property
    def name(self) -> str:
        return f"tau2:{self._domain_name}"

    @property
    def versions(self) -> dict[str, str]:
        versions = {
            "package": package_version(),
            "task set": self._task_set.name,
            "grader": self._grader,
        }
        unjudged = sum(bool(Criteria.of(data).not_graded) for data in self._task_set.tasks.values())
        if unjudged:
            versions["not graded"] = f"NL_ASSERTION, in {unjudged} tasks"
        return versions

    def splits(self) -> dict[str, int]:
        return self._task_set.sizes()

    def tasks(self, split: str) -> tuple[Task, ...]:
        return tuple(
            Task(id=str(data["id"]), env=self.name, split=split, data=data)
            for data in self._task_set.split(split)
        )

    def environment(self, task: Task, user: Model) -> Environment:
        case = self.case(task)
        scenario = case.domain.task_classes.UserScenario.model_validate(case.data["user_scenario"])
        opening = tuple(entry for entry in case.history if not isinstance(entry, UserCall))
        script = Script(
            scenario=f"{case.domain.guidelines}\n\n<scenario>\n{scenario}\n</scenario>",
            opening=opening or (Assistant(text=GREETING),),
            stop=STOP,
            max_errors=MAX_ERRORS,
        )
        return Conversation(self.world(task), user, script)

    def world(self, task: Task) -> Tau2World:
        """Return the world of a fresh episode, without a user."""
        case = self.case(task)
        return Tau2World(case, case.start.fork(), grader=self._grader)

    def case(self, task: Task) -> PreparedTask:
        """Return what all episodes of a task share."""
        case = self._cases.get(task.id)
        # Recorded runs carry tasks as they were then, under the ids of those of today.
        if case is None or (case.data is not task.data and case.data != task.data):
            case = self._cases[task.id] = PreparedTask(self._domain, self._origin, task.data)
        return case

    def check(self, task: Task, where: str) -> None:
        """Check a task that comes from `where`.

        Raises:
            ConfigError: it could not be played or graded.
        """
        check_task(task.data, self._domain, where)

    def users_of(self, task: Task) -> frozenset[str]:
        """Return whom a task is about; empty in telecom, whose tasks all have one customer."""
        return self._customers.named_in(task.data)

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """The tables of the domain's database as plain JSON, by name and id; empty in telecom."""
        tables = self._domain.pristine.tools.db.model_dump(mode="json")
        plain = all(isinstance(table, dict) for table in tables.values())
        return cast("dict[str, dict[str, Any]]", tables) if plain else {}

    @cached_property
    def _customers(self) -> Customers:
        return Customers(
            Customer(
                id=user["user_id"],
                name=f"{user['name']['first_name']} {user['name']['last_name']}",
                email=user["email"],
                zip=user["address"]["zip"],
                records=tuple(user.get("orders") or user.get("reservations") or ()),
            )
            for user in self.records.get("users", {}).values()
            if "email" in user
        )

    @cached_property
    def _domain(self) -> Domain:
        return load_domain(self._domain_name)

    @cached_property
    def _origin(self) -> State:
        return state_over(self._domain.pristine)

    @cached_property
    def _task_set(self) -> TaskSet:
        folder = data_folder() / "domains" / self._domain_name
        if self._tasks_file is not None:
            return tasks_from(self._tasks_file, self._domain, fallback=folder)
        return packaged_tasks(folder, version=package_version())


_GRADERS: Mapping[GraderName, Grader] = {"ours": inspect, "official": inspect_officially}
