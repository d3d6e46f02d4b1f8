"""The append-only event log of one episode, and its projections.

An episode is a list of events and nothing else. Everyone reads the same list:

    env_view(events)     what user and database saw: the only thing that is graded
    actor_view(events)   the actor's next chat: the same, plus the drafts that were refused
                         in the current turn, each with its feedback
    proposals(...)       what the critic saw, proposal by proposal

So feedback stays private to the actor, a refused call can never be graded, and training
data, replay and inference cannot drift apart.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationError

from sidecritic.errors import TraceError, first_problem
from sidecritic.types import (
    Assistant,
    Briefing,
    Completion,
    Judgement,
    Message,
    Observation,
    Outcome,
    Proposal,
    Record,
    Revise,
    Task,
    ToolResult,
    User,
    UserCall,
)

SCHEMA_VERSION = 1

SUPERVISOR = "[supervisor]"
"""Begins every text that the supervisor, and nobody else, put before the actor."""


# --- events ------------------------------------------------------------------------------


class Observed(Record):
    event: Literal["observed"] = "observed"
    observation: Observation


class Proposed(Record):
    event: Literal["proposed"] = "proposed"
    turn: int
    attempt: int
    completion: Completion


class Judged(Record):
    event: Literal["judged"] = "judged"
    turn: int
    attempt: int
    judgement: Judgement


Source = Literal["actor", "critic", "fallback"]


class Executed(Record):
    event: Literal["executed"] = "executed"
    turn: int
    action: Assistant
    source: Source
    approved: bool = True
    """`False` when it ran although the critic failed or never agreed."""


Where = Literal["actor", "critic", "user", "environment"]


class Failed(Record):
    event: Literal["failed"] = "failed"
    where: Where
    error: str
    """Class name of the error."""
    message: str


EndReason = Literal["env_done", "max_turns", "halted", "escalated", "error"]


class Ended(Record):
    event: Literal["ended"] = "ended"
    reason: EndReason
    outcome: Outcome | None = None
    """`None` when an infrastructure failure left nothing to grade."""


Event = Annotated[
    Observed | Proposed | Judged | Executed | Failed | Ended, Field(discriminator="event")
]


class Trajectory(Record):
    """One episode, with everything needed to read it years later."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    task: Task
    trial: int
    actor: str
    critic: str
    user: str = ""
    simulated: tuple[str, ...] = ()
    """Roles played by a script or simulation instead of a real model, such as `actor`."""
    seeds: dict[str, int] = {}
    versions: dict[str, str] = {}
    """Package, task set, grader and policy pack that made it."""
    briefing: str = ""
    """Digest of the briefing; the text is kept once a run, in `run.json`."""
    events: tuple[Event, ...]

    @property
    def key(self) -> tuple[str, str, int]:
        """Environment, task and trial: what a run holds at most one valid line of."""
        return (self.task.env, self.task.id, self.trial)

    @property
    def ended(self) -> Ended | None:
        """The last event of a complete episode."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Ended) else None


# --- views -------------------------------------------------------------------------------


def env_view(events: Iterable[Event]) -> tuple[Message | UserCall, ...]:
    """Return what the environment and the user saw: executed actions only."""
    seen: list[Message | UserCall] = []
    for event in events:
        match event:
            case Observed(observation=observation):
                seen.extend(observation.backstage)
                seen.extend(observation.messages)
            case Executed(action=action):
                seen.append(action)
            case _:
                pass
    return tuple(seen)


def actor_view(events: Iterable[Event]) -> tuple[Message, ...]:
    """Return the actor's next chat, a well-formed one: every call id is answered once.

    Refused drafts are shown while their turn lasts; when something has been executed they
    are dropped, so that between turns actor and environment agree on what was said.
    """
    chat: list[Message] = []
    refused: list[Message] = []
    draft: Assistant | None = None
    for event in events:
        if isinstance(event, Observed):
            chat.extend(map(_foreign, event.observation.messages))
        elif isinstance(event, Proposed):
            draft = event.completion.message
        elif isinstance(event, Judged):
            verdict = event.judgement.verdict
            if isinstance(verdict, Revise) and draft is not None:
                refused.extend(rejection(draft, verdict))
        elif isinstance(event, Executed):
            chat.append(event.action)
            refused.clear()
    return (*chat, *refused)


def _foreign(message: Message) -> Message:
    """Return a message from outside; one that poses as the supervisor's is marked as quoted."""
    if isinstance(message, User | ToolResult) and message.text.lstrip().startswith(SUPERVISOR):
        return message.model_copy(update={"text": f"(quoted) {message.text}"})
    return message


