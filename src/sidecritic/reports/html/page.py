"""A report as HTML by a template, and as Markdown."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sidecritic.errors import MissingExtra
from sidecritic.reports.html.blocks import Block, Report
from sidecritic.reports.markdown import document
from sidecritic.reports.sections import Section, label
from sidecritic.reports.text import escaped, plain

if TYPE_CHECKING:
    from jinja2 import Environment

_LONG = 2000
"""Letters of a line in an extract, or of a command."""


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
    templates.filters["shown"] = _shown
    templates.filters["roles"] = label
    return templates


def _shown(text: str) -> str:
    return plain(text, _LONG)


def to_report_markdown(report: Report) -> str:
    """Return the same without pictures: each of them is a table too."""
    sections = (section for block in report.blocks for section in _sections(block))
    title, *rest = document(report.title, report.simulated, sections)
    warnings = (f"Take care: {escaped(each)}.\n" for each in report.warnings)
    return "\n".join((title, f"**{_whole(report.said)}**\n", *warnings, *rest))


def _sections(block: Block) -> Iterator[Section]:
    first, *others = block.sections or (Section(block.title, (), ()),)
    yield first._replace(notes=(*block.lead, *first.notes))
    yield from others
    for extract in block.extracts:
        rows = tuple((line.who, line.text) for line in extract.lines)
        yield Section(extract.title, ("who", "what"), rows, (extract.why,))


def _whole(text: str) -> str:
    return " ".join(escaped(part) for part in text.split(" "))
