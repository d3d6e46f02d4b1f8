"""Who may look: this machine alone, or whoever has the token; and what a page may load.

A page of a foreign site must neither read what is shown here (so the name by which it is asked for
counts, not only the address) nor send a form to it (so the origin of a form counts).
"""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
COOKIE = "sidecritic-view"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether a server that listens there can be reached from this machine only."""
    return host.strip("[]") in _LOOPBACK


class Guard:
    """Lets through what comes from the reader, and marks every answer with the page's policy."""

    def __init__(self, app: ASGIApp, token: str = "") -> None:
        """Without a token, only names of this machine are answered."""
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        await (refusal or self._app)(scope, receive, _marked(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if not self._token and not is_loopback(_name(host)):
            return PlainTextResponse("This viewer answers to names of this machine only.\n", 403)
        if self._token and (answer := self._unless_known(scope, headers)):
            return answer
        if scope["method"] not in ("GET", "HEAD") and not _is_own(headers, host):
            return PlainTextResponse("This form was sent by another site.\n", 403)
        return None

    def _unless_known(self, scope: Scope, headers: Headers) -> Response | None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        kept = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if any(_equal(each, self._token) for each in (given, kept)):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        if not _equal(dict(query).get("token", ""), self._token):
            return PlainTextResponse("Open the address with the token that `view` printed.\n", 401)
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        answer = RedirectResponse(_local(scope["path"]) + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
        return answer


def _local(path: str) -> str:
    # Two slashes would name another machine.
    return "/" + path.lstrip("/\\")


def _equal(one: str, two: str) -> bool:
    return compare_digest(one.encode(), two.encode())


def _is_own(headers: Headers, host: str) -> bool:
    """Whether a form comes from a page of this server, or from no page."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2] == host
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _name(host: str) -> str:
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]


def _marked(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return marked
