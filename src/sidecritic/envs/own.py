"""An environment of your own: records, tools as functions, and tasks.

`Desk` is a `Benchmark`: `eval --env MODULE:NAME` plays it. An episode has a copy of the records;
it is graded by the records that it leaves, against those that the task's solution leaves, and by
what the user was told.
"""

import inspect
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from sidecritic.envs.base import Conversation, Script, Transcript
from sidecritic.envs.record_worlds import RecordWorld, Refused, graded
from sidecritic.envs.task_files import in_split
from sidecritic.errors import ConfigError
from sidecritic.ports import Environment, Model
from sidecritic.simulation.scripted_user import STOP, TRANSFER
from sidecritic.simulation.task_record import reference_of, scenario_of
from sidecritic.types import (
    Assistant,
    Effect,
    JsonValue,
    Outcome,
    Task,
    ToolCall,
    ToolSpec,
)

Records = dict[str, Any]
"""Tables by name, as JSON; the first parameter of every tool."""


@dataclass(frozen=True, slots=True)
class DeskTool:
    """A function as a tool: its docstring describes it, its annotations are its schema."""

    function: Callable[..., object]
    effect: Effect
    asks: type[BaseModel]

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def spec(self) -> ToolSpec:
        described, schema = inspect.getdoc(self.function) or "", self.asks.model_json_schema()
        return ToolSpec(
            name=self.name, description=described, parameters=schema, effect=self.effect
        )


def reads(function: Callable[..., object]) -> DeskTool:
    """Make a tool of a function that changes nothing; its first parameter is the records."""
    return _tool(function, "read")


def writes(function: Callable[..., object]) -> DeskTool:
    """Make a tool of a function that changes records; its first parameter is the records."""
    return _tool(function, "write")


def _tool(function: Callable[..., object], effect: Effect) -> DeskTool:
    signature = inspect.signature(function, eval_str=True)
    _, *asked = signature.parameters.values()
    fields: dict[str, Any] = {
        each.name: (
            Any if each.annotation is each.empty else each.annotation,
            ... if each.default is each.empty else each.default,
        )
        for each in asked
    }
    config = ConfigDict(extra="forbid")
    return DeskTool(function, effect, create_model(function.__name__, __config__=config, **fields))


@dataclass(frozen=True, slots=True)
class DeskTask:
    """What a user wants, and what should have been done in the end."""

    id: str
    wants: str
    """What the user comes with, in the first person or as instructions."""
    knows: str = ""
    """What the user can say when asked, such as a name and a date of birth."""
    solution: Sequence[tuple[str, Mapping[str, JsonValue]]] = ()
    """Calls of tools, in order; no write where the request must be refused."""
    told: Sequence[str] = ()
    """Texts that the user must be told."""
    split: str = "test"

    def task(self, env: str) -> Task:
        data = {
            "id": self.id,
            "user_scenario": {
                "instructions": {"reason_for_call": self.wants, "known_info": self.knows}
            },
            "evaluation_criteria": {
                "actions": [
                    {"name": name, "arguments": dict(given)} for name, given in self.solution
                ],
                "communicate_info": list(self.told),
            },
        }
        return Task.model_validate({"id": self.id, "env": env, "split": self.split, "data": data})


_GUIDELINES = """\
You are a customer, in a chat with a service desk. Write one message at a time and follow your
instructions. Do not make anything up. When everything is settled, write {stop}; when you are being
transferred to a person, write {transfer}."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A service desk: policy, records, tools and tasks."""

    name: str
    policy: str
    records: Records
    tools: Sequence[DeskTool]
    cases: Sequence[DeskTask]
    greeting: str = "Hello, how can I help you?"
    _specs: tuple[ToolSpec, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Check that the tasks can be played and graded.

        Raises:
            ConfigError: a solution cannot be run, or two tasks have one id.
        """
        object.__setattr__(self, "_specs", tuple(tool.spec for tool in self.tools))
        (most, number), *_ = Counter(case.id for case in self.cases).most_common(1) or [("", 0)]
        if number > 1:
            raise ConfigError(
                f"{self.name}: {number} tasks have the id {most!r}; give each its own"
            )
        for case in self.cases:
            self._check(case)

    def _check(self, case: DeskTask) -> None:
        world = _World(self, case.task(self.name))
        for name, given in case.solution:
            call = ToolCall(id="", name=name, arguments=dict(given), raw="")
            if (result := world.execute(call)).is_error:
                raise ConfigError(
                    f"{self.name}, task {case.id!r}: the solution's {name} fails: {result.text}"
                )

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as the actor is told about them."""
        return self._specs

    @property
    def versions(self) -> dict[str, str]:
        known = [self.policy, self.records, [each.task(self.name).data for each in self.cases]]
        digest = sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:12]
        return {"task set": f"{self.name} sha256:{digest}", "grader": "records"}

    def splits(self) -> dict[str, int]:
        return dict(Counter(case.split for case in self.cases))

    def tasks(self, split: str) -> tuple[Task, ...]:
        in_split(split, self.splits(), self.name)
        return tuple(case.task(self.name) for case in self.cases if case.split == split)

    def environment(self, task: Task, user: Model) -> Environment:
        guidelines = _GUIDELINES.format(stop=STOP, transfer=TRANSFER)
        script = Script(
            scenario=f"{guidelines}\n\n<scenario>\n{scenario_of(task).text}\n</scenario>",
            opening=(Assistant(text=self.greeting),),
            stop=(STOP, TRANSFER),
        )
        return Conversation(_World(self, task), user, script)


class _World(RecordWorld):
    """The desk in one episode: its own copy of the records."""

    def __init__(self, desk: Desk, task: Task, records: Records | None = None) -> None:
        super().__init__(desk.policy, desk.specs)
        self._desk, self._task = desk, task
        self._records: Records = deepcopy(desk.records if records is None else records)

    def fork(self) -> "_World":
        return _World(self._desk, self._task, self._records)

    def grade(self, transcript: Transcript, *, stopped: bool) -> Outcome:
        reference, gold = reference_of(self._task), _World(self._desk, self._task)
        performed = [gold.perform(action) for action in reference.actions]
        said = [entry.text for entry in transcript if isinstance(entry, Assistant)]
        return graded(
            self._desk.name,
            termination="user_stop" if stopped else "max_steps",
            stopped=stopped,
            db_match=self._records == gold._records,
            reference=performed,
            told=[(info, any(info in text for text in said)) for info in reference.communicate],
        )

    def answered(self, call: ToolCall) -> Any:
        tool = next(each for each in self._desk.tools if each.name == call.name)
        asked = tool.asks.model_validate(call.arguments)
        given = {name: getattr(asked, name) for name in type(asked).model_fields}
        before = deepcopy(self._records)
        try:
            return tool.function(self._records, **given)
        except Refused:
            self._records = before
            raise
