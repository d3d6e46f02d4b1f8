"""A task made ready to be played: its initial state, and the state its reference leads to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sidecritic.envs.base import Transcript
from sidecritic.envs.record_worlds import ReferenceAction
from sidecritic.envs.tau2.messages import parse, replay
from sidecritic.envs.tau2.package import Domain
from sidecritic.envs.tau2.refused_calls import refusal
from sidecritic.envs.tau2.states import State, over, state_over
from sidecritic.errors import EnvError, boundary

DEFAULT_BASIS = ("DB", "COMMUNICATE")
"""What the benchmark grades where a task names nothing."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a task is graded by; `None` where the task says nothing, as the rules differ."""

    actions: tuple[Mapping[str, Any], ...] | None = None
    assertions: tuple[Mapping[str, Any], ...] | None = None
    communicate: tuple[str, ...] = ()
    nl_assertions: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Criteria":
        """Return the criteria of a task record; empty when it has none."""
        raw = data.get("evaluation_criteria")
        if raw is None:
            return cls()
        actions, assertions = raw.get("actions"), raw.get("env_assertions")
        basis = raw.get("reward_basis")
        return cls(
            actions=None if actions is None else tuple(actions),
            assertions=None if assertions is None else tuple(assertions),
            communicate=tuple(raw.get("communicate_info") or ()),
            nl_assertions=tuple(raw.get("nl_assertions") or ()),
            basis=DEFAULT_BASIS if basis is None else tuple(basis),
        )

    @property
    def not_graded(self) -> tuple[str, ...]:
        """Parts of the reward that need a model as judge, which we do not have."""
        needed = "NL_ASSERTION" in self.basis and bool(self.nl_assertions)
        return ("NL_ASSERTION",) if needed else ()


class Gold(NamedTuple):
    state: State
    reference: tuple[ReferenceAction, ...]


class PreparedTask:
    """A task, its initial state and its reference state; shared by all its episodes."""

    def __init__(self, domain: Domain, origin: State, data: Mapping[str, Any]) -> None:
        self.domain = domain
        self.data = data
        self.criteria = Criteria.of(data)
        self._origin = origin
        self._initial: Mapping[str, Any] = data.get("initial_state") or {}

    @cached_property
    def history(self) -> Transcript:
        """What was said and done before the episode."""
        return parse(self._initial.get("message_history") or ())

    @cached_property
    def start(self) -> State:
        """The state before the first turn; fork it, never run calls on it."""
        state = self.before_history.fork()
        replay(self.domain, state, self.history)
        state.ready(writing=True).sync_tools()
        return state

    @cached_property
    def before_history(self) -> State:
        """The state after the task's initialisation, before any message."""
        with boundary(EnvError, f"initialising task {self.data.get('id')!r}"):
            state = self._initial_state()
            environment = state.ready(writing=True)
            for action in self._initial.get("initialization_actions") or ():
                call = self.domain.task_classes.EnvFunctionCall.model_validate(action)
                environment.run_env_function_call(call)
        return state

    @cached_property
    def gold(self) -> Gold:
        """Where the reference actions lead."""
        state = self.start.fork()
        reference = tuple(self._perform(state, each) for each in self.criteria.actions or ())
        # A fork freezes the records, and canonical texts are kept of frozen records only.
        return Gold(state.fork(), reference)

    def _initial_state(self) -> State:
        updates = self._initial.get("initialization_data")
        if not updates:
            return self._origin.fork()
        pristine = self.domain.pristine
        user_db = None if pristine.user_tools is None else pristine.user_tools.db
        environment = over(pristine, pristine.tools.db, user_db)
        for kit, part in ((environment.tools, "agent_data"), (environment.user_tools, "user_data")):
            if updates.get(part) is not None:
                kit.update_db(updates[part])
        return state_over(environment)

    def _perform(self, state: State, action: Mapping[str, Any]) -> ReferenceAction:
        """Run a reference action as the benchmark does: without synchronising afterwards."""
        requestor = action.get("requestor") or "assistant"
        effect = self.domain.effect(action["name"], requestor)
        environment = state.ready(writing=effect != "read")
        try:
            with boundary(EnvError, "reference action"):
                why = refusal(self.domain, action["name"], action["arguments"])
                if why is not None:
                    raise EnvError(why)
                environment.make_tool_call(
                    tool_name=action["name"], requestor=requestor, **action["arguments"]
                )
            ok = True
        except EnvError:
            ok = False
        return ReferenceAction(action["name"], action["arguments"], requestor, effect, ok)
