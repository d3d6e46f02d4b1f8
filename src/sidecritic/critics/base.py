"""Critics without knowledge, and what all critics share: warm-up, errors, verdicts by risk."""

import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from time import perf_counter

from sidecritic.errors import CriticError, ModelError, SidecriticError, boundary
from sidecritic.ports import Critic, Simulating, Warm, version_of
from sidecritic.types import UNVERIFIED, Approve, Judgement, Proposal, Revise, Verdict

Answer = Judgement | Verdict | None
"""What a function may say of a proposal; `None` approves."""

THRESHOLD = 0.5
"""Risk from which an action is sent back: it is then more likely wrong than right."""

JudgeFunction = Callable[[Proposal], Answer | Awaitable[Answer]]


@contextmanager
def judging(critic: str) -> Generator[None]:
    """Attribute whatever goes wrong inside to the critic of that name, its model included."""
    try:
        with boundary(CriticError, f"critic {critic!r}"):
            yield
    except ModelError as cause:
        raise CriticError(f"critic {critic!r}: {cause}") from cause


async def warm_up(critic: Warm, coming: Proposal) -> None:
    """Let the critic get ready; a failure costs no more than the time it would have saved.

    What is wrong with the critic is said when it has to judge.
    """
    with suppress(SidecriticError), boundary(CriticError, "warm-up"):
        await critic.warm(coming)


class Composed:
    """What critics made of critics share."""

    def __init__(self, name: str, critics: Iterable[Critic]) -> None:
        self.name = name
        self._critics = tuple(critics)
        self.simulated = any(isinstance(c, Simulating) and c.simulated for c in self._critics)

    @property
    def version(self) -> str:
        """Of all of them."""
        return version_of(*self._critics)

    async def warm(self, proposal: Proposal) -> None:
        """Let each of them that can get ready for the coming proposal."""
        # A caller that awaits this has loaded asyncio; `import sidecritic` saves its 60 ms.
        import asyncio

        async with asyncio.TaskGroup() as group:
            for critic in self._critics:
                if isinstance(critic, Warm):
                    group.create_task(warm_up(critic, proposal))


class NoCritic:
    """Approve everything: the unsupervised actor."""

    name = "none"

    async def judge(self, proposal: Proposal) -> Judgement:
        return Judgement(verdict=Approve(), critic=self.name)


class FunctionCritic:
    """A function, plain or async, as a critic."""

    def __init__(self, function: JudgeFunction, *, name: str | None = None) -> None:
        self._function = function
        self.name = name or getattr(function, "__name__", "function")

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return what the function says; a bare verdict is wrapped and timed.

        Raises:
            CriticError: the function raised, or returned something else.
        """
        started = perf_counter()
        with boundary(CriticError, f"critic {self.name!r}"):
            answer = self._function(proposal)
            if inspect.isawaitable(answer):
                answer = await answer
            seconds = perf_counter() - started
            if isinstance(answer, Judgement):
                return answer if answer.seconds else answer.model_copy(update={"seconds": seconds})
            verdict = Approve() if answer is None else answer
            return Judgement(verdict=verdict, critic=self.name, seconds=seconds)


# --- verdicts by risk ------------------------------------------------------------------------


def score_of(judgement: Judgement) -> float:
    """Return the risk; of a critic that gives none, 1 for a refusal and 0 for an approval."""
    if judgement.risk is not None:
        return judgement.risk
    return 0.0 if isinstance(judgement.verdict, Approve) else 1.0


def is_by_risk(judgement: Judgement) -> bool:
    """Whether another threshold could have changed the verdict; a failure has no verdict.

    "Verify this first" is not a matter of risk: what is not known may be right.
    """
    by_risk = isinstance(judgement.verdict, Approve | Revise) and judgement.category != UNVERIFIED
    return judgement.status == "ok" and by_risk


def approved(judgement: Judgement) -> Judgement:
    """Return the judgement with its refusal, if it was one, taken back."""
    if isinstance(judgement.verdict, Approve):
        return judgement
    return judgement.model_copy(update={"verdict": Approve(), "category": "", "policy_ref": ""})


def refused(judgement: Judgement) -> Judgement:
    """Return the judgement as a refusal; one without feedback gets a general one."""
    if not isinstance(judgement.verdict, Approve):
        return judgement
    feedback = (
        f"It is held to be too risky ({judgement.risk_text}). Compare it with the policy, with "
        "what the user asked for and with what the user confirmed; correct it, or ask the user."
    )
    return judgement.model_copy(update={"verdict": Revise(feedback=feedback)})
