"""The vocabulary: what crosses every boundary.

Everything here is an immutable record that round-trips through JSON. The module
imports nothing from this package, so that every other one may import it.
"""

from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

# The slots of a model, set directly: `object.__setattr__` looks each of them up again by name.
_put_fields, _put_names, _put_extra, _put_private = (
    BaseModel.__dict__[slot].__set__
    for slot in (
        "__dict__",
        "__pydantic_fields_set__",
        "__pydantic_extra__",
        "__pydantic_private__",
    )
)


class Record(BaseModel):
    """Base of everything that is persisted: immutable, no unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        # Validators are built at first use, a quarter of the import time; a default that is
        # an instance would build them at import after all.
        defer_build=True,
    )

    @classmethod
    def of_parts(cls, **fields: Any) -> Self:
        """Return a record of values that are valid records already, all of them given.

        Twenty times as fast as validating them again, which for a long chat in every turn costs
        more than everything else together.
        """
        if len(fields) != len(cls.__pydantic_fields__):
            raise TypeError(f"{cls.__name__}: give every field: {', '.join(cls.model_fields)}")
        made = object.__new__(cls)
        _put_fields(made, fields)
        _put_names(made, set(fields))
        _put_extra(made, None)
        _put_private(made, None)
        return made


# --- tools and messages ------------------------------------------------------------------

Effect = Literal["read", "write", "hand_over", "unknown"]


class ToolSpec(Record):
    """A tool as the actor is told about it."""

    name: str
    description: str = ""
    parameters: dict[str, JsonValue] = {}
    """JSON schema of the arguments, an object schema."""
    effect: Effect = "unknown"
    """Whether a call changes records; `unknown` is treated as a write by every gate."""


class ToolCall(Record):
    """One call, as the model wrote it."""

    id: str
    name: str
    arguments: dict[str, JsonValue] | None
    """Parsed arguments; `None` when `raw` is not a JSON object."""
    raw: str
    """The argument text exactly as the model wrote it."""


class System(Record):
    role: Literal["system"] = "system"
    text: str


class User(Record):
    role: Literal["user"] = "user"
    text: str


class Assistant(Record):
    """What an actor says, calls, or both: the unit that is proposed, judged and executed."""

    role: Literal["assistant"] = "assistant"
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    """Reasoning text that the provider exposed; never shown to the user or a critic."""


class ToolResult(Record):
    role: Literal["tool"] = "tool"
    call_id: str
    name: str
    text: str
    is_error: bool = False


Message = Annotated[System | User | Assistant | ToolResult, Field(discriminator="role")]


class UserCall(Record):
    """A call that the *user* made with a tool of their own, and its result.

    τ² telecom users operate their own phone. Such calls change the environment and
    are graded, but neither actor nor critic sees them.
    """

    role: Literal["user_call"] = "user_call"
    call: ToolCall
    result: ToolResult


# --- talking to a model ------------------------------------------------------------------


class Usage(Record):
    """Tokens and money of one or more model calls."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """The part of `input_tokens` that the provider served from its prompt cache."""
    cost_usd: float | None = None
    """`None` when no price is known, which is not the same as free."""

    def __add__(self, other: "Usage") -> "Usage":
        costs = [c for c in (self.cost_usd, other.cost_usd) if c is not None]
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost_usd=sum(costs) if costs else None,
        )


class Sampling(Record):
    """How to sample; `None` leaves the choice to the provider."""

    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    """How many alternatives per token to return log-probabilities for."""
    tool_choice: str | None = None
    """`auto`, `none`, `required`, or the name of the tool to force."""
    extra: dict[str, JsonValue] = {}
    """Passed to the provider as it is (for instance `response_format`)."""


class Request(Record):
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    sampling: Sampling = Field(default_factory=Sampling)


class TokenLogprob(Record):
    token: str
    logprob: float
    top: dict[str, float] = {}
    """Alternatives at this position, token text to log-probability."""


class Fault(Record):
    """A mistake that a *simulated* actor made on purpose: ground truth, never shown to a critic."""

    kind: str
    step: int
    """Index of the plan step that carries the fault; one step carries at most one."""
    note: str = ""


Finish = Literal["stop", "tool_calls", "length", "filtered"]


class Completion(Record):
    message: Assistant
    finish: Finish
    model: str
    usage: Usage = Field(default_factory=Usage)
    seconds: float = 0.0
    logprobs: tuple[TokenLogprob, ...] = ()
    faults: tuple[Fault, ...] = ()
    """Faults that this very message carries; only simulated actors fill it."""


# --- environments ------------------------------------------------------------------------


class Task(Record):
    id: str
    env: str
    """Name of the environment, such as `tau2:retail`."""
    split: str
    data: dict[str, JsonValue] = {}
    """The benchmark's own record of the task, reference included: never shown to a critic."""


class Observation(Record):
    """What an environment answered."""

    messages: tuple[Message, ...]
    """New messages that the actor may see, in order."""
    backstage: tuple[UserCall, ...] = ()
    """What the user did before answering, out of the actor's sight."""
    done: bool = False
    usage: Usage = Field(default_factory=Usage)
    """What the user simulator consumed."""
    seconds: float = 0.0
    """How long the user simulator and the tools took."""


