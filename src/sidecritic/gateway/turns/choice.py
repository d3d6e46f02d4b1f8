"""One choice of an answer: proposed, judged, perhaps sent back, released or not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Final

from pydantic import JsonValue

from sidecritic.dialects.base import Rejected, Released, WireDraft
from sidecritic.dialects.responses import held_id
from sidecritic.dialects.resuming import Resume
from sidecritic.errors import ModelError, StoreError
from sidecritic.gateway.modes import mode_of
from sidecritic.gateway.services import Services
from sidecritic.gateway.store import decisions, reviews
from sidecritic.gateway.turns.attempt import Attempt, attempts_of
from sidecritic.gateway.turns.genai import watched
from sidecritic.gateway.turns.inference import infer
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.gateway.wire.http import RawAnswer
from sidecritic.gateway.wire.refusals import HttpError
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
    Limits,
    Revise,
    Sampling,
    Usage,
)
from sidecritic.values import objects_of

_MAX_REVIEWS = 3
"""How often one turn may be put before a person."""
_BYTES_A_TOKEN = 4
_SAMPLING: Final = Sampling()
"""The request is the client's own: nothing here says how to sample."""


class BudgetSpent(ModelError):
    """A request has used the tokens that the operator allows it."""


@dataclass
class Choice:
    number: int
    seat: Seat[Attempt]
    log: list[Event]
    turn: int
    released: Released | None = None
    failure: ModelError | HttpError | None = None
    """Why nothing leaves."""
    reviews: int = 0

    @property
    def outcome(self) -> str:
        """How it left, in one word, for a header."""
        last = self.log[-1]
        if not isinstance(last, Executed):
            return "withheld"
        if last.source != "actor":
            return "fallback" if last.source == "fallback" else "replaced"
        if not last.approved:
            return "unapproved"
        return "revised" if len(self.seat.drafts) > 1 else "approved"

    def let_pass(self) -> "Choice":
        """Let it leave unjudged, and say so in its log."""
        first, turn = self.seat.first, self.turn
        self.seat.drafts.append(first)
        proposed = Proposed.of_parts(
            event="proposed", turn=turn, attempt=0, completion=first.completion()
        )
        executed = Executed.of_parts(
            event="executed", turn=turn, action=first.draft.action, source="actor", approved=True
        )
        self.log += proposed, executed
        self.released = first.draft
        return self

    def say(self, text: str) -> None:
        """Put words of the operator's in its place."""
        self.released = action = Assistant(text=text)
        self.log.append(Executed(turn=self.turn, action=action, source="fallback", approved=False))


