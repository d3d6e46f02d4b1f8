"""Sections as tables for a terminal."""

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sidecritic.reports.sections import Section, comparison_sections, label, run_sections
from sidecritic.reports.text import LIMIT, plain
from sidecritic.scoring.results import Comparison, Scores


def to_tables(result: Scores | Comparison) -> Iterator[RenderableType]:
    """Yield what to print about a run or a comparison.

    Cells are `Text`, so that nothing in them is taken for markup.
    """
    match result:
        case Scores():
            roles, sections = result.simulated, run_sections(result)
        case Comparison():
            roles, sections = result.simulated_roles, comparison_sections(result)
    yield from printed((each for each in sections if not each.detail), roles)


def printed(
    sections: Iterable[Section], roles: tuple[str, ...] = (), limit: int = LIMIT
) -> Iterator[RenderableType]:
    """Yield sections as tables with their notes, which are cut at `limit`."""
    for section in sections:
        yield to_table(section, label(roles))
        for note in section.notes:
            yield Text(plain(note, limit))
        yield Text()


def to_table(section: Section, simulated: str = "") -> Table:
    """Return one section as a table; its notes are not part of it."""
    title = section.title + (f" ({simulated})" if simulated else "")
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    whole = _kept_whole(section)
    for at, name in enumerate(section.header):
        table.add_column(
            Text(name),
            justify="left" if at == 0 else "right",
            # Folded where there is no room: an ellipsis would take the end of an interval.
            overflow="fold",
            no_wrap=at in whole,
        )
    for row in section.rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


_NARROW, _SHORT, _TEXT = 60, 24, 4
"""Columns of a narrow terminal, of a number that is kept whole, and of what a text needs."""


def _kept_whole(section: Section) -> frozenset[int]:
    """Return the columns of numbers, where a narrow terminal has room for them unbroken."""
    cells = list(zip(section.header, *section.rows, strict=True))
    widths = {at: max(map(len, column)) for at, column in enumerate(cells)}
    numbers = {
        at: width
        for at, width in widths.items()
        if at and width <= _SHORT and any(cell[:1] in "+-$0123456789" for cell in cells[at][1:])
    }
    texts = len(widths) - len(numbers)
    taken = sum(numbers.values()) + 2 * len(widths) + 2 + _TEXT * texts
    return frozenset(numbers) if taken <= _NARROW else frozenset()
