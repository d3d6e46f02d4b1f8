"""One choice of an answer: proposed, judged, perhaps sent back, settled."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from sidecritic.dialects.base import Draft, Rejected, Released
from sidecritic.dialects.responses import held_id
from sidecritic.dialects.resuming import Resume
from sidecritic.errors import ModelError, StoreError
from sidecritic.gateway.modes import mode_of
from sidecritic.gateway.services import Services
from sidecritic.gateway.store.decisions import Decision, action_digest, content_of, decisions_of
from sidecritic.gateway.store.reviews import Approved, Case, SentBack, Unanswered, ruling_on
from sidecritic.gateway.turns.attempt import Attempt, BudgetSpent
from sidecritic.gateway.turns.genai import watched
from sidecritic.gateway.turns.inference import infer
from sidecritic.gateway.turns.request import Question, attempts_of
from sidecritic.gateway.wire.http import Heard
from sidecritic.gateway.wire.refusals import Refused
from sidecritic.seats.seat import Refusal, Seat
from sidecritic.seats.tools import Mode
from sidecritic.seats.turn_log import is_actors_own, is_empty, log_of
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Executed, Judged, Proposed
from sidecritic.types import (
    Answers,
    Assistant,
    Escalate,
    Halt,
    Judgement,
    Revise,
    Sampling,
    Usage,
)

_MAX_REVIEWS = 3
"""How often one turn may be put before a person."""
_BYTES_A_TOKEN = 4
_SAMPLING: Final = Sampling()
"""The request is the client's own: nothing here says how to sample."""


@dataclass
class Settled:
    """What became of one choice."""

    choice: int
    seat: Seat[Attempt]
    log: list[Event]
    turn: int
    released: Released | None = None
    failure: ModelError | Refused | None = None
    """Why nothing leaves."""
    reviews: int = 0

    @property
    def word(self) -> str:
        """How it left, in one word, for a header."""
        last = self.log[-1]
        if not isinstance(last, Executed):
            return "withheld"
        if last.source != "actor":
            return "fallback" if last.source == "fallback" else "replaced"
        if not last.approved:
            return "unapproved"
        return "revised" if len(self.seat.drafts) > 1 else "approved"


