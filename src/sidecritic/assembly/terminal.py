"""The terminal that this process was started in, for a critic that asks a person."""

import os
import sys
from shutil import get_terminal_size

from sidecritic.critics.human import Terminal
from sidecritic.errors import ConfigError


class Keyboard:
    """Lines that are typed, read from the descriptor itself.

    A thread that waits in `sys.stdin` holds its lock, and the interpreter aborts at exit if it
    cannot get it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._typed = b""

    def readline(self) -> str:
        """Return the next line with its newline; nothing at the end of the input."""
        while b"\n" not in self._typed:
            more = os.read(self._descriptor, 4096)
            if not more:
                break
            self._typed += more
        line, newline, self._typed = self._typed.partition(b"\n")
        return (line + newline).decode(errors="replace")


def terminal_here() -> Terminal:
    """Return the terminal of standard input; questions go to standard error, not to results.

    Raises:
        ConfigError: standard input is not a terminal.
    """
    # A process whose input was closed has none.
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        raise ConfigError(
            "the critic 'human' asks at the terminal, and standard input is not one; start the "
            "command in a terminal, without a pipe, or choose another critic"
        )
    return Terminal(Keyboard(sys.stdin.fileno()), sys.stderr, width=get_terminal_size().columns)
