"""Logs: one JSON object a line, names and numbers only, never what was said."""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

_OWN = ("sidecritic", "uvicorn.error")
_NAMES = ("request", "tenant", "route", "endpoint", "what", "error")
_FIELDS = (*_NAMES, "status", "seconds", "count")


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


def log_to(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Send the logs of the gateway and its server to a stream, and warnings of all others."""
    # No line names threads or processes, and looking them up is a third of a record's cost.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    sink = logging.StreamHandler(stream)
    sink.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [sink]
    root.setLevel(logging.WARNING)
    for name in _OWN:
        logging.getLogger(name).setLevel(level)
