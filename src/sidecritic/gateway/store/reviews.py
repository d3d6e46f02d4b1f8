"""Cases for a person: what was escalated, and what became of it.

An approval is bound to the digest of tenant, policy and action: it releases exactly that
action, once, and only until it expires.
"""

import asyncio
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from pydantic import JsonValue

from sidecritic.types import Record

Status = Literal["open", "approved", "rejected", "expired", "used"]

POLL = 0.25
"""Seconds between two looks at a case that a request waits for."""


class ReviewCase(Record):
    id: str
    decision: str
    """Id of the decision that escalated."""
    digest: str
    tenant: str
    route: str
    tools: str
    reason: str
    at: float
    expires: float
    status: Status = "open"
    feedback: str = ""
    """What the reviewer says to the model, when rejecting."""
    reviewer: str = ""
    content: dict[str, JsonValue] | None = None


class Reviews(Protocol):
    """Where cases wait for a person."""

    async def open(self, case: ReviewCase) -> None: ...

    async def use_approval(self, tenant: str, digest: str, now: float) -> bool:
        """Use up a valid approval of exactly this action, if there is one."""
        ...

    async def look(self, case_id: str) -> ReviewCase | None: ...


class SentBack(NamedTuple):
    feedback: str


ReviewRuling = Literal["approved", "unanswered"] | SentBack


async def ask_reviewer(
    case: ReviewCase, reviews: Reviews, *, wait: float, clock: Callable[[], float]
) -> ReviewRuling:
    """File a case and return what a person decides within `wait` seconds."""
    if await reviews.use_approval(case.tenant, case.digest, clock()):
        return "approved"
    await reviews.open(case)
    until = min(clock() + wait, case.expires)
    while clock() < until:
        await asyncio.sleep(POLL)
        seen = await reviews.look(case.id)
        if seen is not None and seen.status == "rejected":
            return SentBack(seen.feedback or "A reviewer refused it.")
        if seen is not None and seen.status == "approved":
            used = await reviews.use_approval(case.tenant, case.digest, clock())
            return "approved" if used else "unanswered"
    return "unanswered"
