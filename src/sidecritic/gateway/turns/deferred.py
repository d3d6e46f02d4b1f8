"""Choices that leave unjudged: records that say so, and judgements that follow."""

from collections.abc import Sequence

from sidecritic.dialects.base import WireDraft
from sidecritic.gateway.modes import mode_of
from sidecritic.gateway.store.decisions import DecisionRecord
from sidecritic.gateway.turns.attempt import Attempt
from sidecritic.gateway.turns.choice import Choice, Choices
from sidecritic.gateway.wire.http import RawAnswer
from sidecritic.types import Assistant, Usage

_SHED = {"fate": "released", "status": "shed"}
"""Of what will never be judged: too much waits already."""


async def judge_later(
    choices: Choices, settled: Sequence[Choice], decisions: Sequence[DecisionRecord]
) -> None:
    """Have what was released unjudged in shadow mode judged in the background.

    What is too much is recorded as never judged.
    """
    services = choices.services
    pending = {d.choice: d for d in decisions if d.fate == "pending"}
    waiting = [each for each in settled if each.number in pending]
    if not waiting:
        return

    async def judge() -> None:
        for each in waiting:
            seen = await choices.judge(each.number, each.seat.first)
            judged = [_after(d, pending[each.number]) for d in choices.decisions(seen)[:1]]
            for decision in judged:
                # The actor's tokens were counted when the answer left.
                services.decided(decision.model_copy(update={"actor_usage": Usage()}))
            await services.amend(judged)

    if not services.background.later(judge):
        services.counts.shadow_skipped(len(waiting))
        await services.amend([d.model_copy(update=_SHED) for d in pending.values()])


def marked(choices: Choices, settled: Sequence[Choice]) -> list[DecisionRecord]:
    """Return the records of all choices; what left unjudged says so."""
    return [_mark(d, each, choices) for each in settled for d in choices.decisions(each)]


def _mark(decision: DecisionRecord, choice: Choice, choices: Choices) -> DecisionRecord:
    match mode_of(choice.seat.first.draft.action, choices.request.route.settings):
        case "enforce":
            return decision
        case "off":
            return decision.model_copy(update={"status": "off"})
        case "shadow" if choices.services.background.is_full:
            choices.services.counts.shadow_skipped(1)
            return decision.model_copy(update=_SHED)
        case "shadow":
            return decision.model_copy(update={"fate": "pending", "status": "pending"})


def _after(judged: DecisionRecord, before: DecisionRecord) -> DecisionRecord:
    """Return what the critic said of an answer that left whatever it said."""
    update = {"fate": "released", "source": "actor", "link": before.link, "approved": True}
    return judged.model_copy(update=update)


def unread(choices: Choices, heard: RawAnswer, why: str) -> list[DecisionRecord]:
    """Return the record of an answer that left and was not read: what it says is not known."""
    nothing = WireDraft(Assistant(text=""), None, "stop")
    attempt = Attempt(nothing, heard, model="", usage=Usage(), seconds=0.0, id="")
    says = {"status": "unread", "link": "", "category": why}
    passed = choices.decisions(choices.open(0, attempt).let_pass())
    return [decision.model_copy(update=says) for decision in passed]
