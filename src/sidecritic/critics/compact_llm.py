"""A fine-tuned language model as a critic: a compact prompt, one token of answer.

It reads what it was trained on (`compact`), with what the checks of the domain notice after
their look-ups. It writes no words: what goes back to the actor is what the checks say.
"""

from pydantic import JsonValue

from sidecritic.checks.base import Pack, objections
from sidecritic.critics.answers import plain, risk_of
from sidecritic.critics.base import THRESHOLD, judging
from sidecritic.critics.compact import Rendering
from sidecritic.critics.llm import GENERIC_FEEDBACK
from sidecritic.critics.policy import rationale, revision
from sidecritic.critics.prompt import APPROVE, REFUSE
from sidecritic.errors import CriticError, boundary
from sidecritic.ports import Model
from sidecritic.types import Approve, Completion, Judgement, Proposal, Request, Revise, Sampling

_TOP = 20
"""Alternatives shown for the verdict token; the most that OpenAI allows."""


class CompactCritic:
    """Without state, so one serves any number of episodes."""

    def __init__(
        self,
        model: Model,
        pack: Pack,
        rendering: Rendering,
        *,
        threshold: float = THRESHOLD,
        extra: dict[str, JsonValue] | None = None,
    ) -> None:
        """Send no request yet; `extra` goes with each one."""
        self._model = model
        self._pack = pack
        self._rendering = rendering
        self._threshold = threshold
        self._extra = extra or {}
        self.simulated = model.simulated
        self.name = f"llm:{model.name}?{rendering.name}"

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return a verdict with its risk; the feedback of a refusal is what the checks say.

        Raises:
            CriticError: a check broke, the model failed, or it answers neither word.
        """
        with boundary(CriticError, f"checks of {self._pack.name!r}"):
            found = await self._pack.examined(proposal)
        findings, flags = objections(found), tuple(finding.flag for finding in found)
        chat = self._rendering.messages(proposal, flags)
        # At another temperature some servers report other log-probabilities.
        sampling = Sampling(
            temperature=1.0, max_tokens=1, top_logprobs=_TOP, extra=self._extra, tool_choice="none"
        )
        with judging(self.name):
            answer = await self._model.complete(Request(messages=chat, sampling=sampling))
        risk, note = self._read(answer)
        refused = risk >= self._threshold
        why = revision(findings) if findings else Revise(feedback=GENERIC_FEEDBACK)
        return Judgement(
            verdict=why if refused else Approve(),
            critic=self.name,
            risk=risk,
            threshold=self._threshold,
            category=findings[0].check if refused and findings else "",
            policy_ref=findings[0].policy if refused and findings else "",
            rationale="; ".join(filter(None, (rationale(findings), note))),
            flags=flags,
            usage=answer.usage,
            seconds=answer.seconds,
        )

    def _read(self, answer: Completion) -> tuple[float, str]:
        token = answer.logprobs[0] if answer.logprobs else None
        read = risk_of(token) if token is not None else None
        if read is None:
            seen = f"its first token is {token.token!r}" if token else "no log-probabilities came"
            raise CriticError(
                f"critic {self.name!r}: neither {APPROVE} nor {REFUSE}: {plain(seen, 80)}; serve "
                f"what was fine-tuned for {self._rendering.name!r}, with log-probabilities"
            )
        return read.risk, read.note
