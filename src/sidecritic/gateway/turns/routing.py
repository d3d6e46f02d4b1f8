"""From path and headers to a route, a dialect and the request that goes upstream."""

import re
from fnmatch import fnmatchcase

from sidecritic.dialects.base import Provider
from sidecritic.dialects.providers import PROVIDERS
from sidecritic.errors import ModelError, ModelUnavailable
from sidecritic.gateway.modes import strictest_mode
from sidecritic.gateway.routes import Place, Setup
from sidecritic.gateway.services import Services
from sidecritic.gateway.wire.coding import TooLarge
from sidecritic.gateway.wire.connection import Connection
from sidecritic.gateway.wire.http import KEY_HEADERS, Headers, Outgoing, header
from sidecritic.gateway.wire.refusals import HttpError

_PASSED_ON = re.compile(
    r"accept|content-type|content-encoding|user-agent|openai-.+|anthropic-.+|x-stainless-.+"
    r"|x-request-id|idempotency-key|traceparent|tracestate|baggage"
    # OpenRouter, Azure, and proxies that observe.
    r"|http-referer|x-title|x-openrouter-.+|x-ms-.+|ocp-apim-.+|helicone-.+|(?:x-)?langfuse[-_].+"
    r"|x-portkey-.+|cf-aig-.+|x-litellm-.+|x-bt-.+|x-client-request-id|x-session-id"
)
_AZURE = re.compile(r"openai/(?:deployments/[^/]+/|v1/)?")
"""What Azure puts before a path."""
_ODD = re.compile(
    r"//|/\.|\.\.|[\\@;]|[^\x21-\x7e]"
    # Characters that need no escape are escaped only to disguise a path.
    r"|%(00|25|2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae])",
    re.IGNORECASE,
)


def place_of(setup: Setup, path: str, headers: Headers) -> Place:
    """Return where a request belongs.

    Raises:
        HttpError: nowhere.
    """
    if _ODD.search(path):
        raise HttpError(404, "not_found", "no such path")
    under = [r for r in setup.routes if path.startswith(f"{r.settings.prefix}/")]
    longest = max((len(r.settings.prefix) for r in under), default=0)
    routes = [r for r in under if len(r.settings.prefix) == longest]
    rest = path[longest:].strip("/").removeprefix("v1/")
    meant = _endpoint(rest.lower())
    disguised = meant != _endpoint(rest) and any(meant in a.dialects for a in PROVIDERS.values())
    if rest.startswith("v1/") or disguised:
        raise HttpError(404, "not_found", "no such path")
    provider = _provider(rest, headers)
    route = next((r for r in routes if r.provider == provider), None)
    if route is None:
        raise HttpError(404, "not_found", "no route serves this path")
    return Place(route, rest, PROVIDERS[route.provider].dialects.get(_endpoint(rest)))


def _endpoint(path: str) -> str:
    azure = _AZURE.match(path)
    return path[azure.end() :] if azure else path


def _provider(path: str, headers: Headers) -> Provider:
    speaks_anthropic = header(headers, "anthropic-version") != ""
    return "anthropic" if path.split("/")[0] == "messages" or speaks_anthropic else "openai"


def require_proxied(setup: Setup, place: Place, method: str) -> None:
    """Refuse a path that might carry an action past the critic, unless the operator lets it.

    What a provider stores belongs to its key: where tenants share one, none of them may request
    it, whatever the mode.

    Raises:
        HttpError: the route enforces, or tenants share its key, and the path is not listed.
    """
    settings = place.route.settings
    is_shared = place.is_shared(setup)
    enforces = settings.unknown == "block" and strictest_mode(settings) == "enforce"
    if not is_shared and not enforces:
        return
    asked = (f"{method} {path}" for path in (place.path, _endpoint(place.path)))
    if not any(fnmatchcase(line, pattern) for line in asked for pattern in setup.proxied):
        raise HttpError(
            404,
            "unsupervised_path",
            f"{method} {place.path[:80]} is not supervised and not listed in `proxied`; "
            "the operator may list it" + _other_way(is_shared=is_shared),
        )


def _other_way(*, is_shared: bool) -> str:
    return "" if is_shared else ", or set unknown = 'pass' on this route"


def outgoing(place: Place, line: Connection, body: bytes) -> Outgoing:
    """Return the request for the upstream: the client's bytes, and the headers that matter.

    The client's key is among them only where the operator allows it.
    """
    kept = [
        (name, value)
        for name, value in line.headers
        if _PASSED_ON.fullmatch(name) or (place.route.forwards_key and name in KEY_HEADERS)
    ]
    # An answer that is compressed would have to be unpacked to be judged.
    kept.append(("accept-encoding", "identity"))
    path = f"{place.path}?{line.query.decode('latin-1')}" if line.query else place.path
    return Outgoing(line.method, path, tuple(kept), body)


async def readable(
    request: Outgoing, limit: int, services: Services, *, insists: bool = True
) -> Outgoing:
    """Return a request without its content coding; one that nobody can read may stay as it is.

    Raises:
        HttpError: `insists`, and the body is damaged, too large, or in an unknown coding.
    """
    if not header(request.headers, "content-encoding"):
        return request
    try:
        return await services.aside.run(limit, request.decoded, limit)
    except ModelError as cause:
        if not insists:
            return request
        if isinstance(cause, TooLarge):
            raise HttpError(413, "too_large", f"the body has more than {limit:,} bytes") from cause
        status = 400 if isinstance(cause, ModelUnavailable) else 415
        raise HttpError(status, "encoded_body", str(cause)) from cause