class Outcome(Record):
    reward: float
    """In [0, 1], by the benchmark's own rule."""
    passed: bool | None = None
    """Whether the trial counts as a success; `None` where the benchmark has no such notion."""
    parts: dict[str, float] = {}
    """The factors of the reward, by the benchmark's names."""
    native: dict[str, JsonValue] = {}
    """The benchmark's own record, enough to grade again without a rollout."""


class Briefing(Record):
    """What stays fixed during an episode: the rules, the tools, and how the actor is told."""

    policy: str = ""
    tools: tuple[ToolSpec, ...] = ()
    system: str = ""
    """The actor's system prompt; empty when the history already holds one."""
    context: str = ""
    """What an agent was told of this session beside the policy, such as who is signed in and
    today's date: its own system prompt, where the operator's policy is another text."""


class ReadOnlyTools(Protocol):
    """A view of an environment's READ tools that leaves no trace in the trajectory."""

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        """Return the result of one look-up; an error result when it is not allowed."""
        ...


# --- judging -----------------------------------------------------------------------------


class Proposal(Record):
    """An action on the table: exactly what the critic may look at."""

    task_id: str
    turn: int
    attempt: int
    action: Assistant
    history: tuple[Message, ...]
    """Everything before the action, refused drafts of this turn included."""
    policy: str
    context: str = ""
    """What the agent was told of this session: claims of its maker, beside the policy."""
    tools: tuple[ToolSpec, ...]
    look: SkipValidation[ReadOnlyTools | None] = Field(default=None, exclude=True, repr=False)
    """A way to look something up before judging; not part of the recorded proposal."""


class Approve(Record):
    kind: Literal["approve"] = "approve"


class Revise(Record):
    """Refuse, tell the actor why, and let it try again inside the same trajectory."""

    kind: Literal["revise"] = "revise"
    feedback: str
    calls: tuple[str, ...] = ()
    """Ids of the calls at fault; empty when the whole action is."""


class Replace(Record):
    """Execute another action in place of the proposed one."""

    kind: Literal["replace"] = "replace"
    action: Assistant
    reason: str


class Escalate(Record):
    """Stop and hand over to a person."""

    kind: Literal["escalate"] = "escalate"
    reason: str


class Halt(Record):
    """Stop the trajectory."""

    kind: Literal["halt"] = "halt"
    reason: str


Verdict = Annotated[Approve | Revise | Replace | Escalate | Halt, Field(discriminator="kind")]

Status = Literal["ok", "error", "timeout", "skipped"]

UNVERIFIED = "unverified"
"""Category of a refusal that holds nothing to be wrong: a fact must be looked up first."""


class Flag(Record):
    """One thing that a check noticed about an action: evidence, and a feature of a learned head."""

    name: str
    """Of the check, with the case where a check tells several apart: never an id or a name."""
    sign: Literal[1, -1] = 1
    """Always 1, against the action; -1 stands in old logs only, and is read by nobody."""
    risk: float = Field(default=0.0, ge=0, le=1)
    """How often an action is wrong when only this speaks against it: a prior, not a measure."""
    call_id: str | None = None
    """The call that it is about; `None` for a message."""
    evidence: str = ""
    """The words or values that it rests on."""
    messages: tuple[int, ...] = ()
    """Where they stand: positions in the history of the proposal, from 0."""


class Judgement(Record):
    """A verdict, and how it came about. A failure is a `status`, never a verdict."""

    verdict: Verdict
    critic: str
    status: Status = "ok"
    risk: float | None = None
    """Score in [0, 1]; the higher, the more suspicious the action."""
    call_risks: dict[str, float] = {}
    """The same for each call that may be wrong, by its id, where an action has several."""
    threshold: float | None = None
    """Risk from which this critic refuses, where it has one."""
    calibrated: bool = False
    """Whether `risk` may be read as a probability."""
    category: str = ""
    """What kind of mistake, such as the name of the policy check that fired."""
    policy_ref: str = ""
    """The sentence of the policy that is at stake."""
    rationale: str = ""
    flags: tuple[Flag, ...] = ()
    """What checks noticed, whatever the verdict."""
    usage: Usage = Field(default_factory=Usage)
    seconds: float = 0.0

    @property
    def risk_text(self) -> str:
        """The risk as a person may be shown it: a probability only when it is one."""
        if self.risk is None:
            return "no score"
        if self.calibrated:
            return f"{self.risk:.0%} likely wrong"
        return f"score {self.risk:.2f}, no probability"


# --- limits ------------------------------------------------------------------------------

Answer = Literal["pass", "fallback", "escalate", "halt"]
"""What becomes of an action that nobody approved.

`pass` executes it, `fallback` sends a safe message in its place, `escalate` and `halt`
end the trajectory.
"""


class Answers(Record):
    """Separate answers for actions that may change records and for everything else."""

    writes: Answer = "fallback"
    text: Answer = "pass"


class Limits(Record):
    max_turns: int = Field(default=60, ge=1)
    """Actor turns in one episode."""
    max_revisions: int = Field(default=2, ge=0)
    """How often one action may be sent back."""
    critic_timeout: float = Field(default=60.0, gt=0)
    """Seconds until a silent critic counts as failed."""
    on_critic_failure: Answers = Field(default_factory=Answers)
    on_exhausted: Answers = Field(default_factory=Answers)
    """What happens when the last allowed revision is refused too."""
    fallback_text: str = (
        "I'm sorry, I can't complete that step as things stand. "
        "Is there something else I can help you with?"
    )
