"""Records of what a route's critic was asked as a decision endpoint.

They are decisions as all others, of mode `shadow`: what the caller did with the answer is not
known here. Their `endpoint` is `decisions` or `systemone`.
"""

from dataclasses import dataclass

from sidecritic.errors import CriticError
from sidecritic.gateway.routes import Place, Setup
from sidecritic.gateway.services import Services
from sidecritic.gateway.store.decisions import (
    DecisionRecord,
    Origin,
    decisions_of,
    policy_digest,
)
from sidecritic.gateway.turns.read_request import Caller
from sidecritic.supervisor import failed_by
from sidecritic.trace import Event, Judged, Proposed
from sidecritic.types import Completion, Judgement, Proposal


@dataclass(frozen=True, slots=True)
class Keeping:
    """Records the decision of one request."""

    place: Place
    setup: Setup
    caller: Caller
    services: Services

    async def keep(self, proposal: Proposal, found: Judgement | CriticError) -> None:
        """Store what was judged and what came of it; a store that fails holds no answer back."""
        await self.services.keep([self._record(proposal, found)], is_closed=False)

    def _record(self, proposal: Proposal, found: Judgement | CriticError) -> DecisionRecord:
        turn, attempt = proposal.turn, proposal.attempt
        made = Completion(message=proposal.action, finish="stop", model="")
        said: Event = (
            failed_by(found)
            if isinstance(found, CriticError)
            else Judged(turn=turn, attempt=attempt, judgement=found)
        )
        log = (Proposed(turn=turn, attempt=attempt, completion=made), said)
        (record,) = decisions_of(self._origin(proposal), 0, log, link="", models=())
        judged = None if isinstance(found, CriticError) else found.model_dump(mode="json")
        content = {"proposal": proposal.model_dump(mode="json"), "judgement": judged}
        left = {"fate": "released", "content": content if self.setup.keeps_content else None}
        return record.model_copy(update=left)

    def _origin(self, proposal: Proposal) -> Origin:
        route = self.place.route
        return Origin(
            request=self.caller.id,
            at=self.services.clock(),
            tenant=self.caller.tenant,
            route=route.name,
            mode="shadow",
            endpoint=self.place.path,
            stream=False,
            config=self.setup.digest,
            policy=policy_digest(proposal.policy),
            critic=route.critic.name,
            critic_version=route.critic_version,
        )
