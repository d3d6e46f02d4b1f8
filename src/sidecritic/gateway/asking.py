"""Reading a client's request: limits first, then its meaning, then whether its past is true."""

from dataclasses import replace
from typing import NamedTuple

from sidecritic.errors import StoreError
from sidecritic.gateway.decisions import Origin, policy_digest
from sidecritic.gateway.dialects.base import Asked, Body
from sidecritic.gateway.placing import Place
from sidecritic.gateway.question import Question
from sidecritic.gateway.reading import REPEATED, read_object
from sidecritic.gateway.refusals import Refused
from sidecritic.gateway.routes import Route, Setup
from sidecritic.gateway.services import Services
from sidecritic.gateway.settings import LimitSettings
from sidecritic.gateway.spans import Span
from sidecritic.gateway.wire import Outgoing, has_more_values_than, is_deeper_than


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
    tenant, id, span = caller
    if dialect is None:
        raise Refused(404, "not_found", "this path is not supervised")
    body, repeats = _parsed(request, setup.limits)
    asked = _continued(dialect.asked(body), services, tenant, is_shared=place.is_shared(setup))
    if repeats:
        asked = replace(asked, unknown=(*asked.unknown, REPEATED))
    head = services.chain.head(tenant, asked.history)
    is_forged = await _is_forged(route, services, tenant, head[0])
    origin = Origin.of_parts(
        request=id,
        at=services.clock(),
        tenant=tenant,
        route=route.name,
        mode=route.settings.mode,
        endpoint=dialect.endpoint,
        stream=asked.stream,
        config=setup.digest,
        policy=route.policy_digest if route.policy else policy_digest(asked.system),
        critic=route.critic.name,
        critic_version=route.critic_version,
        unverified=is_forged,
        unknown="; ".join(asked.unknown)[:500],
    )
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


def _continued(asked: Asked, services: Services, tenant: str, *, is_shared: bool) -> Asked:
    """Return the request with the history that it goes on from.

    Raises:
        Refused: tenants share a key, and nobody here knows whose history it is.
    """
    if not asked.continues:
        return asked
    before = services.stored.history(tenant, asked.continues)
    if before is None and is_shared:
        # The provider knows one key: the conversation may be another tenant's.
        raise Refused(404, "not_found", "no answer of that previous_response_id was released here")
    if before is None:
        shape = "previous_response_id of an answer that was not released here"
        return replace(asked, unknown=(*asked.unknown, shape))
    return replace(asked, history=(*before, *asked.history))


def _parsed(request: Outgoing, limits: LimitSettings) -> tuple[Body, bool]:
    if is_deeper_than(request.body, limits.depth):
        raise Refused(400, "too_deep", f"the body is nested more than {limits.depth} deep")
    if has_more_values_than(request.body, limits.values):
        raise Refused(400, "too_many_values", f"the body holds more than {limits.values} values")
    body, repeats = read_object(request.body)
    if body is None:
        raise Refused(400, "invalid_json", "the body is no JSON object")
    return body, repeats


async def _is_forged(route: Route, services: Services, tenant: str, link: str) -> bool:
    setting = route.settings.history
    if setting == "off" or not link or services.chain.is_remembered(link):
        return False
    try:
        if not services.chain.remembers_all and await services.recorder.knows_link(tenant, link):
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
