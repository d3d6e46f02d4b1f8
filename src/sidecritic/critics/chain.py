"""Several critics as one: cheapest first, stop at the first certain answer."""

from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple, Protocol, runtime_checkable

from sidecritic.critics.base import Composed
from sidecritic.errors import ConfigError, CriticError, boundary
from sidecritic.ports import Critic
from sidecritic.types import Approve, Judgement, Proposal, Usage


@runtime_checkable
class Decisive(Protocol):
    """A critic that knows when its approval needs no second opinion."""

    def is_decisive(self, judgement: Judgement) -> bool:
        """Whether its approval is final, for instance far below its threshold."""
        ...


@runtime_checkable
class Tentative(Protocol):
    """A critic that knows when its refusal needs a second opinion."""

    def is_tentative(self, judgement: Judgement) -> bool:
        """Whether its refusal is not final, for instance close to its threshold."""
        ...


class Chain(Composed):
    """Ask one critic after the other until one is certain.

    Certain is every verdict that does not approve, unless its critic declares it tentative, and
    an approval that its critic declares decisive. When none is certain, the last answer
    stands: the strongest critic sits there. A link that fails is named in the rationale and the
    next one is asked.
    """

    def __init__(self, critics: Sequence[Critic], *, name: str | None = None) -> None:
        if not critics:
            raise ConfigError("a chain needs at least one critic; use NoCritic() for none")
        super().__init__(name or "+".join(critic.name for critic in critics), critics)

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return the first certain answer, with the usage and time of every link asked.

        Raises:
            CriticError: no link answered.
        """
        usage, seconds = Usage(), 0.0
        problems: list[str] = []
        last: Judgement | None = None
        for critic in self._critics:
            judgement, problem, spent = await ask(critic, proposal)
            seconds += spent
            if judgement is not None:
                usage += judgement.usage
            if judgement is None or problem:
                problems.append(problem)
                continue
            last = judgement
            if _is_certain(critic, judgement):
                break
        if last is None:
            raise CriticError(f"no critic of {self.name!r} answered: {'; '.join(problems)}")
        rationale = " ".join((*(f"[skipped {problem}]" for problem in problems), last.rationale))
        update = {"usage": usage, "seconds": seconds, "rationale": rationale.strip()}
        return last.model_copy(update=update)


class CriticAnswer(NamedTuple):
    """What one critic of several said."""

    judgement: Judgement | None
    problem: str
    """Why there is no judgement; empty when there is one."""
    seconds: float


async def ask(critic: Critic, proposal: Proposal) -> CriticAnswer:
    """Return what a critic says; one that fails has a problem instead of raising."""
    started = perf_counter()
    try:
        with boundary(CriticError, f"critic {critic.name!r}"):
            judgement = await critic.judge(proposal)
    except CriticError as error:
        return CriticAnswer(None, f"{critic.name}: {error}", perf_counter() - started)
    spent = judgement.seconds or perf_counter() - started
    if judgement.status in ("error", "timeout"):
        problem = f"{critic.name}: {judgement.rationale or judgement.status}"
        return CriticAnswer(judgement, problem, spent)
    return CriticAnswer(judgement, "", spent)


def _is_certain(critic: Critic, judgement: Judgement) -> bool:
    if not isinstance(judgement.verdict, Approve):
        return not (isinstance(critic, Tentative) and critic.is_tentative(judgement))
    return isinstance(critic, Decisive) and critic.is_decisive(judgement)
