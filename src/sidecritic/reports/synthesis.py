"""Tasks made and rejected, as tables."""

from collections.abc import Iterator

from rich.console import RenderableType

from sidecritic.reports.sections import Section
from sidecritic.reports.tables import to_table
from sidecritic.synthesis.account import SynthesisAccount


def to_synthesis_tables(made: SynthesisAccount) -> Iterator[RenderableType]:
    """Yield what to print about new tasks."""
    yield to_table(kinds(made))
    if made.rejected:
        yield to_table(rejections(made))


def kinds(made: SynthesisAccount) -> Section:
    """Return the number of tasks by kind."""
    title = (
        f"{made.env}: {made.made} tasks of {made.asked} asked for, by {made.author}; "
        f"{made.refusals} hold something that must be refused; {made.attempts} attempts"
    )
    rows = tuple((kind, str(number)) for kind, number in made.kinds.items())
    return Section(title, ("kind", "tasks"), rows)


def rejections(made: SynthesisAccount) -> Section:
    """Return what was not used, by kind and reason, with an example of each."""
    rows = tuple(
        (each.kind or "-", str(each.number), each.reason, each.example) for each in made.rejected
    )
    number = sum(each.number for each in made.rejected)
    return Section(f"Rejected: {number}", ("kind", "", "why", "example"), rows)
