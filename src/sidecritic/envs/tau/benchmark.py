"""τ-bench, the original: its tools, data and tasks, played and graded here.

    tau:retail    splits test (115), dev (20) and train (500)
    tau:airline   split test (50)

The user speaks first and hears a greeting that the agent never said; only the first call of a
message runs; the episode ends with the user's `###STOP###` or with a transfer. Graded by the
benchmark's rule, without its side effects: the whole database must be as after the reference on
a fresh load, and each output must occur in something said to the user, in lower case and without
commas. An episode that does not end is worth 0.

The user's guidelines are our own words; a run names its user model and the digest of the tasks.
Source of the rules: the functional description of sierra-research/tau-bench 59a200c.
"""

import json
import pickle
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, cast

from sidecritic.envs.base import Conversation, Script, Transcript
from sidecritic.envs.record_worlds import AgentsWorld, ReferenceAction, graded
from sidecritic.envs.task_files import in_split
from sidecritic.envs.tau.package import DOMAINS, Data, Package, load_package
from sidecritic.errors import ConfigError, EnvError, boundary
from sidecritic.ports import Environment, Model
from sidecritic.simulation.task_record import Action, reference_of
from sidecritic.types import Assistant, Effect, Outcome, Task, ToolCall, ToolResult

VERSION = "sidecritic-tau-1"
CUE = "Hi! How can I help you today?"
STOP = ("###STOP###",)
TERMINAL = frozenset({"transfer_to_human_agents"})
_FAILURES = ("Error", "Unknown action")

GUIDELINES = """\
You are a customer who talks to a service agent in a chat. Play the person below.

- Write one message at a time, as that person would, and only what fits the situation.
- Do not tell everything at once: tell what is needed at each step.
- Make nothing up that the instruction does not say; if you are asked for something that it does \
not hold, say that you do not remember or do not have it.
- Use your own words instead of repeating the instruction, and keep to its personality.
- When the goal of the instruction is reached, write ###STOP### and nothing else."""


class _Gold(NamedTuple):
    """What the reference of a task comes to."""

    digest: str
    actions: tuple[ReferenceAction, ...]


class TauWorld(AgentsWorld):
    """The database of one episode, copied when the first tool runs."""

    def __init__(
        self, domain: "_Domain", gold: _Gold, task: Task, made: Sequence[ToolCall] = ()
    ) -> None:
        super().__init__(domain.package.wiki, domain.package.specs)
        self._domain = domain
        self._gold = gold
        self._task = task
        self._made = list(made)
        self._data: Data | None = None

    def execute(self, call: ToolCall) -> ToolResult:
        text = self._domain.run(self._state(), call.name, call.arguments)
        self._made.append(call)
        failed = text.startswith(_FAILURES)
        return ToolResult(call_id=call.id, name=call.name, text=text, is_error=failed)

    def fork(self) -> "TauWorld":
        # The twin runs the calls again if it ever needs the database: most forks never do.
        return TauWorld(self._domain, self._gold, self._task, self._made)

    def grade(self, transcript: Transcript, *, stopped: bool) -> Outcome:
        reference = reference_of(self._task)
        said = [
            entry.text.lower().replace(",", "")
            for entry in transcript
            if isinstance(entry, Assistant) and not entry.calls
        ]
        wanted = dict.fromkeys(reference.communicate)
        return graded(
            "tau-bench",
            termination="done" if stopped else "max_steps",
            stopped=stopped,
            db_match=digest_of(self._state()) == self._gold.digest,
            reference=self._gold.actions,
            told=[(info, any(info.lower() in text for text in said)) for info in wanted],
        )

    def _state(self) -> Data:
        if self._data is None:
            self._data = self._domain.fresh()
            for call in self._made:
                self._domain.run(self._data, call.name, call.arguments)
        return self._data


