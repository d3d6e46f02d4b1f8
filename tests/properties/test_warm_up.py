"""A warm-up changes nothing but time: the log is the same without it."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecritic.critics.chain import Chain
from sidecritic.episode import run_episode
from sidecritic.errors import CriticError
from sidecritic.gates import Gate
from sidecritic.ports import Critic
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event
from sidecritic.types import Assistant, Completion, Limits, Proposal, Request, Verdict
from tests.parties import Acts, EchoWorld, Judges, conversation
from tests.properties.test_spine import actions, gates, limits, verdicts

Ending = Literal["returns", "raises", "breaks", "never"]
ENDINGS: st.SearchStrategy[Ending] = st.sampled_from(("returns", "raises", "breaks", "never"))


class Slow(Acts):
    """Lets others run a number of times before it answers."""

    steps: int = 0

    async def complete(self, request: Request) -> Completion:
        for _ in range(self.steps):
            await asyncio.sleep(0)
        return await super().complete(request)


class Warming(Judges):
    """Warms up for a number of steps, and then ends in one of several ways."""

    steps: int = 0
    ending: Ending = "returns"

    async def warm(self, proposal: Proposal) -> None:
        assert proposal.action == Assistant()
        for _ in range(self.steps):
            await asyncio.sleep(0)
        match self.ending:
            case "returns":
                return
            case "raises":
                raise CriticError("as asked")
            case "breaks":
                raise ZeroDivisionError
            case "never":
                await asyncio.Event().wait()


def played(
    acts: Sequence[Assistant], steps: int, critic: Critic, bounds: Limits, gate: Gate
) -> list[Event]:
    """Return the log of an episode; the times in it are not what is compared."""
    actor, log = Slow(acts), list[Event]()
    actor.steps = steps
    env = conversation(EchoWorld(), lines=("Hello.", "Go on.", "And then?"))
    supervisor = Supervisor(actor, critic, gate=gate, limits=bounds)
    asyncio.run(run_episode(env, supervisor, log, task_id="t"))
    return [_timeless(event) for event in log]


def _timeless(event: Event) -> Event:
    match event.event:
        case "judged":
            return event.model_copy(
                update={"judgement": event.judgement.model_copy(update={"seconds": 0.0})}
            )
        case "observed":
            return event.model_copy(
                update={"observation": event.observation.model_copy(update={"seconds": 0.0})}
            )
        case _:
            return event


@given(
    st.lists(actions, max_size=6),
    st.lists(verdicts, max_size=6),
    limits,
    gates,
    st.tuples(st.integers(0, 5), st.integers(0, 5), ENDINGS, st.booleans()),
)
@settings(max_examples=150, deadline=None)
def test_the_log_is_the_same_with_and_without_a_warm_up(
    acts: list[Assistant],
    judges: list[Verdict | None],
    bounds: Limits,
    gate: Gate,
    how: tuple[int, int, Ending, bool],
) -> None:
    writing, warming, ending, chained = how
    warm = Warming(judges, name="judges")
    warm.steps, warm.ending = warming, ending
    plain = Judges(judges)
    pair: tuple[Critic, Critic] = (warm, plain)
    if chained:
        pair = (Chain([warm]), Chain([plain]))
    with_warm_up, without = (played(acts, writing, critic, bounds, gate) for critic in pair)
    assert with_warm_up == without
