"""Templates as answers."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from sidecritic.viewer.templating import templates

if TYPE_CHECKING:
    from jinja2 import Environment


class Pages:
    """Fills the templates of the server."""

    def __init__(self, *, is_live: bool) -> None:
        self._templates: Environment = templates()
        self._is_live = is_live
        self._templates.filters |= {"amount": amount, "money": money, "clock": clock}

    def page(self, name: str, status: int = 200, **shown: Any) -> HTMLResponse:
        text = self._templates.get_template(f"server/{name}").render(is_live=self._is_live, **shown)
        return HTMLResponse(text, status)


def is_part(request: Request) -> bool:
    """Whether a page asks for a part of itself, not the browser for a page."""
    return request.headers.get("hx-request") == "true"


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
