"""Small parties for tests of the spine: an echo world, and actors and critics made of functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sidecritic.envs.base import Conversation, Script, Transcript
from sidecritic.errors import CriticError
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Judgement,
    Outcome,
    Proposal,
    Request,
    ToolCall,
    ToolResult,
    ToolSpec,
    UserCall,
    Verdict,
)

READ = ToolSpec(name="get", description="Return a record.", effect="read")
WRITE = ToolSpec(name="put", description="Change a record.", effect="write")
TRANSFER = ToolSpec(name="transfer_to_human_agents", effect="read")
TOOLS = (READ, WRITE, TRANSFER)


def call(name: str = "put", id: str = "c1", **arguments: str | int) -> ToolCall:
    return ToolCall(id=id, name=name, arguments={**arguments}, raw="{}")


def calling(*calls: ToolCall) -> Assistant:
    return Assistant(calls=calls)


@dataclass
class Acts:
    """An actor that does the given things in order, then says goodbye."""

    actions: Sequence[Assistant]
    requests: list[Request] = field(default_factory=list[Request])
    name: str = "acts"
    simulated: bool = True

    async def complete(self, request: Request) -> Completion:
        at = len(self.requests)
        self.requests.append(request)
        message = self.actions[at] if at < len(self.actions) else Assistant(text="That is all.")
        return Completion(message=message, finish="stop", model=self.name)


@dataclass
class Says:
    """A user that says the given things in order, then stops."""

    lines: Sequence[str] = ("Please help me.",)
    name: str = "says"
    simulated: bool = True

    async def complete(self, request: Request) -> Completion:
        spoken = sum(isinstance(m, Assistant) for m in request.messages)
        text = self.lines[spoken] if spoken < len(self.lines) else "Thanks. ###STOP###"
        return Completion(message=Assistant(text=text), finish="stop", model=self.name)


@dataclass
class Judges:
    """A critic that gives the verdicts in order, then approves."""

    verdicts: Sequence[Verdict | None]
    """`None` raises."""
    seen: list[Proposal] = field(default_factory=list[Proposal])
    name: str = "judges"

    async def judge(self, proposal: Proposal) -> Judgement:
        at = len(self.seen)
        self.seen.append(proposal)
        verdict = self.verdicts[at] if at < len(self.verdicts) else Approve()
        if verdict is None:
            raise CriticError("no verdict, as asked")
        return Judgement(verdict=verdict, critic=self.name)


@dataclass
class EchoWorld:
    """A world that remembers which calls it received."""

    policy: str = "Be right the first time."
    tools: tuple[ToolSpec, ...] = TOOLS
    user_tools: tuple[ToolSpec, ...] = ()
    received: list[ToolCall] = field(default_factory=list[ToolCall])
    on_call: Callable[[ToolCall], None] | None = None

    def execute(self, call: ToolCall) -> ToolResult:
        if self.on_call:
            self.on_call(call)
        self.received.append(call)
        known = call.name in {tool.name for tool in self.tools}
        text = "ok" if known else f"Error: Tool '{call.name}' not found."
        return ToolResult(call_id=call.id, name=call.name, text=text, is_error=not known)

    def execute_for_user(self, call: ToolCall) -> ToolResult:
        return self.execute(call)

    def fork(self) -> "EchoWorld":
        return EchoWorld(self.policy, self.tools, self.user_tools, list(self.received))

    def grade(self, transcript: Transcript, *, stopped: bool) -> Outcome:
        said = [entry for entry in transcript if not isinstance(entry, UserCall)]
        return Outcome(
            reward=float(stopped),
            passed=stopped,
            native={"messages": len(said), "writes": [c.name for c in self.received]},
        )


def conversation(
    world: EchoWorld | None = None, lines: Sequence[str] = ("Please help me.",)
) -> Conversation:
    script = Script(
        scenario="You are a customer.",
        opening=(Assistant(text="Hi! How can I help you today?"),),
        stop=("###STOP###",),
        max_errors=1000,
    )
    return Conversation(world or EchoWorld(), Says(lines), script)
