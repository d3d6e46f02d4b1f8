"""Choices that leave unjudged: records that say so, and judgements that follow."""

from collections.abc import Sequence

from sidecritic.gateway.modes import mode_of
from sidecritic.gateway.store.decisions import Decision
from sidecritic.gateway.turns.choice import Bench, Settled
from sidecritic.gateway.turns.request import Question
from sidecritic.types import Usage


def judge_later(bench: Bench, settled: Sequence[Settled], decisions: Sequence[Decision]) -> None:
    """Have what was released unjudged in shadow mode judged in the background."""
    pending = {d.choice: d for d in decisions if d.fate == "pending"}
    waiting = [each for each in settled if each.choice in pending]
    if not waiting:
        return

    async def judge() -> None:
        for each in waiting:
            seen = await bench.judge(each.choice, each.seat.first)
            judged = [_after(d, pending[each.choice]) for d in bench.decisions(seen)[:1]]
            for decision in judged:
                # The actor's tokens were counted when the answer left.
                bench.services.counts.decided(decision.model_copy(update={"actor_usage": Usage()}))
            await bench.services.recorder.amend(judged)

    if not bench.services.background.spawn(judge):
        bench.services.counts.shadow_skipped(len(waiting))


def marked(bench: Bench, settled: Sequence[Settled]) -> list[Decision]:
    """Return the records of all choices; what left unjudged says so."""
    return [
        _mark(decision, each, bench.question)
        for each in settled
        for decision in bench.decisions(each)
    ]


def _mark(decision: Decision, settled: Settled, question: Question) -> Decision:
    match mode_of(settled.seat.first.draft.action, question.route.settings):
        case "enforce":
            return decision
        case "off":
            return decision.model_copy(update={"status": "off"})
        case "shadow":
            return decision.model_copy(update={"fate": "pending", "status": "pending"})


def _after(judged: Decision, before: Decision) -> Decision:
    """Return what the critic said of an answer that left whatever it said."""
    update = {"fate": "released", "source": "actor", "link": before.link, "approved": True}
    return judged.model_copy(update=update)