@dataclass(frozen=True, slots=True)
class Choices:
    """Settles the choices of one request."""

    request: SupervisedRequest
    services: Services
    opened: list[Choice] = field(default_factory=list[Choice])
    """The choices that have been begun."""
    _spent: list[int] = field(default_factory=list[int])
    """Tokens of each of the provider's answers."""

    def spend(self, usage: Usage, asked: bytes, heard: RawAnswer) -> None:
        """Count an answer; one that states no usage counts by its length."""
        stated = usage.input_tokens + usage.output_tokens
        self._spent.append(stated or (len(asked) + len(heard.raw)) // _BYTES_A_TOKEN)

    async def settle(self, number: int, attempt: Attempt) -> Choice:
        """Hold a choice until it may leave; errors of the upstream become its `failure`."""
        choice = self.open(number, attempt)
        if is_empty(attempt.draft.action) or self._mode(attempt) != "enforce":
            return choice.let_pass()
        try:
            await self._decide(choice)
        except BudgetSpent:
            choice.say(self.request.route.limits.fallback_text)
        except (ModelError, HttpError) as failure:
            choice.failure = failure
        except StoreError:
            choice.failure = HttpError(503, "not_recorded", "the review queue cannot be reached")
        return choice

    async def judge(self, number: int, attempt: Attempt) -> Choice:
        """Ask the critic about a choice that has left already."""
        choice = self.open(number, attempt)
        if is_empty(attempt.draft.action) or self._mode(attempt) == "off":
            return choice.let_pass()
        request = self.request
        once = {"max_revisions": 0, "on_exhausted": Answers(writes="pass", text="pass")}
        supervisor = self._supervisor(choice, request.route.limits.model_copy(update=once))
        briefing, id = request.briefing(), request.origin.request
        try:
            await supervisor.decide(choice.turn, choice.log, briefing, task_id=id)
        except ModelError as failure:
            choice.failure = failure
        choice.released = attempt.draft
        return choice

    def open(self, number: int, attempt: Attempt) -> Choice:
        asked = self.request.asked
        log, turn = log_of(asked.history)
        seat = Seat(attempt, len(asked.history), self._ask_again, asked.model or "upstream")
        self.opened.append(Choice(number, seat, log, turn))
        return self.opened[-1]

    def decisions(self, choice: Choice) -> tuple[decisions.DecisionRecord, ...]:
        """Return the records of a choice."""
        request, log = self.request, choice.log
        last, link = log[-1], ""
        if isinstance(last, Executed):
            link = self.services.history.next(request.tenant, request.head, last.action)
        models = [attempt.model for attempt in choice.seat.drafts]
        found = decisions.decisions_of(request.origin, choice.number, log, link=link, models=models)
        if not request.setup.keeps_content:
            return tuple(found)
        contents = decisions.content_of(log, request.origin.request, request.briefing())
        return tuple(
            decision.model_copy(update={"content": content})
            for decision, content in zip(found, contents, strict=True)
        )

    async def remember(self, choice: Choice) -> None:
        """Remember what a later request may continue by the answer's id alone."""
        request, released = self.request, choice.released
        if not request.asked.is_kept or released is None:
            return
        action = released.action if isinstance(released, WireDraft) else released
        said = replace(request.asked, history=(*request.asked.history, action))
        if not said.kept:  # each request says its tools anew
            said = replace(said, system="", tools=(), hints={})
        remember = self.services.conversations.remember
        if isinstance(released, WireDraft):
            await self.remember_items([released.raw])
            await remember(request.tenant, choice.seat.latest.id, said)
            return
        resume, id = (
            Resume.of(request.body, released, len(request.outgoing.body)),
            choice.seat.first.id,
        )
        written = request.dialect.rewritten({"id": id}, [released], request.body)
        await self.remember_items([written.get("output")], is_ours=True)
        await remember(request.tenant, held_id(id), said, resume)

    async def remember_items(self, outputs: Sequence[JsonValue], *, is_ours: bool = False) -> None:
        """Remember what a later request may name by the ids of items alone."""
        items = [each for found in outputs for each in objects_of({"_": found}, "_")]
        if self.request.asked.is_kept:
            await self.services.references.remember(self.request.tenant, items, is_ours=is_ours)

    def _mode(self, attempt: Attempt) -> Mode:
        return mode_of(attempt.draft.action, self.request.route.settings)

    def _supervisor(self, choice: Choice, limits: Limits) -> Supervisor:
        route = self.request.route
        critic = watched(route.critic, self.request.span, self.services.closing)
        return Supervisor(choice.seat, critic, route.settings.gate, limits, _SAMPLING)

    async def _decide(self, choice: Choice) -> None:
        supervisor = self._supervisor(choice, self.request.route.limits)
        briefing, id = self.request.briefing(), self.request.origin.request
        while True:
            decision = await supervisor.decide(choice.turn, choice.log, briefing, task_id=id)
            match decision:
                case Assistant():
                    is_own = is_actors_own(choice.log[-1])
                    choice.released = choice.seat.latest.draft if is_own else decision
                    return
                case Halt(reason=reason):
                    raise HttpError(403, "halted", f"the conversation was ended: {reason[:200]}")
                case Escalate(reason=reason):
                    if await self._escalated(choice, reason):
                        return

    async def _escalated(self, choice: Choice, reason: str) -> bool:
        """Put a draft before a person; `False` when it goes back to the model."""
        review = self.request.route.settings.review
        choice.reviews += 1
        waits = review.on_escalation == "wait" and choice.reviews <= _MAX_REVIEWS
        draft = next(e for e in reversed(choice.log) if isinstance(e, Proposed))
        action, turn = draft.completion.message, choice.turn
        ruling = await reviews.ask_reviewer(
            self._case(choice, action, reason),
            self.services.reviews,
            wait=review.wait if waits else 0.0,
            clock=self.services.clock,
        )
        match ruling:
            case "approved":
                choice.log.append(Executed(turn=turn, action=action, source="actor"))
                choice.released = choice.seat.latest.draft
            case reviews.SentBack(feedback=feedback):
                verdict = Judgement(verdict=Revise(feedback=feedback), critic="reviewer")
                choice.log.append(Judged(turn=turn, attempt=draft.attempt, judgement=verdict))
                return False
            case "unanswered":
                choice.say(review.hand_over_text)
        return True

    def _case(self, choice: Choice, action: Assistant, reason: str) -> reviews.ReviewCase:
        origin, now = self.request.origin, self.services.clock()
        id = f"{origin.request}.{choice.number}.{len(choice.seat.drafts) - 1}"
        return reviews.ReviewCase(
            id=id,
            decision=id,
            digest=decisions.action_digest(origin, action),
            tenant=origin.tenant,
            route=origin.route,
            tools=",".join(call.name for call in action.calls),
            reason=reason,
            at=now,
            expires=now + self.request.route.settings.review.expiry,
            # A person cannot approve what they do not see, so an open case always shows it.
            content=action.model_dump(mode="json"),
        )

    def _require_tokens(self) -> None:
        """Check that there are tokens left: of the provider and the critic, for all choices."""
        allowed = self.request.setup.limits.tokens
        judged = [e.judgement.usage for c in self.opened for e in c.log if isinstance(e, Judged)]
        used = sum(self._spent) + sum(u.input_tokens + u.output_tokens for u in judged)
        if allowed is not None and used >= allowed:
            raise BudgetSpent(f"{used:,} tokens used, {allowed:,} allowed")

    async def _ask_again(self, refused: Sequence[Refusal[Attempt]]) -> Attempt:
        """Send the client's own request, grown by the refused drafts and their answers.

        Raises:
            UpstreamError: the upstream answered with an error.
            BudgetSpent: too many tokens have been used.
            ModelError: the answer cannot be used.
        """
        self._require_tokens()
        request, started = self.request, perf_counter()
        rejected = [Rejected(r.draft.draft.raw, r.action, r.answers) for r in refused]
        grown = request.dialect.again(request.body, rejected)
        aside, size = self.services.aside, len(request.outgoing.body)
        body = await aside.run(size, lambda: json.dumps(grown, ensure_ascii=False).encode())
        heard, _, answered = await infer(request, request.again(body), aside)
        self.spend(answered.usage, body, heard)
        request.require_known(answered.unknown, where="answer")
        attempts = attempts_of(answered, heard, perf_counter() - started)
        if not attempts:
            raise ModelError("the upstream's answer proposes nothing")
        return attempts[0]