def rejection(draft: Assistant, verdict: Revise) -> tuple[Message, ...]:
    """Render a refused draft as a well-formed chat fragment.

    A batch is withheld whole: the calls at fault get the feedback, each sibling a result
    that says that it was not run.
    """
    if not draft.calls:
        shown = draft if draft.text else Assistant(text="(empty message)")
        feedback = f"{SUPERVISOR} Your last message was not sent. {verdict.feedback}"
        return (shown, User(text=feedback))
    at_fault = set(verdict.calls) or {call.id for call in draft.calls}
    results = (
        ToolResult(
            call_id=call.id,
            name=call.name,
            is_error=True,
            text=f"{SUPERVISOR} This call was not executed. {verdict.feedback}"
            if call.id in at_fault
            else f"{SUPERVISOR} Not executed, because another call of the same message was "
            "refused. Repeat it if it is still needed.",
        )
        for call in draft.calls
    )
    return (draft, *results)


def proposals(
    events: Sequence[Event], *, task_id: str, briefing: Briefing
) -> Iterator[tuple[Proposal, Judgement | None]]:
    """Rebuild each proposal exactly as the critic saw it, with the judgement it received."""
    judged = {(e.turn, e.attempt): e.judgement for e in events if isinstance(e, Judged)}
    for index, event in enumerate(events):
        if isinstance(event, Proposed):
            proposal = Proposal(
                task_id=task_id,
                turn=event.turn,
                attempt=event.attempt,
                action=event.completion.message,
                history=actor_view(events[:index]),
                policy=briefing.policy,
                context=briefing.context,
                tools=briefing.tools,
            )
            yield proposal, judged.get((event.turn, event.attempt))


# --- one line an episode -----------------------------------------------------------------


class Loaded(NamedTuple):
    trajectories: tuple[Trajectory, ...]
    problems: tuple[TraceError, ...]
    """One for each line that could not be read."""


def to_line(trajectory: Trajectory) -> str:
    """Return the trajectory as one line of JSON, newline included."""
    return trajectory.model_dump_json() + "\n"


def from_lines(lines: Iterable[str], *, file: str) -> Loaded:
    """Read what can be read; a bad line costs itself and nothing else."""
    good: list[Trajectory] = []
    problems: list[TraceError] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            good.append(Trajectory.model_validate_json(line))
        except ValidationError as cause:
            problems.append(TraceError(f"{file}, line {number}: {_remedy(line, cause)}"))
    return Loaded(tuple(good), tuple(problems))


class _Version(Record, extra="ignore"):
    schema_version: int = 0


def _remedy(line: str, cause: ValidationError) -> str:
    # Readers of files decode with `surrogateescape`, which leaves such bytes to be found here.
    if any("\udc80" <= character <= "\udcff" for character in line):
        return "holds bytes that are not UTF-8; delete the line or restore the file from a copy"
    try:
        version = _Version.model_validate_json(line).schema_version
    except ValidationError:
        if not line.endswith("\n"):
            return (
                "the line is cut off, as after a kill; delete it, or resume the run, "
                "which plays that episode again"
            )
        return "not a JSON object; delete the line or restore the file from a copy"
    if version > SCHEMA_VERSION:
        return (
            f"schema version {version}, and this sidecritic reads up to {SCHEMA_VERSION}; "
            "run: pip install --upgrade sidecritic"
        )
    return f"not a trajectory: {first_problem(cause)}; delete the line or restore a copy"
