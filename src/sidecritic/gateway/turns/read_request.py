"""Reading a client's request: limits first, then its meaning, then whether its past is true."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sidecritic.dialects.base import Asked, Body
from sidecritic.dialects.resuming import resumed
from sidecritic.errors import StoreError
from sidecritic.gateway.routes import Place, Route, Setup
from sidecritic.gateway.services import Services
from sidecritic.gateway.settings import LimitSettings
from sidecritic.gateway.store.conversations import Kept
from sidecritic.gateway.store.decisions import Origin, policy_digest
from sidecritic.gateway.store.history_digest import answers_nothing
from sidecritic.gateway.telemetry.spans import Span
from sidecritic.gateway.turns.request import Question
from sidecritic.gateway.wire.http import Outgoing, has_more_values_than, is_deeper_than
from sidecritic.gateway.wire.refusals import Refused
from sidecritic.strict_json import REPEATED, read_object
from sidecritic.types import Message


class Caller(NamedTuple):
    """Whose request it is, and under which id it is kept."""

    tenant: str
    id: str
    span: Span


async def question_of(
    place: Place, request: Outgoing, setup: Setup, services: Services, caller: Caller
) -> Question:
    """Return a request to a supervised endpoint, read and checked.

    Raises:
        Refused: it cannot be read, or its past is not true and the route insists.
    """
    dialect, route = place.dialect, place.route
    tenant, span = caller.tenant, caller.span
    if dialect is None:
        raise Refused(404, "not_found", "this path is not supervised")
    body, repeats = _parsed(request, setup.limits)
    asked = dialect.asked(body)
    if asked.kept and place.is_shared(setup):
        raise _anothers(asked.kept[0])
    if asked.continues:
        before = services.stored.find(tenant, asked.continues)
        asked = _continued(asked, before, is_shared=place.is_shared(setup))
        if before is not None and before.resume is not None:
            body = resumed(body, before.resume)
            request = replace(request, body=json.dumps(body, ensure_ascii=False).encode())
    if repeats:
        asked = replace(asked, unknown=(*asked.unknown, REPEATED))
    head = services.chain.head(tenant, asked.history)
    is_forged = await _is_forged(route, services, tenant, asked.history, head[0])
    origin = _origin(place, asked, setup, caller, at=services.clock(), is_forged=is_forged)
    return Question(
        tenant=tenant,
        setup=setup,
        route=route,
        dialect=dialect,
        asked=asked,
        body=body,
        outgoing=request,
        origin=origin,
        head=head,
        span=span,
    )


def _origin(
    place: Place, asked: Asked, setup: Setup, caller: Caller, *, at: float, is_forged: bool
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
        unverified=is_forged,
        unknown="; ".join(asked.unknown)[:500],
    )


def require_own(place: Place, request: Outgoing, setup: Setup) -> None:
    """Refuse to go on, unread, from a conversation that may be another tenant's.

    Raises:
        Refused: tenants share the provider's key, and the request names what it keeps.
    """
    if place.dialect is None or not place.dialect.keeps_history:
        return
    if place.is_shared(setup):
        asked = place.dialect.asked(_parsed(request, setup.limits)[0])
        if asked.continues or asked.kept:
            raise _anothers(asked.kept[0] if asked.kept else "previous_response_id")


def _anothers(kept: str) -> Refused:
    return Refused(
        404,
        "not_found",
        f"{kept}: what the provider keeps belongs to its key, which several clients share here; "
        "send the conversation itself",
    )


def _continued(asked: Asked, before: Kept | None, *, is_shared: bool) -> Asked:
    """Return the request with the history that it goes on from.

    Raises:
        Refused: tenants share a key, and nobody here knows whose history it is.
    """
    if before is not None:
        return replace(asked, history=(*before.history, *asked.history))
    if is_shared:
        # The provider knows one key: the conversation may be another tenant's.
        raise Refused(404, "not_found", "no answer of that previous_response_id was released here")
    shape = "previous_response_id of an answer that was not released here"
    return replace(asked, unknown=(*asked.unknown, shape))


def _parsed(request: Outgoing, limits: LimitSettings) -> tuple[Body, bool]:
    if is_deeper_than(request.body, limits.depth):
        raise Refused(400, "too_deep", f"the body is nested more than {limits.depth} deep")
    if has_more_values_than(request.body, limits.values):
        raise Refused(400, "too_many_values", f"the body holds more than {limits.values} values")
    body, repeats = read_object(request.body)
    if body is None:
        raise Refused(400, "invalid_json", "the body is no JSON object")
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
            raise Refused(503, "not_recorded", "the decision store does not answer") from failure
    services.counts.unverified(route.name)
    if setting == "refuse":
        raise Refused(
            409, "unknown_history", "the conversation holds turns that never left this gateway"
        )
    return True


async def _is_known(services: Services, tenant: str, link: str) -> bool:
    chain = services.chain
    if not link or chain.is_remembered(link):
        return True
    return not chain.remembers_all and await services.recorder.knows_link(tenant, link)
