"""Read a client's request: limits first, then its meaning, then whether its past is true."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from sidecritic.dialects.base import Body, ClientRequest
from sidecritic.dialects.resuming import resumed
from sidecritic.dialects.strict_json import REPEATED, read_leniently, read_object
from sidecritic.errors import StoreError
from sidecritic.gateway.modes import strictest_mode
from sidecritic.gateway.routes import Place, Route, Setup
from sidecritic.gateway.services import Services
from sidecritic.gateway.settings import LimitSettings
from sidecritic.gateway.store.conversations import Conversation
from sidecritic.gateway.store.decisions import Origin, policy_digest
from sidecritic.gateway.store.history_digest import answers_nothing
from sidecritic.gateway.telemetry.spans import Span
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.gateway.wire.http import Outgoing, has_more_values_than, is_deeper_than
from sidecritic.gateway.wire.refusals import HttpError
from sidecritic.types import Message

_NOT_RELEASED = "item_reference to what was not released here"


class Caller(NamedTuple):
    """Whose request it is, and under which id it is recorded."""

    tenant: str
    id: str
    span: Span


class _Past(NamedTuple):
    """What a request says has been."""

    link: str
    is_forged: bool


async def read_request(
    place: Place, outgoing: Outgoing, setup: Setup, services: Services, caller: Caller
) -> SupervisedRequest:
    """Return a request to a supervised endpoint, read and checked.

    Raises:
        HttpError: it cannot be read, or its past is not true and the route insists.
    """
    dialect, route, tenant = place.dialect, place.route, caller.tenant
    if dialect is None:
        raise HttpError(404, "not_found", "this path is not supervised")
    is_shared, enforces = place.is_shared(setup), strictest_mode(route.settings) == "enforce"
    size, aside = len(outgoing.body), services.aside.run
    reading = partial(_parsed_for, is_strict=enforces or is_shared)
    body, repeats, unread = await aside(size, reading, outgoing, setup.limits)
    shown, told = await services.references.resolved(tenant, body)
    asked = await aside(size, dialect.asked, shown)
    if told is not body:
        body, outgoing = told, replace(outgoing, body=json.dumps(told).encode())
    unread = unread or (_NOT_RELEASED if "item_reference" in asked.kept and not enforces else "")
    if "thread" in asked.kept and (enforces or is_shared):
        problem = "message threads are not supervised; send the conversation itself"
        raise HttpError(400, "thread_unsupported_request", problem)  # their SDKs do so then
    if asked.kept and is_shared:
        raise _of_another(asked.kept[0])
    if asked.continues:
        before = await services.conversations.find(tenant, asked.continues)
        asked = _continued(asked, before, is_shared=is_shared)
        if before is not None and before.resume is not None:
            body = resumed(body, before.resume)
            outgoing = replace(outgoing, body=json.dumps(body, ensure_ascii=False).encode())
    if repeats:
        asked = replace(asked, unknown=(*asked.unknown, REPEATED))
    head = await aside(size, services.history.head, tenant, asked.history)
    is_forged = await _is_forged(route, services, tenant, asked.history, head[0]) or unread != ""
    origin = _origin(place, asked, setup, caller, services.clock(), _Past(head[0], is_forged))
    return SupervisedRequest(
        tenant=tenant,
        setup=setup,
        route=route,
        dialect=dialect,
        asked=asked,
        body=body,
        outgoing=outgoing,
        origin=origin,
        head=head,
        span=caller.span,
        unread=unread,
    )


def _origin(
    place: Place, asked: ClientRequest, setup: Setup, caller: Caller, at: float, past: _Past
) -> Origin:
    route = place.route
    return Origin.of_parts(
        request=caller.id,
        at=at,
        tenant=caller.tenant,
        route=route.name,
        mode=route.settings.mode,
        endpoint=place.dialect.endpoint if place.dialect else "",
        stream=asked.stream,
        config=setup.digest,
        policy=route.policy_digest if route.policy else policy_digest(asked.system),
        critic=route.critic.name,
        critic_version=route.critic_version,
        before=past.link,
        unverified=past.is_forged,
        unknown="; ".join(asked.unknown)[:500],
    )


def require_own(place: Place, outgoing: Outgoing, setup: Setup) -> None:
    """Refuse to continue, unread, a conversation that may be another tenant's.

    Raises:
        HttpError: tenants share the provider's key, and the request names what it keeps.
    """
    if place.dialect is not None and place.dialect.keeps_history and place.is_shared(setup):
        asked = place.dialect.asked(parsed(outgoing, setup.limits)[0])
        if asked.continues or asked.kept:
            raise _of_another(asked.kept[0] if asked.kept else "previous_response_id")


def _of_another(kept: str) -> HttpError:
    return HttpError(
        404,
        "not_found",
        f"{kept}: what the provider keeps belongs to its key, which several clients share here; "
        "send the conversation itself",
    )


def _continued(
    asked: ClientRequest, before: Conversation | None, *, is_shared: bool
) -> ClientRequest:
    """Return the request with the history that it continues.

    Raises:
        HttpError: tenants share a key, and whose history it is cannot be told.
    """
    if before is not None:
        # A thread keeps what it was created with; of Responses, each says it anew.
        told = before.asked if "thread" in asked.kept else asked
        history = (*before.asked.history, *asked.history)
        known = {"system": told.system, "tools": told.tools, "hints": told.hints}
        return replace(asked, history=history, **known)
    if is_shared:
        raise HttpError(
            404, "not_found", "no answer of that previous_response_id was released here"
        )
    shape = "a stored answer that was not released here"
    return replace(asked, unknown=(*asked.unknown, shape))


def _parsed_for(
    outgoing: Outgoing, limits: LimitSettings, *, is_strict: bool
) -> tuple[Body, bool, str]:
    """Return a request's body, whether it repeats a key, and why no critic can be shown it."""
    try:
        return *parsed(outgoing, limits), ""
    except HttpError as refusal:
        if is_strict:
            raise
        body = read_leniently(outgoing.body) if refusal.code == "invalid_json" else None
        return body or {}, False, "" if body else str(refusal)


def parsed(outgoing: Outgoing, limits: LimitSettings) -> tuple[Body, bool]:
    """Return a request's body, and whether it repeats a key.

    Raises:
        HttpError: it is no object, or has too many levels or values.
    """
    if is_deeper_than(outgoing.body, limits.depth):
        raise HttpError(400, "too_deep", f"the body is nested more than {limits.depth} deep")
    if has_more_values_than(outgoing.body, limits.values):
        raise HttpError(400, "too_many_values", f"the body holds more than {limits.values} values")
    body, repeats = read_object(outgoing.body)
    if body is None:
        raise HttpError(400, "invalid_json", "the body is not a JSON object")
    return body, repeats


async def _is_forged(
    route: Route, services: Services, tenant: str, history: Sequence[Message], link: str
) -> bool:
    setting = route.settings.history
    if setting == "off":
        return False
    try:
        if not answers_nothing(history) and await _is_known(services, tenant, link):
            return False
    except StoreError as failure:
        if setting == "refuse":
            raise HttpError(503, "not_recorded", "the decision store does not answer") from failure
    services.counts.unverified(route.name)
    if setting == "refuse":
        problem = "the conversation holds turns that never left this gateway"
        raise HttpError(403, "unknown_history", problem)
    return True


async def _is_known(services: Services, tenant: str, link: str) -> bool:
    history = services.history
    if not link or history.is_remembered(link):
        return True
    return not history.remembers_all and await services.recorder.knows_link(tenant, link)
