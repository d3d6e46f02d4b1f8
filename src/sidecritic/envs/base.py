"""A conversation between an actor, a user and a set of tools.

A benchmark brings a `World`, which is records and tools, and the words that open the
conversation. `Conversation` adds the user, and is the `Environment` that episodes are played in.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from pydantic import JsonValue

from sidecritic.errors import EnvError, ModelError, UserError, boundary
from sidecritic.ports import Environment, Model, Snapshot
from sidecritic.types import (
    Assistant,
    Completion,
    Message,
    Observation,
    Outcome,
    ReadOnlyTools,
    Record,
    Request,
    System,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    User,
    UserCall,
)

Transcript = Sequence[Message | UserCall]


class World(Protocol):
    """Records and the tools that read and change them."""

    @property
    def policy(self) -> str: ...

    @property
    def tools(self) -> tuple[ToolSpec, ...]: ...

    @property
    def user_tools(self) -> tuple[ToolSpec, ...]:
        """Tools of the user; empty in most domains."""
        ...

    def execute(self, call: ToolCall) -> ToolResult:
        """Run a call of the actor; what the tool refuses is an error result, not an exception."""
        ...

    def execute_for_user(self, call: ToolCall) -> ToolResult:
        """Run a call of the user."""
        ...

    def fork(self) -> "World":
        """Return an independent copy, in microseconds: neither sees the other's later writes."""
        ...

    def grade(self, transcript: Transcript, *, stopped: bool) -> Outcome:
        """Grade the world as it stands; `stopped` says that the user ended the conversation."""
        ...


class Script(Record):
    """The words around a task that the benchmark fixes."""

    scenario: str
    """System prompt of the user: guidelines and the task's scenario."""
    opening: tuple[Message, ...]
    """What is on record before the first turn; a greeting, or an earlier conversation."""
    stop: tuple[str, ...]
    """A user message that contains one of these ends the conversation."""
    max_errors: int = 10
    """Tool errors, of both sides, after which the episode is over."""
    cue: str = ""
    """What the user hears before its first words, without the actor having said it."""
    terminal: frozenset[str] = frozenset()
    """Tools of the actor that end the conversation, as the user can."""
    one_call: bool = False
    """Whether only the first call of a message runs."""


_NOT_RUN = "not executed, only the first call of a message is; repeat it if it is needed"

MAX_USER_CALLS = 30
"""Calls in a row that a user may make before it must speak."""


