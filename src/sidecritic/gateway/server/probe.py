"""Whether the critics answer, asked before a client has to wait for them."""

from collections.abc import AsyncGenerator

from sidecritic.errors import CriticError
from sidecritic.gateway.routes import Setup
from sidecritic.gateway.store.decisions import why_failed
from sidecritic.supervisor import failed_by, judge_in_time
from sidecritic.types import Assistant, Proposal, User

_GREETING = Proposal(
    task_id="probe",
    turn=0,
    attempt=0,
    history=(User(text="Hello"),),
    policy="",
    tools=(),
    action=Assistant(text="Hello! How can I help you?"),
)


async def probe_critics(setup: Setup) -> AsyncGenerator[str]:
    """Yield a line for each route with a critic: what answered, or why nothing did."""
    for route in setup.routes:
        if route.critic.name == "none":
            continue
        where = f"route {route.name}: critic {route.critic.name}"
        try:
            judgement = await judge_in_time(route.critic, _GREETING, route.limits.critic_timeout)
        except CriticError as error:
            yield f"warning: {where} does not answer: {why_failed(failed_by(error))}"
        else:
            yield f"{where} answers ({judgement.status}, {judgement.seconds:.2f} s)"
