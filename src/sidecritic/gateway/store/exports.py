"""Decisions as lines that critic training reads."""

from sidecritic.gateway.redaction import Redactor
from sidecritic.gateway.store.tables import Row
from sidecritic.labelling.label import Label

RULED = ("approved", "used", "rejected")
"""States of a case in which a person has said what they think of the action."""


def exported(row: Row, redactor: Redactor) -> Row:
    """Return a decision, with the case that it became if it did, as a line of an export."""
    ruled, told = row.pop("ruled"), redactor.text(row.pop("ruled_feedback") or "")
    reviewer = row.pop("reviewer") or ""
    source = ""
    if row["label"]:
        source, told, by = "person", row["label_note"], row["labelled_by"]
        label = _label(row, wrong=row["label"] == "wrong", told=told, by=by)
    elif ruled in RULED:
        source = "review"
        label = _label(row, wrong=ruled == "rejected", told=told, by=reviewer)
    else:
        label = None
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
        evidence=f"{by or 'a person'}: {told}" if told else f"{by or 'a person'} says so",
        feedback=told if wrong else "",
    )
