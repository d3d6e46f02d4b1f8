"""The command line."""

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TextIO

_MUTED = ContextVar("muted", default=False)
"""Whether the command was given `--quiet`: all commands have the flag, and none its parameter."""


@contextmanager
def muted() -> Generator[None]:
    """Leave out progress and remarks for the length of the block."""
    token = _MUTED.set(True)
    try:
        yield
    finally:
        _MUTED.reset(token)


def is_muted() -> bool:
    return _MUTED.get()


def main() -> None:
    """Run the command that the process was started with."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character gets a question mark, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        from sidecritic.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as cause:
        abandon(sys.stdout)
        sys.exit(f"sidecritic: {cause}")


def abandon(stream: TextIO | None) -> None:
    """Drop what is still buffered; the interpreter would try to write it again at exit."""
    with suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def note(text: str) -> None:
    """Print one line on stderr for the person who waits."""
    import typer

    from sidecritic.reports.text import plain

    typer.echo(plain(text, 2000), err=True)
