"""Make tasks until there are enough: draft, verify, drop what says the same again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from pydantic import Field

from sidecritic.synthesis.account import Made, Rejected
from sidecritic.synthesis.drafts import Draft
from sidecritic.synthesis.duplicates import Seen
from sidecritic.synthesis.verifying import Rejection, Verified, Verifier
from sidecritic.types import Record, Task


class Author(Protocol):
    """Whoever writes tasks."""

    @property
    def name(self) -> str: ...

    async def draft(self, rng: Random, *, refuse: bool) -> Draft | Rejection:
        """Return a task, or why there is none this time.

        With `refuse`, the right answer to something in it is to refuse.
        """
        ...


class Order(Record):
    """What is to be made."""

    number: int = Field(ge=1)
    seed: int = 0
    refusals: float = Field(default=0.2, ge=0, le=1)
    """Share of tasks in which something must be refused."""
    patience: int = Field(default=20, ge=1)
    """Attempts for each task asked for, after which there are fewer."""
    at_once: int = Field(default=1, ge=1)
    """Drafts that are asked for at the same time; it has a say in which tasks are made."""


@dataclass(slots=True)
class _Bench:
    """What has been made so far."""

    order: Order
    seen: Seen
    tasks: list[Task] = field(default_factory=list[Task])
    kinds: Counter[str] = field(default_factory=Counter[str])
    refusals: int = 0
    rejected: dict[tuple[str, str], list[str]] = field(
        default_factory=dict[tuple[str, str], list[str]]
    )

    @property
    def full(self) -> bool:
        return len(self.tasks) >= self.order.number

    def is_refusal_due(self, ahead: int) -> bool:
        """Whether the next task but `ahead` should be one that is refused."""
        planned = len(self.tasks) + ahead + 1
        return round(self.order.refusals * planned) > round(self.order.refusals * (planned - 1))

    def reject(self, kind: str, rejection: Rejection) -> None:
        self.rejected.setdefault((kind, rejection.reason), []).append(rejection.detail)

    def accept(self, verified: Verified) -> None:
        self.seen.add(verified.task)
        self.tasks.append(verified.task)
        self.kinds[verified.draft.kind] += 1
        self.refusals += verified.draft.refuses


async def make(
    author: Author, verifier: Verifier, order: Order, known: Sequence[Task] = ()
) -> tuple[tuple[Task, ...], Made]:
    """Return tasks and the account of them; the same order always makes the same tasks.

    `known` are tasks that new ones must not repeat. What an author gets wrong is counted;
    whether there are enough is for the caller to see.

    Raises:
        ModelError: the author's model cannot be reached.
    """
    bench = _Bench(order, Seen(known))
    env = verifier.benchmark.name
    attempts = 0
    while not bench.full and attempts < order.patience * order.number:
        batch = range(attempts, attempts + order.at_once)
        attempts += order.at_once
        due = [bench.is_refusal_due(ahead) for ahead in range(len(batch))]
        drafts = await asyncio.gather(
            *(
                author.draft(Random(f"{order.seed}/{env}/{number}"), refuse=refuse)
                for number, refuse in zip(batch, due, strict=True)
            )
        )
        for draft in drafts:
            if not bench.full:
                await _take(draft, verifier, bench)
    return tuple(bench.tasks), _account(bench, env, author.name, attempts)


async def _take(draft: Draft | Rejection, verifier: Verifier, bench: _Bench) -> None:
    if isinstance(draft, Rejection):
        bench.reject("", draft)
        return
    domain = verifier.benchmark.name.replace(":", "-")
    id_ = f"synthetic-{domain}-{bench.order.seed}-{len(bench.tasks)}"
    like = bench.seen.like(verifier.task_of(draft, id_))
    if like is not None:
        bench.reject(draft.kind, Rejection("says nearly the same again", like))
        return
    found = await verifier.verify(draft, id_)
    match found:
        case Rejection():
            bench.reject(draft.kind, found)
        case Verified():
            bench.accept(found)


def _account(bench: _Bench, env: str, author: str, attempts: int) -> Made:
    return Made(
        env=env,
        author=author,
        seed=bench.order.seed,
        asked=bench.order.number,
        made=len(bench.tasks),
        refusals=bench.refusals,
        attempts=attempts,
        kinds=dict(sorted(bench.kinds.items(), key=lambda each: (-each[1], each[0]))),
        rejected=tuple(
            Rejected(kind=kind, reason=reason, number=len(details), example=details[0])
            for (kind, reason), details in sorted(bench.rejected.items())
        ),
    )
