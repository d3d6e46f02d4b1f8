"""Interventions by tool, and what became of the turns in which there was one."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sidecritic.reports.html.blocks import Block
from sidecritic.reports.html.critic import counted
from sidecritic.reports.sections import Section
from sidecritic.scoring.measure.aftermath import FATES, Intervened, ToolMarks
from sidecritic.scoring.measure.curves import Count


def aftermath(found: Iterable[Intervened], name: str) -> Block:
    """Return what became of each turn with an intervention."""
    fates = Counter(each.fate for each in found)
    total = fates.total()
    rows = tuple(
        (fate, counted(Count(fates[fate], total)), meaning) for fate, meaning in FATES.items()
    )
    notes = (f"n = {total} turns with an intervention. In brackets: 95 % intervals (Wilson).",)
    section = Section("After an intervention", ("", "turns", "meaning"), rows, notes)
    return Block("after", f"After an intervention, {name}", sections=(section,))


def tools(found: Mapping[str, ToolMarks], name: str) -> Block:
    """Return verdicts by tool."""
    header = ("tool", "judged", "refused rightly", "refused wrongly", "approved wrongly", "unknown")
    rows = tuple(
        (tool or "(message)", *map(str, found[tool]))
        for tool in sorted(found, key=lambda tool: (-found[tool].judged, tool))
    )
    notes = (
        "n is the column `judged`: verdicts, not episodes; a message with two tools counts twice.",
    )
    return Block("tools", f"By tool, {name}", sections=(Section("By tool", header, rows, notes),))
