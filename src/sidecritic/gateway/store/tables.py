"""Tables: decisions, cases for a person, changes by the operator; and a probe."""

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue
from sqlalchemy import JSON, Boolean, Column, Double, Index, Integer, MetaData, String, Table, Text

from sidecritic.dialects.parts import within_integer
from sidecritic.gateway.store.decisions import DecisionRecord, Origin

Row = dict[str, Any]

METADATA = MetaData()


def _filled(kind: Any, *names: str) -> Iterator[Column[Any]]:
    """Yield columns of one type that are never NULL."""
    for name in names:
        yield Column(name, kind, nullable=False)


DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", String(80), primary_key=True),
    *_filled(String(40), "request"),
    *_filled(Double, "at"),
    *_filled(String(64), "tenant", "route"),
    *_filled(String(8), "mode"),
    *_filled(String(40), "endpoint"),
    *_filled(Boolean, "stream"),
    *_filled(Integer, "choice", "turn", "attempt"),
    *_filled(String(10), "fate", "source"),
    *_filled(Boolean, "approved"),
    *_filled(String(64), "digest", "link"),
    *_filled(Text, "tools", "model"),
    *_filled(String(10), "verdict", "status"),
    Column("risk", Double),
    *_filled(Boolean, "calibrated"),
    *_filled(Text, "category", "critic", "critic_version"),
    Column("broken", Text, nullable=False, server_default=""),
    Column("before", String(64), nullable=False, server_default=""),
    *_filled(String(64), "config", "policy"),
    *_filled(Boolean, "unverified"),
    *_filled(Text, "unknown"),
    *_filled(Integer, "actor_input_tokens", "actor_output_tokens"),
    *_filled(Integer, "critic_input_tokens", "critic_output_tokens"),
    Column("critic_cost_usd", Double),
    *_filled(Double, "actor_seconds", "critic_seconds"),
    Column("content", JSON(none_as_null=True)),
    Column("label", String(10), nullable=False, default=""),
    Column("label_note", Text, nullable=False, default=""),
    Column("labelled_by", String(64), nullable=False, default=""),
    Index("decisions_by_time", "at"),
    Index("decisions_by_link", "tenant", "link"),
    Index("decisions_by_turn_before", "tenant", "before"),
)

CASES = Table(
    "cases",
    METADATA,
    Column("id", String(80), primary_key=True),
    *_filled(String(80), "decision"),
    *_filled(String(64), "digest", "tenant", "route"),
    *_filled(Text, "tools", "reason"),
    *_filled(Double, "at", "expires"),
    *_filled(String(10), "status"),
    *_filled(Text, "feedback"),
    *_filled(String(64), "reviewer"),
    Column("content", JSON(none_as_null=True)),
    Index("cases_by_digest", "tenant", "digest"),
)

CHANGES = Table(
    "changes",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    *_filled(Double, "at"),
    *_filled(Text, "what", "before", "after"),
    *_filled(String(64), "config"),
)

PROBES = Table(
    "probes",
    METADATA,
    Column("id", String(10), primary_key=True),
    *_filled(Double, "at"),
)
"""One row, written to see whether the database can be written to."""

_ORIGIN = tuple(Origin.model_fields)
_OWN = tuple(name for name in DecisionRecord.model_fields if name in DECISIONS.columns)
_LABEL: Row = {"label": "", "label_note": "", "labelled_by": ""}


def row_of(decision: DecisionRecord, content: JsonValue) -> Row:
    """Return a decision as a row, with the content that may be stored."""
    row: Row = {name: getattr(decision, name) for name in _OWN}
    row |= {name: getattr(decision.origin, name) for name in _ORIGIN}
    for party, usage in (("actor", decision.actor_usage), ("critic", decision.critic_usage)):
        row[f"{party}_input_tokens"] = within_integer(usage.input_tokens)
        row[f"{party}_output_tokens"] = within_integer(usage.output_tokens)
    return row | {**_LABEL, "critic_cost_usd": decision.critic_usage.cost_usd, "content": content}
