"""Where a command meets the shell: exit codes, one JSON object, messages on stderr.

0    it did what was asked
1    it ran, and something in it failed
2    it could not run: bad input
130  interrupted; what was finished is kept
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import typer
from pydantic import BaseModel

from sidecritic.errors import ConfigError, SidecriticError

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


def note(text: str) -> None:
    """Say one line to the person who waits."""
    from sidecritic.reports.text import plain

    typer.echo(plain(text, 2000), err=True)


class Output:
    """Standard output of one command: one JSON object, or tables."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = sys.stdout

    def json(self, value: BaseModel | dict[str, Any]) -> None:
        """Print the object."""
        from json import dumps

        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        self._out.write(dumps(plain, indent=2) + "\n")

    def tables(self, *renderables: Any) -> None:
        """Print tables as wide as the terminal is, and lines as they are."""
        from rich.console import Console

        console = Console(file=self._out, highlight=False)
        for renderable in renderables:
            console.print(renderable, markup=False, soft_wrap=isinstance(renderable, str))


@contextmanager
def command(*, as_json: bool) -> Generator[Output]:
    """Turn errors into one line on stderr and an exit code; keep stdout for the result."""
    output = Output(as_json=as_json)
    try:
        with redirect_stdout(sys.stderr):
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
