"""The viewer as a server: runs, episodes, comparisons, and a gateway while it runs.

    GET /              runs                     GET  /compare   two runs, task by task
    GET /run           episodes of a run        GET  /pair      one task in both, turn by turn
    GET /episode       one episode              POST /label     what a reader says of a proposal
    GET /live          a gateway's decisions    POST /live/...  labels and rulings

Pages are filled on the server; htmx replaces parts of them. Without scripts all of it can be read,
and each form works.
"""

import sys
from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sidecritic.errors import ConfigError, SidecriticError
from sidecritic.viewer.library import Library
from sidecritic.viewer.server.desk import Desk
from sidecritic.viewer.server.guard import Guard
from sidecritic.viewer.server.live import LivePages
from sidecritic.viewer.server.rendering import Pages
from sidecritic.viewer.server.runs import RunPages

Page = Callable[[Request], Response | Awaitable[Response]]


def make_app(library: Library | None, desk: Desk | None = None, token: str = "") -> ASGIApp:
    """Return the viewer of a folder of runs, of a gateway, or of both.

    Raises:
        MissingExtra: Jinja2 is not installed.
    """
    pages = Pages(is_live=desk is not None)
    routes: list[Route | Mount] = [
        Mount("/static", StaticFiles(directory=str(files("sidecritic.viewer") / "static")))
    ]
    if library is not None:
        runs = RunPages(library, pages)
        routes += [
            Route("/", runs.front),
            Route("/run", runs.run),
            Route("/episode", runs.episode),
            Route("/compare", runs.compare),
            Route("/pair", runs.pair),
            Route("/label", runs.label, methods=["POST"]),
        ]
    if desk is not None:
        live = LivePages(desk, pages)
        routes += [
            Route("/live", live.overview),
            Route("/live/decision", live.decision),
            Route("/live/label", live.label, methods=["POST"]),
            Route("/live/rule", live.rule, methods=["POST"]),
        ]
    if library is None:
        routes.append(Route("/", _to_live))

    def failed(request: Request, cause: Exception) -> Response:
        status = 404 if isinstance(cause, ConfigError) else 503
        return pages.page("failed.html", status, message=str(cause))

    app = Starlette(routes=routes, exception_handlers={SidecriticError: failed})
    return Guard(app, token)


def _to_live(request: Request) -> Response:
    return RedirectResponse("/live")


async def serve(app: ASGIApp, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve until a signal ends it; `started` is told the address.

    Raises:
        ConfigError: the port is taken.
    """
    import uvicorn

    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, ws="none"
    )
    try:
        listening = config.bind_socket()
    except (OSError, SystemExit) as cause:
        raise ConfigError(
            f"cannot listen on {host}:{port}; choose another with --listen"
        ) from cause
    name = f"[{host}]" if ":" in host else host
    started(f"http://{name}:{listening.getsockname()[1]}/")
    sys.stdout.flush()
    await uvicorn.Server(config).serve(sockets=[listening])
