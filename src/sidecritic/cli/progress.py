"""The progress of a workflow on a terminal."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from sidecritic.cli import note
from sidecritic.reports.text import plain
from sidecritic.rollouts import play as rollouts
from sidecritic.rollouts.plan import Played
from sidecritic.workflows.watchers import Watcher

QUIET_SECONDS = 10.0
"""Seconds between two lines about models that are retried."""


def _display(console: Console, *more: ProgressColumn, hidden: bool = False) -> Progress:
    """Return a progress bar with the time left; it shows nothing off a terminal."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        *more,
        console=console,
        disable=hidden or not console.is_terminal,
    )


class Bar:
    """Episodes: time left and the pass rate so far, on stderr.

    A `hidden` one leaves the terminal to a person, and only prints its lines.
    """

    def __init__(
        self, title: str, directory: Path, console: Console | None = None, *, hidden: bool = False
    ) -> None:
        self._directory = directory
        self._resumed = False
        self._graded = self._passed = self._failed = 0
        self._said_waiting = -QUIET_SECONDS
        state = TextColumn("{task.fields[state]}", markup=False)
        self._progress = _display(console or Console(stderr=True), state, hidden=hidden)
        self._task = self._progress.add_task(title, total=None, state="")

    def __enter__(self) -> Self:
        set_on_retry_hooks([self.waiting])
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, *, total: int, finished: int) -> None:
        self._resumed = finished > 0
        self._progress.update(self._task, total=total, completed=finished)
        before = f", {finished} of {total} episodes are there already" if finished else ""
        self.notice(f"writing {self._directory}{before}")

    def episode(self, played: Played) -> None:
        outcome = played.outcome
        self._failed += outcome is None
        if outcome is not None and outcome.passed is not None:
            self._graded += 1
            self._passed += outcome.passed
        self._progress.update(self._task, advance=1, state=self._state())

    def _state(self) -> str:
        parts: list[str] = []
        if self._graded:
            since = " since it was resumed" if self._resumed else ""
            parts.append(f"passed {self._passed}/{self._graded}{since}")
        if self._failed:
            parts.append(f"{self._failed} failure{'s' * (self._failed > 1)}")
        return ", ".join(parts)

    def notice(self, text: str) -> None:
        """Print one line, above the bar if there is one: it would leave traces in it."""
        if self._progress.live.is_started:
            self._progress.console.print(Text(plain(text, 2000)), soft_wrap=True)
        else:
            note(text)

    def waiting(self, details: RetryDetails) -> None:
        """Say that a model is unavailable and retried, but not for every retry."""
        if monotonic() - self._said_waiting >= QUIET_SECONDS:
            self._said_waiting = monotonic()
            self.notice(f"{details.caused_by}; trying again in {details.wait_for:.1f} s")


class _Count(rollouts.Silent):
    """Episodes off a terminal, for one run of many: how many were played."""

    played = finished = 0

    def begin(self, *, total: int, finished: int) -> None:
        self.finished = finished

    def episode(self, played: Played) -> None:
        self.played += 1


@contextmanager
def _counted(title: str) -> Generator[rollouts.Watcher]:
    set_on_retry_hooks([])
    count = _Count()
    yield count
    note(f"{title}: {count.played} played, {count.finished} there already")


class _Steps:
    """Labels: steps of equal length, each one source on one episode."""

    def __init__(self, directory: Path, display: Progress) -> None:
        self._directory = directory
        self._progress = display
        self._task = display.add_task("labels", total=None)

    def begin(self, *, total: int, finished: int) -> None:
        self._progress.update(self._task, total=total, completed=finished)
        if finished:
            self.notice(f"{self._directory}: {finished} of {total} steps are done already")

    def advance(self) -> None:
        self._progress.update(self._task, advance=1)

    def notice(self, text: str) -> None:
        note(text)


class Terminal(Watcher):
    """Prints to stderr: lines, and bars on a terminal."""

    def say(self, text: str) -> None:
        note(text)

    def episodes(
        self, title: str, directory: Path, *, hidden: bool = False, brief: bool = False
    ) -> AbstractContextManager[rollouts.Watcher]:
        if brief and not Console(stderr=True).is_terminal:
            return _counted(title)
        return Bar(title, directory, hidden=hidden)

    @contextmanager
    def labels(self, directory: Path) -> Generator[_Steps]:
        with _display(Console(stderr=True)) as display:
            yield _Steps(directory, display)

    @contextmanager
    def proposals(self, *, hidden: bool = False) -> Generator[Callable[[int, int], None]]:
        with _display(Console(stderr=True), hidden=hidden) as display:
            task = display.add_task("proposals", total=None)
            yield lambda done, total: display.update(task, completed=done, total=total)
