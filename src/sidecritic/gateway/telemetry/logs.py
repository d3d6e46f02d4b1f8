"""Logs: one JSON object a line, names and numbers only, never what was said."""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from sidecritic.errors import SidecriticError, boundary, place_of

_OWN = ("sidecritic", "uvicorn.error")
_NAMES = ("request", "tenant", "route", "endpoint", "what", "error")
_FIELDS = (*_NAMES, "status", "seconds", "count")
_WARNING = re.compile(r".*?:\d+: \w+")
"""Where a warning came from, and of which kind it is, without its text."""
_SAID = re.compile(r"sidecritic: (warning: )?")
_WAITING = 10_000
"""Lines that may wait for a slow reader."""
_MOMENT = 0.05
"""Seconds in which lines gather."""
_LAST = 0.5
"""Seconds for the last lines, when the process ends."""
_PIECE = 4096
"""Bytes that a pipe takes whole, so that lines of several processes do not mix (PIPE_BUF)."""


class JsonLines(logging.Formatter):
    """Writes a record and the fields that this package gives it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "pid": os.getpid(),
            "logger": record.name,
            "message": _message(record),
        }
        given = record.__dict__
        line |= {name: value for name in _FIELDS if (value := given.get(name)) is not None}
        if record.exc_info and (error := record.exc_info[1]) is not None:
            # The text of a foreign error may quote what was said.
            line["error"] = type(error).__name__
            line["place"] = place_of(error)
        return json.dumps(line, ensure_ascii=True)


def _message(record: logging.LogRecord) -> str:
    """Return what happened; of others' messages only the constant part, not what was said."""
    if record.name.startswith(_OWN):
        return record.getMessage()
    if record.name == "py.warnings" and (found := _WARNING.match(record.getMessage())):
        return found[0]
    return str(record.msg).partition("\n")[0][:200]


_HOOKS = (
    (sys, "excepthook", "the server ended with an error"),
    (sys, "unraisablehook", "the end of an object failed"),
    (threading, "excepthook", "a thread ended with an error"),
)


def _caught(message: str, *given: Any) -> None:
    """Log an error, as the hooks of `sys` and `threading` are told of it."""
    error = given[1] if len(given) == 3 else given[0].exc_value
    if not isinstance(error, KeyboardInterrupt):
        logging.getLogger("sidecritic.gateway").error(message, exc_info=error)


class LogSink(logging.Handler):
    """Writes lines from a thread of its own: nothing waits for their reader, nothing fails.

    The thread writes what has gathered in a moment, so that it takes few turns from the loop.
    """

    def __init__(self, write: Callable[[bytes], int]) -> None:
        """Start; `write` returns how many bytes it took, as `os.write` does."""
        super().__init__()
        self.dropped = 0
        """Lines that were too many, or could not be written."""
        self._write = write
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._ended = Event()
        self._undo = ExitStack()
        self._thread = Thread(target=self._work, name="sidecritic-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record in line."""
        try:
            with boundary(SidecriticError, "a line of the log"):
                self._put(self.format(record))
        except SidecriticError:
            self.dropped += 1

    def say(self, text: str) -> None:
        """Put what the server says for itself in line, as a record of its own."""
        mark = _SAID.match(text)
        level = logging.WARNING if mark and mark[1] else logging.INFO
        said = text[mark.end() :] if mark else text
        self.emit(
            logging.makeLogRecord(
                {
                    "name": "sidecritic",
                    "levelno": level,
                    "msg": said,
                    "levelname": logging.getLevelName(level),
                }
            )
        )

    def _put(self, line: str) -> None:
        if self._lines.qsize() < _WAITING:
            self._lines.put(line)
        else:
            self.dropped += 1

    def close(self) -> None:
        """Write what is waiting, if somebody reads it."""
        self._undo.close()
        self._ended.set()
        self._lines.put(None)
        self._thread.join(_LAST)
        super().close()

    def catch(self) -> None:
        """Write warnings, and errors that nobody caught, until this is closed."""
        for place, name, message in _HOOKS:
            self._undo.callback(setattr, place, name, getattr(place, name))
            setattr(place, name, partial(_caught, message))
        logging.captureWarnings(True)
        self._undo.callback(logging.captureWarnings, False)

    def _work(self) -> None:
        last: str | None = ""
        while last is not None:
            got = [self._lines.get()]
            self._ended.wait(_MOMENT)
            got += [self._lines.get() for _ in range(self._lines.qsize())]
            last = None if None in got else ""
            said = [line for line in got if line is not None]
            for lines, text in _pieces(said):
                try:
                    while text:  # a pipe that is nearly full takes a part
                        text = text[self._write(text) :]
                except (OSError, ValueError):  # a full disk, a reader that left, a closed stream
                    self.dropped += lines


def _pieces(lines: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """Walk over whole lines that are written at once, with their number."""
    number, piece = 0, b""
    for line in lines:
        written = f"{line}\n".encode(errors="replace")
        if piece and len(piece) + len(written) > _PIECE:
            yield number, piece
            number, piece = 0, b""
        number, piece = number + 1, piece + written
    if piece:
        yield number, piece


def log_to(write: Callable[[bytes], int], *, level: int = logging.INFO) -> LogSink:
    """Send the logs of the gateway and its server there, and warnings of all others."""
    # No line names threads or processes, and looking them up is a third of a record's cost.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    sink = LogSink(write)
    sink.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [sink]
    root.setLevel(logging.WARNING)
    for name in _OWN:
        logger = logging.getLogger(name)
        logger.handlers.clear()  # of a command line, which speaks to people
        logger.setLevel(level)
    sink.catch()
    return sink
