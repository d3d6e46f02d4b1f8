"""The output of a command: exit codes, one JSON object, messages on stderr.

0    success
1    it ran, and something failed
2    it could not run: bad input
130  interrupted; what was finished is kept
"""

import logging
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, redirect_stdout
from errno import EBADF
from typing import TYPE_CHECKING, Any, TextIO

import typer
from pydantic import BaseModel

from sidecritic.cli import abandon, is_muted, note
from sidecritic.errors import ConfigError, SidecriticError

if TYPE_CHECKING:
    from sidecritic.workflows.watchers import Watcher

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


@contextmanager
def _remarks() -> Generator[None]:
    """Print what the library logs, such as which local model it has loaded."""
    if is_muted():
        yield
        return
    log, notes = logging.getLogger("sidecritic"), _Notes(logging.INFO)
    before = log.level
    log.addHandler(notes)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(notes)
        log.setLevel(before)


class Output:
    """Standard output of one command: one JSON object, or tables."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = sys.stdout

    @property
    def watcher(self) -> "Watcher":
        """What follows a workflow on stderr; with `--quiet` nothing does."""
        if is_muted():
            from sidecritic.workflows.watchers import SILENT

            return SILENT
        from sidecritic.cli.progress import Terminal

        return Terminal()

    def json(self, value: BaseModel | dict[str, Any]) -> None:
        """Print the object."""
        from json import dumps

        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        with self._writing() as out:
            out.write(dumps(plain, indent=2) + "\n")

    def tables(self, *renderables: Any) -> None:
        """Print tables as wide as the terminal is, and lines as they are."""
        from rich.console import Console

        with self._writing() as out:
            console = Console(file=out, highlight=False)
            # Captured, because rich ends broken pipes in its own way.
            with console.capture() as captured:
                for renderable in renderables:
                    console.print(renderable, markup=False, soft_wrap=isinstance(renderable, str))
            out.write(captured.get())

    def show(self, value: BaseModel | dict[str, Any], tables: Callable[[], Iterable[Any]]) -> None:
        """Print the object with `--json`, else the tables of it."""
        if self.as_json:
            self.json(value)
        else:
            self.tables(*tables())

    def lines(self, lines: Iterable[str]) -> int:
        """Print lines as they come, and return how many there were."""
        number = 0
        with self._writing() as out:
            for line in lines:
                out.write(f"{line}\n")
                number += 1
        return number

    @contextmanager
    def _writing(self) -> Generator[TextIO]:
        """Yield standard output; one that takes no more ends the command with one line."""
        try:
            if self._out is None:  # a shell closed it: `>&-`
                raise OSError(EBADF, "it is closed")
            yield self._out
            self._out.flush()
        except OSError as cause:
            abandon(self._out)
            # A reader that has seen enough, as `head` has, needs no explanation.
            if not isinstance(cause, BrokenPipeError):
                note(f"sidecritic: cannot write to standard output: {cause.strerror}")
            raise typer.Exit(FAILED) from None


@contextmanager
def command(*, as_json: bool) -> Generator[Output]:
    """Turn errors into one line on stderr and an exit code; keep stdout for the result."""
    output = Output(as_json=as_json)
    try:
        with redirect_stdout(sys.stderr), _remarks():
            yield output
    except ConfigError as error:
        note(f"sidecritic: {error}")
        raise typer.Exit(BAD_INPUT) from None
    except SidecriticError as error:
        note(f"sidecritic: {type(error).__name__}: {error}")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        note("sidecritic: interrupted; finished episodes are kept, the same command resumes")
        raise typer.Exit(INTERRUPTED) from None
