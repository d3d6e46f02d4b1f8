"""The user confirms each change before it is made: a gate, without any model.

Source: SABER (arXiv:2512.07850), in which an auxiliary model detects mutating actions and
restates the call, and the (simulated) user has to confirm it.

Different here: which calls change something is known from the tools' declared effects, and a
call is restated by a template, so that no second model is needed; the actor is not reminded of
constraints, and its context is not shortened. A call that the user was asked about and did not
decline is let through, once; a declined one is sent back.
"""

import re
from collections.abc import Callable, Sequence

from sidecritic.checks.facts import Exchange, Facts
from sidecritic.english.acts import affirms
from sidecritic.english.listings import short, words_of
from sidecritic.types import (
    Approve,
    Assistant,
    Judgement,
    Proposal,
    Replace,
    Revise,
    ToolCall,
    Verdict,
)

Mutates = Callable[[ToolCall], bool]

_DECLINES = re.compile(r"^\W*(no|nope|not (yet|now)|don'?t|do not|stop|wait)\b")


class Confirmation:
    """Puts a question to the user in place of the first attempt at a change."""

    name = "confirmation"

    def __init__(self, *, mutates: Mutates | None = None) -> None:
        """Prepare; `mutates` narrows down which calls of tools that may write are changes."""
        self._mutates: Mutates = mutates or (lambda call: True)

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return `Replace` with the question, or what follows from its answer; never fails."""
        facts = Facts.of(proposal)
        changes = [c for c in facts.proposed if facts.may_write(c.name) and self._mutates(c)]
        if not changes:
            return Judgement(verdict=Approve(), critic=self.name, status="skipped")
        question = question_about(changes)
        verdict = _verdict(question, _last_asked(question, changes, facts))
        category = "" if isinstance(verdict, Approve) else "unconfirmed change"
        return Judgement(verdict=verdict, critic=self.name, category=category)


def question_about(calls: Sequence[ToolCall]) -> str:
    """Return the calls in words, with the question whether they are wanted."""
    lines = ["Before I go on, please confirm what I am going to do:"]
    for call in calls:
        lines.append(f"{words_of(call.name)}.")
        lines += [f"- {words_of(k)}: {short(v)}" for k, v in (call.arguments or {}).items()]
    return "\n".join((*lines, "Shall I go ahead? Please answer yes or no."))


def _verdict(question: str, asked: Exchange | None) -> Verdict:
    if asked is None:
        action = Assistant(text=question)
        return Replace(action=action, reason="the user has not been asked to confirm this")
    answer = asked.answer.lower
    if _DECLINES.search(answer) and not affirms(answer):
        return Revise(
            feedback="The user was asked to confirm exactly this and declined. Do not do it; "
            "do what the user wants instead, or ask."
        )
    return Approve()


def _last_asked(question: str, calls: Sequence[ToolCall], facts: Facts) -> Exchange | None:
    """Return when the user was asked; `None` once the calls have been made since."""
    asked = [exchange for exchange in facts.exchanges if exchange.question.text == question]
    if not asked:
        return None
    since = [done for done in facts.writes if done.position > asked[-1].question.position]
    made = [(done.call.name, done.arguments) for done in since]
    used_up = all((call.name, call.arguments or {}) in made for call in calls)
    return None if used_up else asked[-1]
