"""A language model as a critic: verdict first, words only for a refusal.

    verdict token ──▶ approve
       │  │ no log-probabilities: JSON verdict
       │  └─ risk ≥ threshold ──▶ reasons ──▶ revise
       └─ cannot be known ──▶ look up, and judge again
                           ├─ where the critic may not ──▶ revise: "verify X with Y first"
                           └─ where no look-up is left ──▶ asked again, for yes or no alone

The verdict costs one token: the log-probabilities of its words, at the one position where the
prompt asks for them, become the risk. Nothing that stands in the model's prose decides. How a
model is asked is the business of `asking`.
"""

from dataclasses import replace

from sidecritic.checks.base import Examiner, Finding, objections
from sidecritic.critics.answers import Opinion, Reasons, WantedLookup, cited, plain
from sidecritic.critics.asking.chat import ChatHearing
from sidecritic.critics.asking.decision import QUESTIONS_VERSION, DecisionHearing
from sidecritic.critics.asking.looking import MOST_NAMED, TO_CHECK, Looking, to_verify
from sidecritic.critics.asking.wire import STREAMED, Hearing, Wire
from sidecritic.critics.base import THRESHOLD, judging
from sidecritic.critics.policy import revision
from sidecritic.critics.prompt import BUDGET, PROMPT_VERSION, Prompt, prompt_of
from sidecritic.errors import ConfigError, CriticError
from sidecritic.ports import Model
from sidecritic.types import UNVERIFIED, Approve, Judgement, Proposal, Revise, Sampling

__all__ = ["GENERIC_FEEDBACK", "STREAMED", "LLMCritic", "Wire"]

GENERIC_FEEDBACK = (
    "It is held to be not permitted or not right. Compare it with the policy and with what the "
    "user asked for and confirmed; correct it, or ask the user."
)

_UNDECIDED = 0.5
"""Risk of an action of which a model said only that it cannot be known."""


