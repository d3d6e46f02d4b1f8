"""New tasks until there are enough: draft, verify, drop near-duplicates."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from pydantic import Field

from sidecritic.errors import ModelUnavailable
from sidecritic.simulation.task_record import scenario_of
from sidecritic.splits.near_duplicates import jaccard, shingles
from sidecritic.synthesis.account import RejectedDrafts, SynthesisAccount
from sidecritic.synthesis.drafts import TaskDraft
from sidecritic.synthesis.ledger import AcceptedTask, Batch, Ledger, LedgerHeader, RefusedDraft
from sidecritic.synthesis.verifier import Rejection, Verifier
from sidecritic.types import Record, Task


class Author(Protocol):
    """A writer of tasks."""

    @property
    def name(self) -> str: ...

    async def draft(self, rng: Random, *, refuse: bool) -> TaskDraft | Rejection:
        """Return a task, or why there is none this time.

        With `refuse`, the right answer to something in it is to refuse.
        """
        ...


class SynthesisOrder(Record):
    """How many tasks to make, and of which sort."""

    number: int = Field(ge=1)
    seed: int = 0
    refusals: float = Field(default=0.2, ge=0, le=1)
    """Share of tasks in which something must be refused."""
    patience: int = Field(default=20, ge=1)
    """Attempts for each task asked for, after which there are fewer."""
    at_once: int = Field(default=1, ge=1)
    """Drafts that are asked for at the same time; it has a say in which tasks are made."""


ALIKE = 0.8
"""Jaccard index of runs of three words from which two scenarios are near-duplicates."""


class Scenarios:
    """What the users of tasks want and are; manners do not count."""

    def __init__(self, tasks: Iterable[Task] = ()) -> None:
        self._seen = [(task.id, _shingles(task)) for task in tasks]

    def like(self, task: Task) -> str | None:
        """Return the id of a task that says nearly the same, `None` without one."""
        mine = _shingles(task)
        return next((id_ for id_, other in self._seen if jaccard(mine, other) >= ALIKE), None)

    def add(self, task: Task) -> None:
        self._seen.append((task.id, _shingles(task)))


def _shingles(task: Task) -> frozenset[int]:
    scenario = scenario_of(task)
    return shingles(f"{scenario.reason} {scenario.known}")


@dataclass(slots=True)
class _Bench:
    """What has been made so far."""

    order: SynthesisOrder
    seen: Scenarios
    attempts: int = 0
    accepted: list[AcceptedTask] = field(default_factory=list[AcceptedTask])
    refused: list[RefusedDraft] = field(default_factory=list[RefusedDraft])

    @property
    def tasks(self) -> tuple[Task, ...]:
        return tuple(accepted.task for accepted in self.accepted)

    def is_refusal_due(self, ahead: int) -> bool:
        """Whether the next task but `ahead` should be one that is refused."""
        planned = len(self.accepted) + ahead + 1
        return round(self.order.refusals * planned) > round(self.order.refusals * (planned - 1))

    def take(self, batch: Batch) -> None:
        """Count a batch, whether it was made now or is on file."""
        self.attempts = batch.attempts
        self.accepted += batch.accepted
        self.refused += batch.refused


class Unfinished(ModelUnavailable):
    """The author's model became unavailable; this holds the tasks made so far."""

    def __init__(
        self, cause: ModelUnavailable, tasks: tuple[Task, ...], made: SynthesisAccount
    ) -> None:
        super().__init__(str(cause), cause.retry_after)
        self.tasks = tasks
        self.made = made