@dataclass(frozen=True, slots=True)
class Bench:
    """Settles the choices of one request."""

    question: Question
    services: Services
    opened: list[Settled] = field(default_factory=list["Settled"])
    """The choices that have been begun."""
    _spent: list[int] = field(default_factory=list[int])
    """Tokens of each of the provider's answers."""

    def spend(self, usage: Usage, asked: bytes, heard: Heard) -> None:
        """Count an answer; one whose usage nobody states counts by its length."""
        stated = usage.input_tokens + usage.output_tokens
        self._spent.append(stated or (len(asked) + len(heard.raw)) // _BYTES_A_TOKEN)

    async def settle(self, choice: int, attempt: Attempt) -> Settled:
        """Hold a choice until it may leave; errors of the upstream become its `failure`."""
        settled = self.open(choice, attempt)
        if is_empty(attempt.draft.action) or self._mode(attempt) != "enforce":
            return let_pass(settled)
        try:
            await self._decide(settled)
        except BudgetSpent:
            self._say(settled, self.question.route.limits.fallback_text)
        except (ModelError, Refused) as failure:
            settled.failure = failure
        except StoreError:
            settled.failure = Refused(503, "not_recorded", "the review queue cannot be reached")
        return settled

    async def judge(self, choice: int, attempt: Attempt) -> Settled:
        """Ask the critic about a choice that has left already."""
        settled = self.open(choice, attempt)
        if is_empty(attempt.draft.action) or self._mode(attempt) == "off":
            return let_pass(settled)
        route = self.question.route
        once = {"max_revisions": 0, "on_exhausted": Answers(writes="pass", text="pass")}
        limits = route.limits.model_copy(update=once)
        critic = watched(route.critic, self.question.span)
        supervisor = Supervisor(settled.seat, critic, route.settings.gate, limits, _SAMPLING)
        try:
            await supervisor.decide(
                settled.turn,
                settled.log,
                self.question.briefing(),
                task_id=self.question.origin.request,
            )
        except ModelError as failure:
            settled.failure = failure
        settled.released = attempt.draft
        return settled

    def open(self, choice: int, attempt: Attempt) -> Settled:
        question = self.question
        log, turn = log_of(question.asked.history)
        name = question.asked.model or "upstream"
        seat = Seat(attempt, len(question.asked.history), self._ask_again, name)
        self.opened.append(Settled(choice, seat, log, turn))
        return self.opened[-1]

    def decisions(self, settled: Settled) -> tuple[Decision, ...]:
        """Return the records of a choice."""
        question = self.question
        last = settled.log[-1]
        link = ""
        if isinstance(last, Executed):
            link = self.services.chain.next(question.tenant, question.head, last.action)
        models = [attempt.model for attempt in settled.seat.drafts]
        kept = decisions_of(question.origin, settled.choice, settled.log, link=link, models=models)
        if not question.setup.keeps_content:
            return tuple(kept)
        contents = content_of(settled.log, question.origin.request, question.briefing())
        return tuple(
            decision.model_copy(update={"content": content})
            for decision, content in zip(kept, contents, strict=True)
        )

    def remember(self, settled: Settled) -> None:
        """Keep what a later request may go on from by the answer's id alone."""
        question, released = self.question, settled.released
        if not question.dialect.keeps_history or released is None:
            return
        remember, before = self.services.stored.remember, question.asked.history
        if isinstance(released, Draft):
            remember(question.tenant, settled.seat.latest.id, (*before, released.action))
        else:
            id = held_id(settled.seat.first.id)
            resume = Resume.of(question.body, released, len(question.outgoing.body))
            remember(question.tenant, id, (*before, released), resume)

    def _mode(self, attempt: Attempt) -> Mode:
        return mode_of(attempt.draft.action, self.question.route.settings)

    async def _decide(self, settled: Settled) -> None:
        route, question = self.question.route, self.question
        critic = watched(route.critic, question.span)
        supervisor = Supervisor(settled.seat, critic, route.settings.gate, route.limits, _SAMPLING)
        briefing = question.briefing()
        while True:
            decision = await supervisor.decide(
                settled.turn, settled.log, briefing, task_id=question.origin.request
            )
            match decision:
                case Assistant():
                    settled.released = _released(settled, decision)
                    return
                case Halt(reason=reason):
                    raise Refused(403, "halted", f"the conversation was ended: {reason[:200]}")
                case Escalate(reason=reason):
                    if await self._escalated(settled, reason):
                        return

    async def _escalated(self, settled: Settled, reason: str) -> bool:
        """Put a draft before a person; `False` when it goes back to the model."""
        review = self.question.route.settings.review
        settled.reviews += 1
        wait = review.wait if review.on_escalation == "wait" else 0.0
        draft = _proposed(settled)
        ruling = await ruling_on(
            self._case(settled, draft, reason),
            self.services.reviews,
            wait=wait if settled.reviews <= _MAX_REVIEWS else 0.0,
            clock=self.services.clock,
        )
        match ruling:
            case Approved():
                action = draft.completion.message
                executed = Executed(turn=settled.turn, action=action, source="actor")
                settled.log.append(executed)
                settled.released = settled.seat.latest.draft
            case SentBack(feedback=feedback):
                verdict = Judgement(verdict=Revise(feedback=feedback), critic="reviewer")
                attempt = draft.attempt
                settled.log.append(Judged(turn=settled.turn, attempt=attempt, judgement=verdict))
                return False
            case Unanswered():
                self._say(settled, review.hand_over_text)
        return True

    def _case(self, settled: Settled, draft: Proposed, reason: str) -> Case:
        origin, now = self.question.origin, self.services.clock()
        number = len(settled.seat.drafts) - 1
        action = draft.completion.message
        return Case(
            id=f"{origin.request}.{settled.choice}.{number}",
            decision=f"{origin.request}.{settled.choice}.{number}",
            digest=action_digest(origin, action),
            tenant=origin.tenant,
            route=origin.route,
            tools=",".join(call.name for call in action.calls),
            reason=reason,
            at=now,
            expires=now + self.question.route.settings.review.expiry,
            # A person cannot approve what they do not see, so an open case always shows it.
            content=action.model_dump(mode="json"),
        )

    def _say(self, settled: Settled, text: str) -> None:
        action = Assistant(text=text)
        settled.log.append(
            Executed(turn=settled.turn, action=action, source="fallback", approved=False)
        )
        settled.released = action

    def _require_tokens(self) -> None:
        """Check that there are tokens left: of the provider and the critic, for all choices."""
        allowed = self.question.setup.limits.tokens
        judged = [e.judgement.usage for s in self.opened for e in s.log if isinstance(e, Judged)]
        used = sum(self._spent) + sum(u.input_tokens + u.output_tokens for u in judged)
        if allowed is not None and used >= allowed:
            raise BudgetSpent(f"{used:,} tokens used, {allowed:,} allowed")

    async def _ask_again(self, refused: Sequence[Refusal[Attempt]]) -> Attempt:
        """Send the client's own request, grown by the refused drafts and their answers.

        Raises:
            Passed: the upstream answered with an error.
            BudgetSpent: too many tokens have been used.
            ModelError: no usable answer.
        """
        self._require_tokens()
        question = self.question
        rejected = [Rejected(r.draft.draft.raw, r.action, r.answers) for r in refused]
        grown = question.dialect.again(question.body, rejected)
        body = json.dumps(grown, ensure_ascii=False).encode()
        started = perf_counter()
        heard, _, answered = await infer(question, question.again(body))
        self.spend(answered.usage, body, heard)
        question.require_known(answered.unknown, where="answer")
        attempts = attempts_of(answered, heard, perf_counter() - started)
        if not attempts:
            raise ModelError("the upstream's answer proposes nothing")
        return attempts[0]


def let_pass(settled: Settled) -> Settled:
    """Let a choice leave unjudged, and say so in its log."""
    attempt = settled.seat.first
    settled.seat.drafts.append(attempt)
    proposed = Proposed.of_parts(
        event="proposed", turn=settled.turn, attempt=0, completion=attempt.completion()
    )
    settled.log.append(proposed)
    executed = Executed.of_parts(
        event="executed",
        turn=settled.turn,
        action=attempt.draft.action,
        source="actor",
        approved=True,
    )
    settled.log.append(executed)
    settled.released = attempt.draft
    return settled


def _released(settled: Settled, decision: Assistant) -> Released:
    return settled.seat.latest.draft if is_actors_own(settled.log[-1]) else decision


def _proposed(settled: Settled) -> Proposed:
    return next(e for e in reversed(settled.log) if isinstance(e, Proposed))
