"""The progress of an order, on file: when a model becomes unavailable, no finished task is lost.

The first line is the order; each line after it is a batch of drafts and what became of them. The
file is append-only, and is removed when all tasks are written to their destination.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from sidecritic.errors import ConfigError
from sidecritic.journal import Journal, open_journal
from sidecritic.types import Record, Task


class AcceptedTask(Record):
    """A task that was made."""

    task: Task
    kind: str
    refuses: bool


class RefusedDraft(Record):
    """A draft that was not used."""

    kind: str
    reason: str
    detail: str


class Batch(Record):
    """Drafts that were asked for at the same time, and what became of them."""

    attempts: int
    """Of this batch and of all before it."""
    accepted: tuple[AcceptedTask, ...] = ()
    refused: tuple[RefusedDraft, ...] = ()


class LedgerHeader(Record):
    """The first line: only the same order by the same author is resumed."""

    env: str
    author: str
    order: str
    """As JSON."""


class Ledger:
    """Batches in a journal; get one from `open_ledger`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._begun = ""

    def begin(self, begun: LedgerHeader) -> tuple[Batch, ...]:
        """Return the batches of this order that are stored.

        Raises:
            ConfigError: it is of another order.
        """
        journal, file = self._journal, self._journal.file
        cut = len(journal.unfinished())
        lines = file.read_bytes()[: journal.size - cut].splitlines()
        if not lines:
            journal.drop(cut)
            # Written with the first batch: without one there is nothing to resume.
            self._begun = begun.model_dump_json() + "\n"
            return ()
        try:
            there = LedgerHeader.model_validate_json(lines[0])
            batches = tuple(map(Batch.model_validate_json, lines[1:]))
        except ValidationError as cause:
            raise ConfigError(f"{file} is damaged; remove it to start over") from cause
        if there != begun:
            raise ConfigError(
                f"{file} holds tasks of another order ({there.env} by {there.author}, "
                f"{there.order}); give the same flags to resume, or remove it to start over"
            )
        journal.drop(cut)
        return batches

    def add(self, batch: Batch) -> None:
        self._journal.append(f"{self._begun}{batch.model_dump_json()}\n")
        self._begun = ""


@contextmanager
def open_ledger(file: Path) -> Generator[Ledger]:
    """Open a ledger, new or to resume; it is removed when all went well.

    Raises:
        ConfigError: it cannot be written, or another process writes it.
    """
    with open_journal(file) as journal:
        is_done = False
        try:
            yield Ledger(journal)
            is_done = True
        finally:
            if is_done or not journal.size:
                file.unlink(missing_ok=True)