async def make(
    author: Author,
    verifier: Verifier,
    order: SynthesisOrder,
    known: Sequence[Task] = (),
    *,
    ledger: Ledger | None = None,
) -> tuple[tuple[Task, ...], SynthesisAccount]:
    """Return tasks and the account of them; the same order always makes the same tasks.

    `known` are tasks that new ones must not repeat. What an author gets wrong is counted;
    whether there are enough is for the caller to see. A ledger keeps what is made as it is
    made, and what is in it is not made again.

    Raises:
        Unfinished: the author's model cannot be reached; it holds what was made.
        ConfigError: the ledger is of another order, or cannot be written.
    """
    env = verifier.benchmark.name
    bench = _Bench(order, Scenarios(known))
    header = LedgerHeader(env=env, author=author.name, order=order.model_dump_json())
    for batch in ledger.begin(header) if ledger else ():
        bench.take(batch)
        for accepted in batch.accepted:
            bench.seen.add(accepted.task)
    most = order.patience * order.number
    while len(bench.accepted) < order.number and bench.attempts < most:
        drafts = await _drafts(author, bench, env)
        usable = [draft for draft in drafts if not isinstance(draft, ModelUnavailable)]
        if usable:
            made = await _batch(usable, verifier, bench)
            bench.take(made)
            if ledger:
                ledger.add(made)
        away = next((draft for draft in drafts if isinstance(draft, ModelUnavailable)), None)
        if away is not None:
            raise Unfinished(away, bench.tasks, _account(bench, env, author.name)) from away
    return bench.tasks, _account(bench, env, author.name)


async def _drafts(
    author: Author, bench: _Bench, env: str
) -> list[TaskDraft | Rejection | ModelUnavailable]:
    """Return a batch of drafts; the error in place of one that the model did not give."""
    seed, first = bench.order.seed, bench.attempts

    async def draft(at: int) -> TaskDraft | Rejection | ModelUnavailable:
        rng = Random(f"{seed}/{env}/{first + at}")
        try:
            return await author.draft(rng, refuse=bench.is_refusal_due(at))
        except ModelUnavailable as away:
            return away

    return await asyncio.gather(*map(draft, range(bench.order.at_once)))


async def _batch(
    drafts: Sequence[TaskDraft | Rejection], verifier: Verifier, bench: _Bench
) -> Batch:
    accepted: list[AcceptedTask] = []
    refused: list[RefusedDraft] = []
    for draft in drafts:
        number = len(bench.accepted) + len(accepted)
        if number >= bench.order.number:
            break
        found = await _verified(draft, verifier, bench, number)
        kind, refuses = ("", False) if isinstance(draft, Rejection) else (draft.kind, draft.refuses)
        if isinstance(found, Task):
            bench.seen.add(found)
            accepted.append(AcceptedTask(task=found, kind=kind, refuses=refuses))
        else:
            refused.append(RefusedDraft(kind=kind, reason=found.reason, detail=found.detail))
    attempts = bench.attempts + bench.order.at_once
    return Batch(attempts=attempts, accepted=tuple(accepted), refused=tuple(refused))


async def _verified(
    draft: TaskDraft | Rejection, verifier: Verifier, bench: _Bench, number: int
) -> Task | Rejection:
    if isinstance(draft, Rejection):
        return draft
    domain = verifier.benchmark.name.replace(":", "-")
    id_ = f"synthetic-{domain}-{bench.order.seed}-{number}"
    like = bench.seen.like(verifier.task_of(draft, id_))
    if like is not None:
        return Rejection("says nearly the same again", like)
    return await verifier.verify(draft, id_)


def _account(bench: _Bench, env: str, author: str) -> SynthesisAccount:
    kinds = Counter(accepted.kind for accepted in bench.accepted)
    examples: dict[tuple[str, str], list[str]] = defaultdict(list)
    for refused in bench.refused:
        examples[refused.kind, refused.reason].append(refused.detail)
    return SynthesisAccount(
        env=env,
        author=author,
        seed=bench.order.seed,
        asked=bench.order.number,
        made=len(bench.accepted),
        refusals=sum(accepted.refuses for accepted in bench.accepted),
        attempts=bench.attempts,
        kinds=dict(sorted(kinds.items(), key=lambda each: (-each[1], each[0]))),
        rejected=tuple(
            RejectedDrafts(kind=kind, reason=reason, number=len(details), example=details[0])
            for (kind, reason), details in sorted(examples.items())
        ),
    )
