"""Templates, filled with text that is escaped and holds no character that cannot be seen."""

from typing import TYPE_CHECKING

from sidecritic.errors import MissingExtra

if TYPE_CHECKING:
    from jinja2 import Environment


def templates() -> "Environment":
    """Return the templates of the viewer.

    Raises:
        MissingExtra: Jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as cause:
        raise MissingExtra("jinja2", "view", "the viewer") from cause
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("sidecritic.viewer"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["visible"] = visible
    return found


def visible(text: str) -> str:
    """Return a text in which every control and direction character is one that is seen."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )
