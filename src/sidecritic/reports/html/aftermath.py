"""Interventions by tool, and what became of the turns in which there was one."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sidecritic.reports.html.blocks import Block
from sidecritic.reports.html.critic import counted
from sidecritic.reports.sections import Section
from sidecritic.scoring.measure.aftermath import FATES, Intervened, ToolMarks
from sidecritic.scoring.measure.curves import Count
from sidecritic.scoring.results import Interventions, Tally


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


def interventions(counts: Interventions, found: Mapping[str, ToolMarks], name: str) -> Block:
    """Return right and wrong interventions by kind of mistake, tool and check, with intervals."""
    sections = (_by_kind(counts), _by_tool(found), _by_check(counts))
    return Block("acts", f"Interventions, {name}", sections=sections)


def _by_kind(counts: Interventions) -> Section:
    rows = tuple(
        (kind, str(marks.right), str(marks.missed), counted(Count(marks.right, _wrong_ones(marks))))
        for kind, marks in counts.by_kind.items()
    )
    return Section("By mistake", ("mistake", "refused", "ran", "caught of all"), rows)


def _wrong_ones(marks: Tally) -> int:
    return marks.right + marks.missed


def _by_check(counts: Interventions) -> Section:
    rows = tuple(
        (
            name or "no category",
            str(marks.right),
            str(marks.wrong),
            counted(Count(marks.right, marks.right + marks.wrong)),
        )
        for name, marks in counts.by_category.items()
    )
    return Section("By check", ("check", "right", "wrong", "right of all"), rows)


def _by_tool(found: Mapping[str, ToolMarks]) -> Section:
    header = ("tool", "judged", "right", "wrong", "missed", "unknown", "right of right and wrong")
    rows = tuple(
        (
            tool or "(message)",
            *map(str, marks),
            counted(Count(marks.right, marks.right + marks.wrong)),
        )
        for tool, marks in sorted(found.items(), key=lambda each: (-each[1].judged, each[0]))
    )
    notes = (
        "Verdicts on proposals, right and wrong as above; a message with calls to two tools counts "
        "twice. In brackets: 95 % intervals (Wilson).",
    )
    return Section("By tool", header, rows, notes)
