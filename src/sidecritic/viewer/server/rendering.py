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

    def page(self, name: str, status: int = 200, **shown: Any) -> HTMLResponse:
        text = self._templates.get_template(f"server/{name}").render(is_live=self._is_live, **shown)
        return HTMLResponse(text, status)


def is_part(request: Request) -> bool:
    """Whether a page asks for a part of itself, not the browser for a page."""
    return request.headers.get("hx-request") == "true"
