"""Decisions as critic training reads them."""

from sidecritic.gateway.store.tables import Row
from sidecritic.labelling.label import Label
from sidecritic.redaction import Redactor

RULED = ("approved", "used", "rejected")
"""States of a case that a person has ruled on."""


def exported(row: Row, redactor: Redactor) -> Row:
    """Return a decision, with its case if it had one, as a line of an export."""
    ruled, told = row.pop("ruled"), redactor.text(row.pop("ruled_feedback") or "")
    source, by = "review" if ruled in RULED else "", row.pop("reviewer")
    wrong = ruled == "rejected"
    if row["label"]:
        source, by, told = "person", row["labelled_by"], row["label_note"]
        wrong = row["label"] == "wrong"
    label = _label(row, wrong=wrong, told=told, by=by or "a person") if source else None
    return {
        **row,
        "content": redactor.value(row["content"]),
        "label_source": source,
        "as_label": None if label is None else label.model_dump(mode="json"),
        "schema_version": 1,
    }


def _label(row: Row, *, wrong: bool, told: str, by: str) -> Label:
    tools = row["tools"].split(",")
    return Label(
        trajectory=f"{row['request']}.{row['choice']}",
        env=f"gateway:{row['route']}",
        task_id=row["request"],
        turn=row["turn"],
        attempt=row["attempt"],
        tool=tools[0] if len(tools) == 1 else "",
        wrong=wrong,
        source="human",
        category=row["category"] if wrong else "",
        evidence=f"{by}: {told}" if told else f"{by} says so",
        feedback=told if wrong else "",
    )
