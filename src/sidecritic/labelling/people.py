"""Labels by people: what they say of proposals, each checked against its trajectory."""

from collections.abc import Iterable, Iterator

from sidecritic.errors import ConfigError
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import LoggedProposal, about, logged_proposals
from sidecritic.recorded import Opinion
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing


def by_people(
    trajectory: Trajectory, briefing: Briefing, opinions: Iterable[Opinion]
) -> Iterator[Label]:
    """Yield what people say of the proposals of a trajectory.

    Raises:
        ConfigError: an opinion is about a proposal that the trajectory does not have, or a call
            that the proposal does not have.
    """
    own = {(o.turn, o.attempt, o.call_id): o for o in opinions if o.trajectory == trajectory.id}
    places = {
        (place.proposal.turn, place.proposal.attempt): place
        for place in (logged_proposals(trajectory, briefing, gate="all") if own else ())
    }
    for (turn, attempt, call_id), opinion in own.items():
        place = places.get((turn, attempt))
        if place is None:
            raise ConfigError(
                f"an opinion is about turn {turn}, attempt {attempt} of {trajectory.id}, which has "
                "no such proposal; `sidecritic view` shows its proposals"
            )
        _require_call(trajectory, place, call_id)
        by = f"{opinion.by}: " if opinion.by else ""
        yield Label(
            source="human",
            wrong=opinion.wrong,
            category="held to be wrong" if opinion.wrong else "",
            evidence=f"{by}{opinion.note}".strip(": "),
            feedback=opinion.feedback if opinion.wrong else "",
            **about(trajectory, place, call_id),
        )


def _require_call(trajectory: Trajectory, place: LoggedProposal, call_id: str | None) -> None:
    there = [call.id for call in place.proposal.action.calls]
    if call_id is None or call_id in there:
        return
    calls = f"only {', '.join(map(repr, there))}" if there else "as it has no calls; leave it out"
    raise ConfigError(
        f"an opinion is about call {call_id!r} of turn {place.proposal.turn}, attempt "
        f"{place.proposal.attempt} of {trajectory.id}, which has no such call, {calls}"
    )
