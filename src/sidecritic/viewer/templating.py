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
    found.filters |= {"visible": visible, "amount": amount, "money": money, "clock": clock}
    return found


def visible(text: str) -> str:
    """Return a text in which every control and direction character is one that is seen."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def amount(number: float) -> str:
    """Return a count with thin spaces; nothing for none."""
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}") if number else ""


def money(cost: float | None) -> str:
    """Return US dollars; nothing where no price is known."""
    return "" if cost is None else f"${cost:.4f}" if cost < 1 else f"${cost:,.2f}"


def clock(seconds: float) -> str:
    """Return a duration in words of at most six characters."""
    if seconds < 0.05:
        return ""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
