"""One decision of the gateway, as lines for a person."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from sidecritic.reports.text import plain

_LONG = 2000
"""Characters of one message, or one value."""
_Body = Mapping[str, Any]


def shown_time(at: float) -> str:
    """Return seconds since 1970 as a date and time, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def decision_lines(row: _Body) -> Iterator[str]:
    """Yield all that is on record, and what was said, where that is stored, as a talk."""
    for key, value in row.items():
        if key == "at":
            yield f"at: {datetime.fromtimestamp(value, UTC).isoformat(timespec='milliseconds')}"
        elif key == "content":
            yield from _content_lines(cast(_Body, value or {}))
        else:
            yield f"{key}: {_shown(value)}"


def _content_lines(content: _Body) -> Iterator[str]:
    proposal = cast(_Body, content.get("proposal") or {})
    for key in ("policy", "context"):
        if proposal.get(key):
            yield f"{key}: {_shown(proposal[key])}"
    for message in proposal.get("history", ()):
        yield f"  {_message(message)}"
    if action := proposal.get("action"):
        yield f"proposed: {_message(action)}"
    judgement = cast(_Body, content.get("judgement") or {})
    for key in ("verdict", "policy_ref", "rationale", "flags"):
        if judgement.get(key):
            yield f"judged, {key}: {_shown(judgement[key])}"


def _message(message: _Body) -> str:
    said = [_shown(message["text"])] if message.get("text") else []
    for call in message.get("calls", ()):
        arguments = call["raw"] if call.get("arguments") is None else call["arguments"]
        said.append(f"{plain(call['name'], 80)}({_shown(arguments)})")
    role = str(message.get("role", ""))
    return (
        f"{role if role != 'tool' else 'tool ' + str(message.get('name', ''))}: {'; '.join(said)}"
    )


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            return plain(value, _LONG)
        case _:
            return plain(json.dumps(value, ensure_ascii=False), _LONG)