class Conversation:
    """An `Environment` around a `World` and a user."""

    def __init__(
        self,
        world: World,
        user: Model,
        script: Script,
    ) -> None:
        self._world = world
        self._user = user
        self._script = script
        self._transcript: list[Message | UserCall] = []
        self._stopped = False
        self._errors = 0
        self.policy = world.policy
        self.tools = world.tools

    async def start(self) -> Observation:
        opening = self._script.opening
        self._transcript.extend(opening)
        if opening and isinstance(opening[-1], User | ToolResult):
            return Observation(messages=opening)
        answer = await self._user_turn()
        return answer.model_copy(update={"messages": (*opening, *answer.messages)})

    async def step(self, action: Assistant) -> Observation:
        if not action.calls and not action.text.strip():
            raise EnvError("the action is empty: it has neither text nor tool calls")
        self._transcript.append(action)
        if not action.calls:
            return await self._user_turn()
        started = perf_counter()
        made = action.calls[:1] if self._script.one_call else action.calls
        with boundary(EnvError, "executing a tool call"):
            results = tuple(self._world.execute(call) for call in made)
        self._errors += sum(result.is_error for result in results)
        self._stopped = any(call.name in self._script.terminal for call in made)
        results += tuple(failure(call, _NOT_RUN) for call in action.calls[len(made) :])
        self._transcript.extend(results)
        return Observation(
            messages=results,
            done=self._stopped or self._too_many_errors,
            seconds=perf_counter() - started,
        )

    async def outcome(self) -> Outcome:
        with boundary(EnvError, "grading"):
            return self._world.grade(tuple(self._transcript), stopped=self._stopped)

    def snapshot(self) -> Snapshot:
        frozen = self._copy()
        return Frozen(frozen._copy, lambda budget: Look(frozen._world.fork(), budget))

    async def close(self) -> None:
        """Nothing to release: a world lives in memory."""

    @property
    def _too_many_errors(self) -> bool:
        return self._errors >= self._script.max_errors

    def _copy(self, user: Model | None = None) -> "Conversation":
        twin = copy(self)
        twin._world, twin._user = self._world.fork(), user or self._user
        twin._transcript = [*self._transcript]
        return twin

    async def _user_turn(self) -> Observation:
        """Let the user act until it speaks."""
        backstage: list[UserCall] = []
        usage = Usage()
        started = perf_counter()
        for _ in range(MAX_USER_CALLS):
            said = await self._ask_user()
            usage += said.usage
            if not said.message.calls:
                answer = User(text=said.message.text)
                self._transcript.append(answer)
                self._stopped = any(token in answer.text for token in self._script.stop)
                return Observation(
                    messages=(answer,),
                    backstage=tuple(backstage),
                    done=self._stopped or self._too_many_errors,
                    usage=usage,
                    seconds=perf_counter() - started,
                )
            with boundary(EnvError, "executing a tool call of the user"):
                made = [
                    UserCall(call=call, result=self._world.execute_for_user(call))
                    for call in said.message.calls
                ]
            self._errors += sum(call.result.is_error for call in made)
            backstage.extend(made)
            self._transcript.extend(made)
        raise UserError(f"the user made {MAX_USER_CALLS} calls in a row without a word")

    async def _ask_user(self) -> Completion:
        cue = (User(text=self._script.cue),) if self._script.cue else ()
        request = Request(
            messages=(System(text=self._script.scenario), *cue, *user_view(self._transcript)),
            tools=self._world.user_tools,
        )
        try:
            completion = await self._user.complete(request)
        except ModelError as cause:
            raise UserError(f"user {self._user.name!r}: {cause}") from cause
        if not completion.message.calls and not completion.message.text.strip():
            raise UserError(f"user {self._user.name!r} answered with an empty message")
        return completion


@dataclass(frozen=True, slots=True)
class Frozen:
    """An episode that is never continued; only copies of it are."""

    copy: Callable[[Model | None], Environment]
    looking: Callable[[int], ReadOnlyTools]

    def fork(self, user: Model | None = None) -> Environment:
        return self.copy(user)

    def look(self, budget: int) -> ReadOnlyTools:
        return self.looking(budget)


class Look:
    """READ tools of a world, for a critic: budgeted, outside the trajectory."""

    def __init__(self, world: World, budget: int) -> None:
        self._world = world
        self._left = budget
        self._readable = {tool.name for tool in world.tools if tool.effect == "read"}

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        call = ToolCall(id="look", name=name, arguments=arguments, raw="")
        if name not in self._readable:
            return failure(call, f"{name!r} is not a tool that only reads")
        if self._left <= 0:
            return failure(call, "the budget of look-ups is used up")
        self._left -= 1
        try:
            with boundary(EnvError, f"looking up {name!r}"):
                return self._world.execute(call)
        except EnvError as error:
            return failure(call, str(error))


def failure(call: ToolCall, why: str) -> ToolResult:
    """Return the result of a call that was not run."""
    return ToolResult(call_id=call.id, name=call.name, text=f"Error: {why}", is_error=True)


def user_view(transcript: Transcript) -> tuple[Message, ...]:
    """Return the chat as the user sees it: roles flipped, without the agent's tools."""
    chat: list[Message] = []
    for entry in transcript:
        match entry:
            case Assistant(text=text, calls=()) if text:
                chat.append(User(text=text))
            case User(text=text):
                chat.append(Assistant(text=text))
            case UserCall(call=call, result=result):
                chat.extend((Assistant(calls=(call,)), result))
            case _:
                pass
    return tuple(chat)