class LLMCritic:
    """Any `Model` as a critic; without state, so one serves any number of episodes."""

    def __init__(
        self,
        model: Model,
        *,
        threshold: float = THRESHOLD,
        evidence: Examiner | None = None,
        lookups: int = 0,
        wire: Wire | None = None,
        budget: int = BUDGET,
    ) -> None:
        """Take the model, and send no request yet.

        `threshold` is the risk from which an action is sent back. `evidence` stands in the
        prompt as far as it is exact or its sentence stands in the policy. `lookups` is how often
        the critic may look something up itself for a verdict, where the proposal offers it.
        `budget` bounds the trajectory in the prompt, in characters.

        Raises:
            ConfigError: a number is out of range.
        """
        wire = wire or Wire()
        if not 0 <= threshold <= 1 or lookups < 0 or budget < 1 or wire.votes < 1:
            raise ConfigError(
                f"LLM critic: threshold {threshold}, lookups {lookups}, budget {budget}, votes "
                f"{wire.votes}; the threshold lies in [0, 1], lookups are not negative, budget "
                "and votes are positive"
            )
        self._model = model
        self._threshold = threshold
        self._evidence = evidence
        self._lookups = lookups
        self._wire = wire
        self._budget = budget
        self.simulated = model.simulated
        self.name = f"{'decision' if wire.verdict == 'decision' else 'llm'}:{model.name}"

    @property
    def version(self) -> str:
        """What the model is asked: risks of two versions are not comparable."""
        decision = self._wire.verdict == "decision"
        return f"questions-{QUESTIONS_VERSION}" if decision else f"prompt-{PROMPT_VERSION}"

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return a verdict with its risk; `Revise` carries the model's feedback.

        Raises:
            CriticError: the model failed, or its answer is not a verdict.
        """
        with judging(self.name):
            return await self._judge(proposal, self._hearing(proposal))

    async def warm(self, proposal: Proposal) -> None:
        """Let the server read all of the prompt that does not depend on the action.

        For a server that caches prefixes, while the actor is still writing: the proposal is the
        coming one, with an empty action. The verdict counts these tokens as its own input.

        Raises:
            ModelError: the model failed; nothing is lost but the time saved.
        """
        if not self._wire.warm_up or self._wire.verdict == "decision":
            return
        prompt = prompt_of(proposal, budget=self._budget)
        await ChatHearing(self._model, self._wire).ask(prompt.prefix(), Sampling(max_tokens=1))

    def _hearing(self, proposal: Proposal) -> Hearing:
        if self._wire.verdict == "decision":
            return DecisionHearing(self._model, proposal, self._wire.extra)
        return ChatHearing(self._model, self._wire)

    async def _judge(self, proposal: Proposal, hearing: Hearing) -> Judgement:
        found = await self._evidence.examined(proposal) if self._evidence else ()
        shown = [each for each in objections(found) if _is_fit_to_show(each, proposal.policy)]
        looking = Looking(proposal, self._lookups, hearing.notes)
        while True:
            prompt = prompt_of(
                proposal,
                findings=shown,
                lookups=looking.found,
                may_look=looking.is_open,
                budget=self._budget,
            )
            opinion = await hearing.opinion(prompt)
            doubtful = prompt.may_look and opinion.doubt >= self._wire.unverified
            wanted = await self._wanted(prompt, looking, hearing) if doubtful else ()
            missing = looking.open(wanted)
            # Each turn spends at least one of the look-ups that the critic may make.
            if not missing or not looking.is_allowed or not await looking.make(missing):
                break
        if missing:
            judgement = self._unverified(opinion, to_verify(missing))
        elif doubtful or opinion.risk is None:
            looked = looking.can_read(wanted)
            judgement = await self._settled(proposal, prompt, opinion, hearing, looked=looked)
        else:
            judgement = await self._judged(proposal, prompt, opinion.risk, hearing)
        if shown and judgement.verdict == Revise(feedback=GENERIC_FEEDBACK):
            # A model that gives no reasons, or none that can be used: those of the checks.
            judgement = judgement.model_copy(update={"verdict": revision(shown)})
        said = [*([judgement.rationale] if judgement.rationale else ()), *hearing.notes]
        return judgement.model_copy(
            update={
                "rationale": "; ".join(said),
                "flags": tuple(each.flag for each in found),
                "usage": hearing.usage,
                "seconds": hearing.seconds,
            }
        )

    async def _wanted(
        self, prompt: Prompt, looking: Looking, hearing: Hearing
    ) -> tuple[WantedLookup, ...]:
        """Return what the model would look up, whether or not that is left to do."""
        limit = looking.left if looking.is_allowed else MOST_NAMED
        return await hearing.wanted(prompt, limit)

    def _unverified(self, opinion: Opinion, verdict: Revise) -> Judgement:
        return Judgement(
            verdict=verdict,
            critic=self.name,
            risk=_UNDECIDED if opinion.risk is None else opinion.risk,
            category=UNVERIFIED,
            rationale=f"cannot be known without a look-up: {opinion.doubt:.0%}",
        )

    async def _settled(
        self,
        proposal: Proposal,
        prompt: Prompt,
        opinion: Opinion,
        hearing: Hearing,
        *,
        looked: bool,
    ) -> Judgement:
        """Judge where a doubt leads to no look-up.

        What such a doubt leaves of the other two answers is no verdict: the model is asked for
        one of these. An endpoint that cannot be asked so sends the action back once for a turn;
        then, and after the look-up was made, its own answer to "wrong" counts.
        """
        hearing.notes.append(
            "what it would look up was looked up before"
            if looked
            else f"cannot be known, and no tool was named that would show it: {opinion.doubt:.0%}"
        )
        prompt = replace(prompt, may_look=False)
        decided = await hearing.two_way(prompt)
        if decided is None and not looked and proposal.attempt == 0:
            return self._unverified(opinion, TO_CHECK)
        risk = opinion.risk if decided is None else decided.risk
        if risk is None:
            raise CriticError(
                f"model {self._model.name!r} says neither right nor wrong "
                f"({'; '.join(hearing.notes)}); use another model"
            )
        return await self._judged(proposal, prompt, risk, hearing)

    async def _judged(
        self, proposal: Proposal, prompt: Prompt, risk: float, hearing: Hearing
    ) -> Judgement:
        if risk < self._threshold:
            return Judgement(
                verdict=Approve(), critic=self.name, risk=risk, threshold=self._threshold
            )
        reasons = await hearing.reasons(prompt)
        return Judgement(
            verdict=_revision(proposal, reasons),
            critic=self.name,
            risk=risk,
            threshold=self._threshold,
            category=reasons.fault if reasons else "",
            policy_ref=cited(reasons.policy_ref, proposal.policy) if reasons else "",
            rationale=plain(reasons.reason) if reasons else "",
        )


def _is_fit_to_show(finding: Finding, policy: str) -> bool:
    """Whether a finding is exact, which is to say rests on no sentence, or on one of this policy.

    A check of another policy would tell the model a rule that does not hold here.
    """
    return finding.is_founded and (not finding.policy or bool(cited(finding.policy, policy)))


def _revision(proposal: Proposal, reasons: Reasons | None) -> Revise:
    calls = reasons.ids(proposal.action) if reasons else None
    feedback = plain(reasons.feedback) if reasons and calls is not None else ""
    return Revise(feedback=feedback or GENERIC_FEEDBACK, calls=calls or ())
