"""Logs: one JSON object a line, names and numbers only, never what was said."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Event, Thread

from sidecritic.errors import SidecriticError, boundary

_OWN = ("sidecritic", "uvicorn.error")
_NAMES = ("request", "tenant", "route", "endpoint", "what", "error")
_FIELDS = (*_NAMES, "status", "seconds", "count")
_WAITING = 10_000
"""Lines that may wait for a slow reader."""
_MOMENT = 0.05
"""Seconds in which lines gather."""
_LAST = 0.5
"""Seconds for the last lines, when the process ends."""


class JsonLines(logging.Formatter):
    """Writes a record and the fields that this package gives it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        given = record.__dict__
        line |= {name: value for name in _FIELDS if (value := given.get(name)) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            # The text of a foreign error may quote what was said.
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True)


def _message(record: logging.LogRecord) -> str:
    """Return what happened; of others' messages only the constant part, not what was said."""
    if record.name.startswith(_OWN):
        return record.getMessage()
    return str(record.msg).partition("\n")[0][:200]


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
        self._thread = Thread(target=self._work, name="sidecritic-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record in line."""
        try:
            with boundary(SidecriticError, "a line of the log"):
                self.say(self.format(record))
        except SidecriticError:
            self.dropped += 1

    def say(self, line: str) -> None:
        """Put a line of text in line."""
        if self._lines.qsize() < _WAITING:
            self._lines.put(line)
        else:
            self.dropped += 1

    def close(self) -> None:
        """Write what is waiting, if somebody reads it."""
        self._ended.set()
        self._lines.put(None)
        self._thread.join(_LAST)
        super().close()

    def _work(self) -> None:
        last: str | None = ""
        while last is not None:
            lines = [self._lines.get()]
            self._ended.wait(_MOMENT)
            lines += [self._lines.get() for _ in range(self._lines.qsize())]
            last = None if None in lines else ""
            said = [line for line in lines if line is not None]
            text = "".join(f"{line}\n" for line in said).encode(errors="replace")
            try:
                while text:  # a pipe that is nearly full takes a part
                    text = text[self._write(text) :]
            except (OSError, ValueError):  # a full disk, a reader that left, a closed stream
                self.dropped += len(said)


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
        logging.getLogger(name).setLevel(level)
    return sink
