"""Requests, answers and verdicts by OpenTelemetry's conventions for generative AI.

Source: semantic conventions 1.41, "GenAI" (spans, and the event `gen_ai.evaluation.result`).
"""

from dataclasses import dataclass

from sidecritic.dialects.base import ProviderAnswer
from sidecritic.gateway.services import Closing
from sidecritic.gateway.telemetry.spans import Attribute, Attributes, Span
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.ports import Critic, can_warm
from sidecritic.types import Judgement, Proposal

INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"


def asked_of(request: SupervisedRequest) -> tuple[str, Attributes]:
    """Return name and first attributes of the span of an upstream's answer."""
    model = request.asked.model[:100]
    return f"chat {model}".strip(), {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": request.route.provider,
        "gen_ai.request.model": model,
        "gen_ai.request.stream": request.asked.stream,
    }


def note_answer(span: Span, answered: ProviderAnswer) -> None:
    """Note what an upstream answered."""
    if not span.is_recorded:
        return
    usage = answered.usage
    span.note(
        {
            "gen_ai.response.model": answered.model,
            "gen_ai.response.id": answered.id,
            "gen_ai.response.finish_reasons": tuple(draft.finish for draft in answered.drafts),
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        }
    )
    if span.keeps_content:
        said = [draft.action.model_dump(mode="json") for draft in answered.drafts]
        span.content(OUTPUT, [*said])


def watched(critic: Critic, span: Span, closing: Closing) -> Critic:
    """Return the critic with a span around each of its judgements, which end with the server."""
    kind = (_Watched, _WarmWatched)[can_warm(critic)]
    return kind(critic, span, closing)


@dataclass(frozen=True, slots=True)
class _Watched:
    critic: Critic
    span: Span
    closing: Closing

    @property
    def name(self) -> str:
        return self.critic.name

    async def judge(self, proposal: Proposal) -> Judgement:
        called = tuple(call.name for call in proposal.action.calls)
        known: dict[str, Attribute] = {
            "sidecritic.critic": self.name,
            "sidecritic.attempt": proposal.attempt,
            "sidecritic.tools": called,
        }
        with self.span.child(f"judge {self.name}", known) as span:
            async with self.closing.limit():
                judgement = await self.critic.judge(proposal)
            if not span.is_recorded:
                return judgement
            span.happened("gen_ai.evaluation.result", _result(judgement))
            usage = judgement.usage
            span.note(
                {
                    "gen_ai.usage.input_tokens": usage.input_tokens,
                    "gen_ai.usage.output_tokens": usage.output_tokens,
                    "sidecritic.status": judgement.status,
                }
            )
            span.content("gen_ai.evaluation.explanation", judgement.verdict.model_dump(mode="json"))
        return judgement


@dataclass(frozen=True, slots=True)
class _WarmWatched(_Watched):
    async def warm(self, proposal: Proposal) -> None:
        if can_warm(self.critic):
            await self.critic.warm(proposal)


def _result(judgement: Judgement) -> Attributes:
    known: dict[str, Attribute] = {
        "gen_ai.evaluation.name": judgement.critic,
        "gen_ai.evaluation.score.label": judgement.verdict.kind,
    }
    if judgement.risk is not None:
        known["gen_ai.evaluation.score.value"] = judgement.risk
    return known
