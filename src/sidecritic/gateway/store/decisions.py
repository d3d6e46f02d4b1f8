"""What is recorded of each proposal, from the log of its turn.

A record holds digests, names and counts. What was said stands in `content`, which is empty
unless the operator has switched it on.
"""

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Literal

from pydantic import JsonValue

from sidecritic.checks.looking import failures_in
from sidecritic.dialects.parts import substance
from sidecritic.seats.tools import Mode
from sidecritic.trace import Event, Executed, Failed, Judged, Proposed, proposals
from sidecritic.types import Assistant, Briefing, Record, Usage

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

_REASONS = {
    "CriticTimeout": "timeout",
    "timeout": "timeout",
    "ModelUnavailable": "unavailable",
    "ModelRejected": "rejected",
    "ModelError": "unreadable",
    "CriticError": "unreadable",
    "error": "error",
}
"""By class of error or status of a judgement; anything else is an exception."""
_QUOTED = re.compile(r" ?\(.*\)", re.DOTALL)
"""What a server said."""
_AT = re.compile(r" at \S+:\d+\Z")
_PLACE = re.compile(r" \[([^\[\]]+:\d+)\]\Z")

Fate = Literal["released", "withheld", "pending"]
"""`pending`: released in shadow mode, and not judged yet."""

VerdictKind = Literal["approve", "revise", "replace", "escalate", "halt", "none"]
"""`none`: it was not judged, by setting or because the critic failed."""


class Origin(Record):
    """Where a proposal came from, the same for all of one request."""

    request: str
    at: float
    """Seconds since 1970."""
    tenant: str
    route: str
    mode: Mode
    endpoint: str
    stream: bool
    config: str
    """Digest of the settings."""
    policy: str
    """Digest of the policy's text: the route's, or else the system prompt."""
    critic: str
    critic_version: str
    before: str = ""
    """Digest chain up to the turn before this one: what binds the requests of a conversation."""
    unverified: bool = False
    """Whether the request held turns that were never released here."""
    unknown: str = ""
    """Shapes that no dialect knows and the settings let pass."""


class DecisionRecord(Record):
    """One proposal and what became of it."""

    id: str
    origin: Origin
    choice: int
    turn: int
    attempt: int
    fate: Fate
    source: str
    """Who wrote what left: `actor`, `critic`, `fallback`; empty for what did not leave."""
    approved: bool
    digest: str
    """Of tenant, route, policy and action: what an approval is bound to."""
    tools: str
    """Names of the called tools."""
    link: str
    """Digest chain up to this turn, for what left; empty otherwise."""
    model: str
    verdict: VerdictKind
    status: str
    """`ok`, `error`, `timeout`, `skipped`, `ungated`."""
    risk: float | None
    calibrated: bool
    category: str
    """Of the fault; or why and where the critic failed, as `unavailable: critic 'llm:m': ...`."""
    broken: str
    """Checks that failed, each with what and where, as `CHECK: KeyError at checks.py:12`."""
    actor_usage: Usage
    critic_usage: Usage
    actor_seconds: float
    critic_seconds: float
    content: dict[str, JsonValue] | None = None

    @property
    def failure(self) -> str:
        """Why the critic failed, in one word; empty when it did not."""
        has_failed = self.verdict == "none" and self.status in ("error", "timeout")
        return self.category.partition(":")[0] if has_failed else ""

    @property
    def trouble(self) -> str:
        """Why and in what critic and checks failed, without addresses; empty when none did."""
        place = _AT.search(self.category)
        critic = f"{self.failure}: {self.origin.critic}{place[0] if place else ''}"
        return "; ".join(filter(None, (critic if self.failure else "", self.broken)))

    @property
    def would_block(self) -> bool:
        """Whether enforcing would have kept this proposal back."""
        return self.verdict not in ("approve", "none")


def canonical(value: JsonValue) -> bytes:
    return _CANONICAL.encode(value).encode()


def policy_digest(policy: str) -> str:
    """Return the digest that records name a policy by."""
    return sha256(policy.encode(errors="replace")).hexdigest()[:16]


def action_digest(origin: Origin, action: Assistant) -> str:
    """Return the digest that an approval of exactly this action is bound to."""
    where = [origin.tenant, origin.route, origin.policy]
    return sha256(canonical([*where, substance(action)])).hexdigest()


def decisions_of(
    origin: Origin, choice: int, log: Sequence[Event], *, link: str, models: Sequence[str]
) -> Iterator[DecisionRecord]:
    """Walk over the proposals of one turn; `models` name who made them."""
    proposed = [(at, e) for at, e in enumerate(log) if isinstance(e, Proposed)]
    executed = next((e for e in reversed(log) if isinstance(e, Executed)), None)
    for number, (at, event) in enumerate(proposed):
        is_last = number + 1 == len(proposed)
        after = log[at + 1 : proposed[number + 1][0] if not is_last else len(log)]
        judgement = next((e.judgement for e in after if isinstance(e, Judged)), None)
        failure = next((e for e in after if isinstance(e, Failed) and e.where == "critic"), None)
        why = why_failed(failure)
        unjudged = "timeout" if why.startswith("timeout:") else "error" if why else "ungated"
        left = executed if is_last else None
        action = event.completion.message
        yield DecisionRecord.of_parts(
            id=f"{origin.request}.{choice}.{number}",
            origin=origin,
            choice=choice,
            turn=event.turn,
            attempt=number,
            fate="released" if left and left.source == "actor" else "withheld",
            source=left.source if left else "",
            approved=left.approved if left else False,
            digest=action_digest(origin, action),
            tools=",".join(call.name for call in action.calls),
            link=link if is_last else "",
            model=models[number] if number < len(models) else event.completion.model,
            verdict=judgement.verdict.kind if judgement else "none",
            status=judgement.status if judgement else unjudged,
            risk=judgement.risk if judgement else None,
            calibrated=judgement.calibrated if judgement else False,
            category=judgement.category if judgement else why,
            broken=failures_in(judgement.flags) if judgement else "",
            critic_usage=judgement.usage if judgement else Usage(),
            critic_seconds=judgement.seconds if judgement else 0.0,
            actor_usage=event.completion.usage,
            actor_seconds=event.completion.seconds,
            content=None,
        )


def why_failed(failure: Failed | None) -> str:
    """Say why and where a critic failed, without what was said: `rejected: critic 'llm:m': …`."""
    if failure is None:
        return ""
    reason, said = _REASONS.get(failure.error, "exception"), failure.message
    if reason == "exception":
        # Its text may quote anything; its name comes after the check or critic that it broke.
        place = _PLACE.search(said)
        said = said.partition(f"{failure.error}:")[0] + failure.error
        said += f" at {place[1]}" if place else ""
    return f"{reason}: {_QUOTED.sub('', said)}"


def content_of(
    log: Sequence[Event], task_id: str, briefing: Briefing
) -> Iterator[dict[str, JsonValue]]:
    """Walk over the proposals of a log with their judgements, as training data needs them."""
    for proposal, judgement in proposals(log, task_id=task_id, briefing=briefing):
        judged = judgement.model_dump(mode="json") if judgement else None
        yield {"proposal": proposal.model_dump(mode="json"), "judgement": judged}
