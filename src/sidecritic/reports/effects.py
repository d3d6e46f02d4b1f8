"""The table of what each tool does, as an operator corrects it."""

from collections.abc import Iterable

from sidecritic.reports.sections import Section
from sidecritic.types import Effect, Record

WORDS: dict[Effect, str] = {
    "read": "reads",
    "write": "writes",
    "hand_over": "hands over",
    "unknown": "unsure",
}
_ORDER: tuple[Effect, ...] = ("unknown", "write", "hand_over", "read")


class ToolRow(Record):
    """A tool in the table."""

    name: str
    effect: Effect
    because: str
    """What says so."""
    confirm: bool = False
    """Whether the policy, as the critic's model reads it, demands the user's yes."""


def effects_section(title: str, rows: Iterable[ToolRow]) -> Section:
    """Return the table, what is unsure first; and what each word means for judging."""
    ordered = sorted(rows, key=lambda row: _ORDER.index(row.effect))
    told = any(row.confirm for row in ordered)
    header = ("tool", "effect", "told by", *(("confirmed",) if told else ()))
    return Section(
        title,
        header,
        tuple(
            (row.name, WORDS[row.effect], row.because, *(_yes(row) if told else ()))
            for row in ordered
        ),
        notes=("reads: not judged; writes, hands over: judged; unsure: counts as a write",),
    )


def _yes(row: ToolRow) -> tuple[str]:
    return ("yes first" if row.confirm else "",)
