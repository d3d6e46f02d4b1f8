"""What a report is made of; pages and Markdown are two ways to show it."""

from typing import NamedTuple

from sidecritic.reports.sections import Section


class Picture(NamedTuple):
    """An SVG with what it shows in words."""

    svg: str
    caption: str


class Cell(NamedTuple):
    """A task in the grid of pairs."""

    change: int
    """Trials that only the supervised run passed, less those that only the baseline passed."""
    word: str
    """`better`, `worse` or `same`."""
    title: str
    link: str
    """Where the page tells of it: the id of a row."""


class Line(NamedTuple):
    """One thing that was said or done in an extract of an episode."""

    who: str
    tone: str
    """`user`, `refused`, `ran`, `critic` or `end`."""
    text: str


class Extract(NamedTuple):
    """The part of an episode that is worth reading."""

    id: str
    title: str
    why: str
    lines: tuple[Line, ...]


class Block(NamedTuple):
    """A part of the report: tables, pictures, a grid and extracts, any of them left out."""

    id: str
    title: str
    lead: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    pictures: tuple[Picture, ...] = ()
    grid: tuple[Cell, ...] = ()
    rows: tuple[str, ...] = ()
    """Ids of the rows of the last table, which links point to."""
    extracts: tuple[Extract, ...] = ()
    folded: bool = False
    """Whether the tables are closed until somebody opens them."""


class Report(NamedTuple):
    title: str
    said: str
    """What the runs say, in a sentence."""
    more: str
    """What else is short enough to stand above everything."""
    simulated: tuple[str, ...]
    warnings: tuple[str, ...]
    blocks: tuple[Block, ...]
