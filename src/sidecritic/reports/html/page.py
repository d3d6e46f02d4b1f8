"""A report as HTML by a template, and as Markdown."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sidecritic.errors import MissingExtra
from sidecritic.reports.html.blocks import Block, Report
from sidecritic.reports.markdown import document
from sidecritic.reports.sections import Section, label
from sidecritic.reports.text import escaped, plain

if TYPE_CHECKING:
    from jinja2 import Environment

_LONG = 2000
"""Letters of a line in an extract, or of a command."""
_NUMBERS = frozenset("+-$\N{MINUS SIGN}0123456789")
"""What a number begins with."""


def to_html(report: Report) -> str:
    """Return the whole page.

    Raises:
        MissingExtra: Jinja2 is not installed.
    """
    return _templates().get_template("report.html").render(report=report)


def _templates() -> "Environment":
    try:
        import jinja2
    except ImportError as cause:
        raise MissingExtra("jinja2", "report", "the report") from cause
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("sidecritic.reports.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = templates.filters
    filters.update(shown=_shown, roles=label, words=_words)
    return templates


def _shown(text: str) -> str:
    # No line ends between a number and its sign.
    return plain(text, _LONG).replace(" %", "\N{NO-BREAK SPACE}%")


def _words(section: Section) -> frozenset[int]:
    """Return the columns of text; those of numbers stand to the right."""
    columns = enumerate(zip(*section.rows, strict=True))
    return frozenset(
        at for at, cells in columns if sum(each[:1] in _NUMBERS for each in cells) < len(cells) / 3
    )


def to_report_markdown(report: Report) -> str:
    """Return the same without pictures: each of them is a table too."""
    sections = (section for block in report.blocks for section in _sections(block))
    title, *rest = document(report.said, report.simulated, sections)
    warnings = (f"Take care: {escaped(each)}.\n" for each in report.warnings)
    below = (f"{escaped(each)}\n" for each in (report.more, report.title) if each)
    return "\n".join((title, *below, *warnings, *rest))


def _sections(block: Block) -> Iterator[Section]:
    first, *others = block.sections or (Section(block.title, (), ()),)
    yield first._replace(notes=(*block.lead, *first.notes))
    yield from others
    for extract in block.extracts:
        rows = tuple((line.who, line.text) for line in extract.lines)
        yield Section(extract.title, ("who", "what"), rows, (extract.why,))
