"""Structured logs: one JSON object a line, names and numbers only, never what was said."""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

_FIELDS = (
    "request",
    "tenant",
    "route",
    "endpoint",
    "status",
    "seconds",
    "count",
    "error",
    "what",
)


class JsonLines(logging.Formatter):
    """Writes a record and the fields that this package gives it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {
            name: value for name in _FIELDS if (value := getattr(record, name, None)) is not None
        }
        if record.exc_info and record.exc_info[0] is not None:
            # The text of a foreign error may quote what was said.
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True)


def log_to(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Send the logs of the gateway and its server to a stream."""
    sink = logging.StreamHandler(stream)
    sink.setFormatter(JsonLines())
    for name in ("sidecritic", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [sink]
        logger.setLevel(level)
        logger.propagate = False