class _Domain:
    """A domain with its database parsed once."""

    def __init__(self, package: Package) -> None:
        self.package = package
        with boundary(ConfigError, f"the data of τ-bench {package.domain} cannot be read"):
            self._pristine = pickle.dumps(package.load_data(), protocol=5)

    def fresh(self) -> Data:
        """Return a fresh database, three times as fast as parsing it again."""
        return cast("Data", pickle.loads(self._pristine))  # made just above, by ourselves

    def run(self, data: Data, name: str, arguments: Mapping[str, Any] | None) -> str:
        """Return what a tool says; what it raises is text, as in the benchmark."""
        tool = self.package.tools.get(name)
        if tool is None:
            return f"Unknown action {name}"
        if arguments is None:
            return "Error: the arguments are not a JSON object"
        try:
            with boundary(EnvError, name):
                return str(tool.invoke(data=data, **arguments))
        except EnvError as error:
            return f"Error: {error.__cause__}"

    def gold(self, task: Task) -> _Gold:
        """Replay the reference on a fresh database; a transfer ends an episode and is left out."""
        data = self.fresh()
        actions = [a for a in reference_of(task).actions if a.name not in TERMINAL]
        recorded = tuple(self._replayed(data, action) for action in actions)
        return _Gold(digest_of(data), recorded)

    def _replayed(self, data: Data, action: Action) -> ReferenceAction:
        ok = not self.run(data, action.name, action.arguments).startswith(_FAILURES)
        effects: dict[str, Effect] = {spec.name: spec.effect for spec in self.package.specs}
        effect = effects.get(action.name, "unknown")
        return ReferenceAction(action.name, dict(action.arguments), "assistant", effect, ok)


def digest_of(data: Data) -> str:
    """Return the digest of a whole database, whatever the order of its keys and sets.

    By text, so that 1 and 1.0 differ, as they do for the benchmark.
    """
    return sha256(json.dumps(data, sort_keys=True, default=sorted).encode()).hexdigest()


class TauConversation(Conversation):
    """A conversation whose agent is told the policy and nothing else, as in the benchmark."""

    @property
    def system(self) -> str:
        return self.policy


class Tau:
    """One domain of the original τ-bench."""

    def __init__(self, domain: str, *, checkout: Path | None = None) -> None:
        if domain not in DOMAINS:
            raise ConfigError(f"unknown τ-bench domain {domain!r}; known: {', '.join(DOMAINS)}")
        self._name = domain
        self._checkout = checkout
        self._golds: dict[str, _Gold] = {}

    @property
    def name(self) -> str:
        return f"tau:{self._name}"

    @property
    def versions(self) -> dict[str, str]:
        return {
            "task set": f"tau-bench {self._name}, sha256 {self._domain.package.digest[:16]}",
            "grader": VERSION,
        }

    def splits(self) -> dict[str, int]:
        return {split: len(tasks) for split, tasks in self._domain.package.tasks.items()}

    def tasks(self, split: str) -> tuple[Task, ...]:
        return tuple(
            Task(id=f"{split}-{data['id']}", env=self.name, split=split, data=dict(data))
            for data in in_split(split, self._domain.package.tasks, self.name)
        )

    def environment(self, task: Task, user: Model) -> Environment:
        script = Script(
            scenario=f"{GUIDELINES}\n\n<instruction>\n{task.data['instruction']}\n</instruction>",
            opening=(),
            stop=STOP,
            cue=CUE,
            terminal=TERMINAL,
            one_call=True,
            max_errors=10_000,
        )
        return TauConversation(self.world(task), user, script)

    def users_of(self, task: Task) -> frozenset[str]:
        user = task.data.get("user_id")
        return frozenset({user} if isinstance(user, str) else ())

    def world(self, task: Task) -> TauWorld:
        """Return the world of a fresh episode, without a user."""
        if task.id not in self._golds:
            self._golds[task.id] = self._domain.gold(task)
        return TauWorld(self._domain, self._golds[task.id], task)

    @cached_property
    def _domain(self) -> _Domain:
        return _Domain(load_package(self._name, self._checkout))
