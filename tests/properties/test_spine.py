"""Laws that hold for every episode, whatever actor and critic do."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecritic.episode import run_episode
from sidecritic.gates import GATES, Gate
from sidecritic.supervisor import Supervisor
from sidecritic.trace import (
    Event,
    Executed,
    Failed,
    Judged,
    Proposed,
    Trajectory,
    env_view,
    from_lines,
    proposals,
    to_line,
)
from sidecritic.types import (
    Answers,
    Approve,
    Assistant,
    Briefing,
    Escalate,
    Halt,
    Limits,
    Message,
    Outcome,
    Replace,
    Revise,
    System,
    Task,
    ToolCall,
    ToolResult,
    Verdict,
)
from tests.parties import TOOLS, Acts, EchoWorld, Judges, conversation

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
calls = st.builds(
    ToolCall,
    id=st.sampled_from(["", "a", "b", "call_0"]),
    name=st.sampled_from(["get", "put", "transfer_to_human_agents", "unheard_of"]),
    arguments=st.one_of(st.none(), st.dictionaries(text, st.integers() | text, max_size=2)),
    raw=text,
)
actions = st.builds(Assistant, text=text, calls=st.lists(calls, max_size=3).map(tuple))
verdicts: st.SearchStrategy[Verdict | None] = st.one_of(
    st.just(Approve()),
    st.builds(Revise, feedback=text, calls=st.lists(st.sampled_from("ab"), max_size=2).map(tuple)),
    st.builds(Replace, action=actions, reason=text),
    st.builds(Escalate, reason=text),
    st.builds(Halt, reason=text),
    st.none(),
)
answer = st.sampled_from(["pass", "fallback", "escalate", "halt"])
answers = st.builds(Answers, writes=answer, text=answer)
limits = st.builds(
    Limits,
    max_turns=st.integers(1, 6),
    max_revisions=st.integers(0, 3),
    on_critic_failure=answers,
    on_exhausted=answers,
)
gates: st.SearchStrategy[Gate] = st.sampled_from(GATES)  # pyright: ignore[reportAssignmentType]

OPEN = Answers(writes="pass", text="pass")


class Episode:
    """One episode, played to its end."""

    def __init__(
        self,
        acts: Sequence[Assistant],
        judges: Sequence[Verdict | None],
        limits: Limits,
        gate: Gate = "all",
    ) -> None:
        self.actor, self.critic, self.world = Acts(acts), Judges(judges), EchoWorld()
        self.limits = limits
        self.log: list[Event] = []
        self.env = conversation(self.world, lines=("Hello.", "Go on.", "And then?"))
        supervisor = Supervisor(self.actor, self.critic, gate=gate, limits=limits)
        asyncio.run(run_episode(self.env, supervisor, self.log, task_id="t"))


episodes = st.builds(
    Episode, st.lists(actions, max_size=8), st.lists(verdicts, max_size=8), limits, gates
)


def assert_well_formed(chat: Sequence[Message]) -> None:
    """Each call id is answered exactly once, right after the message that made the call."""
    open_ids: list[str] = []
    seen: set[str] = set()
    for message in chat:
        if isinstance(message, ToolResult):
            assert message.call_id == open_ids.pop(0), "an answer without its call, or out of turn"
            continue
        assert not open_ids, f"calls {open_ids} were never answered"
        if isinstance(message, Assistant):
            assert message.text or message.calls, "an empty message"
            ids = [call.id for call in message.calls]
            assert all(ids) and len(set(ids)) == len(ids) and not seen.intersection(ids)
            seen.update(ids)
            open_ids = ids
    assert not open_ids


@given(episodes)
@settings(max_examples=150, deadline=None)
def test_every_actor_request_is_a_well_formed_chat(episode: Episode) -> None:
    for request in episode.actor.requests:
        assert isinstance(request.messages[0], System)
        assert_well_formed(request.messages[1:])


@given(episodes)
@settings(max_examples=150, deadline=None)
def test_what_was_executed_is_what_the_environment_received(episode: Episode) -> None:
    executed = [c for e in episode.log if isinstance(e, Executed) for c in e.action.calls]
    assert episode.world.received == executed


@given(episodes)
@settings(max_examples=150, deadline=None)
def test_a_refused_action_never_reaches_environment_user_or_grade(episode: Episode) -> None:
    refused_ids: set[str] = set()
    draft = Assistant()
    for event in episode.log:
        if isinstance(event, Proposed):
            draft = event.completion.message
        elif isinstance(event, Judged) and not isinstance(event.judgement.verdict, Approve):
            refused_ids.update(call.id for call in draft.calls)
        elif isinstance(event, Executed) and not event.approved:
            # By an explicit setting the last draft runs although nobody approved it.
            refused_ids.difference_update(call.id for call in event.action.calls)
        elif isinstance(event, Executed) and event.source == "critic":
            refused_ids.difference_update(call.id for call in event.action.calls)
    assert not refused_ids.intersection(call.id for call in episode.world.received)
    said = [m for m in env_view(episode.log) if isinstance(m, Assistant)]
    executed = [e.action for e in episode.log if isinstance(e, Executed)]
    assert said[1:] == executed  # the first is the greeting
    graded = asyncio.run(episode.env.outcome()).native
    assert graded["messages"] == len(env_view(episode.log))


@given(episodes)
@settings(max_examples=100, deadline=None)
def test_a_trajectory_survives_the_round_trip_through_json(episode: Episode) -> None:
    trajectory = Trajectory(
        id="x",
        task=Task(id="t", env="echo", split="test", data={"reference": [1, {"a": None}]}),
        trial=0,
        actor="acts",
        critic="judges",
        simulated=("actor",),
        events=tuple(episode.log),
    )
    loaded = from_lines([to_line(trajectory)], file="x.jsonl")
    assert loaded.problems == ()
    assert loaded.trajectories == (trajectory,)


@given(episodes)
@settings(max_examples=100, deadline=None)
def test_proposals_are_rebuilt_exactly_as_the_critic_saw_them(episode: Episode) -> None:
    briefing = Briefing(policy=episode.env.policy, tools=TOOLS)
    rebuilt = [p for p, _ in proposals(episode.log, task_id="t", briefing=briefing)]
    for seen in episode.critic.seen:
        assert seen.model_copy(update={"look": None}) in rebuilt


@given(episodes)
@settings(max_examples=100, deadline=None)
def test_attempts_are_bounded_and_the_log_ends_once(episode: Episode) -> None:
    attempts = Counter(e.turn for e in episode.log if isinstance(e, Proposed))
    assert all(n <= episode.limits.max_revisions + 1 for n in attempts.values())
    assert len(attempts) <= episode.limits.max_turns
    assert [e.event for e in episode.log].count("ended") == 1
    assert episode.log[-1].event == "ended"


def is_readable(action: Assistant) -> bool:
    """Whether the critic is asked; the supervisor itself sends back other arguments."""
    return all(call.arguments is not None for call in action.calls)


@given(
    st.lists(actions.filter(is_readable), max_size=8), st.integers(0, 3), st.integers(1, 6), gates
)
@settings(max_examples=100, deadline=None)
def test_no_critic_equals_approval_of_everything_equals_a_critic_that_fails_open(
    acts: list[Assistant], max_revisions: int, max_turns: int, gate: Gate
) -> None:
    limits = Limits(
        max_revisions=max_revisions,
        max_turns=max_turns,
        on_critic_failure=OPEN,
        on_exhausted=OPEN,
    )
    unsupervised = Episode(acts, [], limits, gate="none")
    approving = Episode(acts, [], limits, gate)
    failing = Episode(acts, [None] * 40, limits, gate)
    assert env_view(unsupervised.log) == env_view(approving.log) == env_view(failing.log)
    assert outcome(unsupervised) == outcome(approving) == outcome(failing)
    if failing.critic.seen:
        assert any(isinstance(e, Failed) and e.where == "critic" for e in failing.log)


def outcome(episode: Episode) -> Outcome | None:
    last = episode.log[-1]
    assert last.event == "ended"
    return last.outcome
