"""Tables: decisions, cases for a person, changes by the operator; and a probe."""

from typing import Any

from pydantic import JsonValue
from sqlalchemy import JSON, Boolean, Column, Double, Index, Integer, MetaData, String, Table, Text

from sidecritic.dialects.parts import within_integer
from sidecritic.gateway.store.decisions import DecisionRecord, Origin

Row = dict[str, Any]

METADATA = MetaData()

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", String(80), primary_key=True),
    Column("request", String(40), nullable=False),
    Column("at", Double, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("route", String(64), nullable=False),
    Column("mode", String(8), nullable=False),
    Column("endpoint", String(40), nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("choice", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("fate", String(10), nullable=False),
    Column("source", String(10), nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("link", String(64), nullable=False),
    Column("tools", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    Column("risk", Double),
    Column("calibrated", Boolean, nullable=False),
    Column("category", Text, nullable=False),
    Column("critic", Text, nullable=False),
    Column("critic_version", Text, nullable=False),
    Column("config", String(64), nullable=False),
    Column("policy", String(64), nullable=False),
    Column("unverified", Boolean, nullable=False),
    Column("unknown", Text, nullable=False),
    Column("actor_input_tokens", Integer, nullable=False),
    Column("actor_output_tokens", Integer, nullable=False),
    Column("critic_input_tokens", Integer, nullable=False),
    Column("critic_output_tokens", Integer, nullable=False),
    Column("critic_cost_usd", Double),
    Column("actor_seconds", Double, nullable=False),
    Column("critic_seconds", Double, nullable=False),
    Column("content", JSON(none_as_null=True)),
    Column("label", String(10), nullable=False, default=""),
    Column("label_note", Text, nullable=False, default=""),
    Column("labelled_by", String(64), nullable=False, default=""),
    Index("decisions_by_time", "at"),
    Index("decisions_by_link", "tenant", "link"),
)

CASES = Table(
    "cases",
    METADATA,
    Column("id", String(80), primary_key=True),
    Column("decision", String(80), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("route", String(64), nullable=False),
    Column("tools", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("status", String(10), nullable=False),
    Column("feedback", Text, nullable=False),
    Column("reviewer", String(64), nullable=False),
    Column("content", JSON(none_as_null=True)),
    Index("cases_by_digest", "tenant", "digest"),
)

CHANGES = Table(
    "changes",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("what", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("config", String(64), nullable=False),
)

PROBES = Table(
    "probes",
    METADATA,
    Column("id", String(10), primary_key=True),
    Column("at", Double, nullable=False),
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
