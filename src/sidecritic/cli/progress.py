"""How far a run is, for whoever watches a terminal."""

from pathlib import Path
from time import monotonic
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from stamina.instrumentation import RetryDetails

from sidecritic.cli.edge import note
from sidecritic.reports.text import plain
from sidecritic.trace import Trajectory

QUIET_SECONDS = 10.0
"""At most one line in that time about models that are tried again."""


class Bar:
    """A progress bar on stderr with time left and running pass rate; nothing off a terminal.

    A `hidden` one leaves the terminal to somebody else, and only says its lines.
    """

    def __init__(
        self, title: str, directory: Path, console: Console | None = None, *, hidden: bool = False
    ) -> None:
        console = console or Console(stderr=True)
        self._directory = directory
        self._resumed = False
        self._graded = self._passed = self._failed = 0
        self._said_waiting = -QUIET_SECONDS
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
            disable=hidden or not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=None, state="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, *, total: int, finished: int) -> None:
        self._resumed = finished > 0
        self._progress.update(self._task, total=total, completed=finished)
        before = f", {finished} of {total} episodes are there already" if finished else ""
        self.notice(f"writing {self._directory}{before}")

    def episode(self, trajectory: Trajectory) -> None:
        outcome = trajectory.ended.outcome if trajectory.ended else None
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
        """Say one line; above the bar while there is one, which would else leave its traces."""
        if self._progress.live.is_started:
            self._progress.console.print(Text(plain(text, 2000)), soft_wrap=True)
        else:
            note(text)

    def waiting(self, details: RetryDetails) -> None:
        """Say that a model is unavailable and tried again; a server that is down says it once."""
        if monotonic() - self._said_waiting >= QUIET_SECONDS:
            self._said_waiting = monotonic()
            self.notice(f"{details.caused_by}; trying again in {details.wait_for:.1f} s")


class Steps:
    """A progress bar on stderr for work in equal steps; nothing off a terminal."""

    def __init__(self, title: str, directory: Path, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._directory = directory
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, *, total: int, finished: int) -> None:
        self._progress.update(self._task, total=total, completed=finished)
        if finished:
            self.notice(f"{self._directory}: {finished} of {total} steps are done already")

    def advance(self) -> None:
        self._progress.update(self._task, advance=1)

    def notice(self, text: str) -> None:
        """Say one line."""
        note(text)
