"""A town's desk: six kinds of writes, each with conditions that must be looked up before it.

Synthetic: records and tasks are generated, and an executable policy labels every write. Nothing
else knows the domain but its policy text and its tools: there is no pack for it.
"""

from collections.abc import Mapping
from typing import Any

from sidecritic.envs.base import Conversation, Script, Transcript
from sidecritic.envs.customer_index import Customer, Customers
from sidecritic.envs.procedures.data import POLICY, TABLES, TASKS, VERSION
from sidecritic.envs.procedures.records import Records, Row
from sidecritic.envs.procedures.rules import RULES, LabelledWrite, LookUp, labelled
from sidecritic.envs.procedures.tools import SPECS, TOOLS, answer_to
from sidecritic.envs.record_worlds import RecordWorld, graded
from sidecritic.envs.task_files import in_split
from sidecritic.ports import Environment, Model
from sidecritic.simulation.task_record import reference_of, scenario_of
from sidecritic.types import Assistant, Outcome, Task, ToolCall

NAME = "procedures"
GREETING = "Hello, this is the service desk of the town. What can I do for you?"
STOP = ("###STOP###",)
GUIDELINES = """\
You are a resident of a town, in a chat with its service desk. Write one message at a time and
follow your instructions. Do not make anything up. When everything is settled, or the desk has
told you that it cannot be done, write ###STOP###."""


class TownDesk(RecordWorld):
    """The desk in one episode: its records, the look-ups made, and the writes with their labels."""

    def __init__(self, task: Task, records: Records | None = None) -> None:
        super().__init__(POLICY, SPECS)
        self._task = task
        self._records = records or Records(TABLES)
        self._looked: frozenset[LookUp] = frozenset()
        self._writes: tuple[LabelledWrite, ...] = ()

    def fork(self) -> "TownDesk":
        twin = TownDesk(self._task, self._records.fork())
        twin._looked, twin._writes = self._looked, self._writes
        return twin

    def grade(self, transcript: Transcript, *, stopped: bool) -> Outcome:
        """Grade by the records; `native["writes"]` has the label of every write."""
        gold = TownDesk(self._task)
        reference = [gold.perform(action) for action in reference_of(self._task).actions]
        outcome = graded(
            NAME,
            termination="user_stop" if stopped else "max_steps",
            stopped=stopped,
            db_match=self._records.same_as(gold._records),
            reference=reference,
            told=(),
        )
        writes = [write.model_dump(mode="json") for write in self._writes]
        return outcome.model_copy(update={"native": {**outcome.native, "writes": writes}})

    def answered(self, call: ToolCall) -> Any:
        name = call.name
        asked = TOOLS[name].asks.model_validate(call.arguments or {}).model_dump()
        if name in RULES:
            said = labelled(name, asked, self._records, self._looked, call_id=call.id)
            answer = answer_to(name, asked, self._records)
            self._writes += (said,)
            return answer
        answer = answer_to(name, asked, self._records)
        (id,) = asked.values()
        self._looked |= {(name, str(id))}
        return answer


class Procedures:
    """The benchmark `procedures`."""

    name = NAME

    @property
    def versions(self) -> dict[str, str]:
        return {"task set": VERSION, "grader": VERSION}

    def splits(self) -> dict[str, int]:
        return {split: len(tasks) for split, tasks in TASKS.items()}

    def tasks(self, split: str) -> tuple[Task, ...]:
        return tuple(
            Task(id=data["id"], env=self.name, split=split, data=data)
            for data in in_split(split, TASKS, self.name)
        )

    @property
    def records(self) -> Mapping[str, Mapping[str, Row]]:
        """All tables as they are before an episode."""
        return TABLES

    def users_of(self, task: Task) -> frozenset[str]:
        residents = TABLES["residents"].values()
        return Customers(
            Customer(row["resident_id"], row["name"], row["email"]) for row in residents
        ).named_in(task.data)

    def environment(self, task: Task, user: Model) -> Environment:
        scenario = scenario_of(task)
        script = Script(
            scenario=f"{GUIDELINES}\n\n<scenario>\n{scenario.text}\n</scenario>",
            opening=(Assistant(text=GREETING),),
            stop=STOP,
        )
        return Conversation(TownDesk(task), user, script)
