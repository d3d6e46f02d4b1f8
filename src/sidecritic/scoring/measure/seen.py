"""Every verdict of a run with whether its proposal was wrong, and each run as one case.

The truth is that of `scoring/interventions.py`: the faults of a simulated actor, else the
reference writes of the task.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sidecritic.recorded import JudgedProposal, ReadersLabels, Recorded
from sidecritic.scoring.detection import Example
from sidecritic.scoring.replays import known_proposals, supervised
from sidecritic.scoring.verdicts import refused, risk_of
from sidecritic.scoring.writes import is_clean, reward_of, writes_of
from sidecritic.trace import Executed, Judged, Proposed, Trajectory
from sidecritic.types import Approve, Assistant, Briefing, Fault, Judgement
from sidecritic.writes import (
    Unmatched,
    failing_references,
    normal_form,
    outcome_of,
    succeeded,
    write_tools,
)


class Verdict(NamedTuple):
    """A verdict that the critic gave, and whether what it judged was wrong."""

    turn: int
    attempt: int
    action: Assistant
    judgement: Judgement
    wrong: bool | None
    """`None` where nothing tells."""

    @property
    def refused(self) -> bool:
        return not isinstance(self.judgement.verdict, Approve)

    @property
    def risk(self) -> float:
        """The risk on record, else 1 for a refusal and 0 for an approval."""
        known = self.judgement.risk
        return float(self.refused) if known is None else known

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(call.name for call in self.action.calls)


class Scored(NamedTuple):
    """A proposal, or a whole run, as one case of detection."""

    example: Example
    stopped: bool
    """Whether the critic intervened, at the threshold that it used."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a critic has said where the truth is known."""

    verdicts: tuple[Scored, ...]
    runs: tuple[Scored, ...]
    """A wrong run scores the highest risk up to its first mistake, a right one that of all."""


def verdicts_of(trajectory: Trajectory, briefing: Briefing | None) -> Iterator[Verdict]:
    """Yield the verdicts of an episode in order; those that failed, or repeat, are left out."""
    truth = _Truth(trajectory, briefing)
    proposed = Assistant()
    for event in trajectory.events:
        match event:
            case Proposed(completion=completion):
                proposed = completion.message
                truth.faults = completion.faults
            case Judged(turn=turn, attempt=attempt, judgement=judgement):
                if judgement.status == "ok":
                    wrong = truth.of(proposed)
                    yield Verdict(turn, attempt, proposed, judgement, wrong)
            case Executed(action=action):
                truth.strike(action)
            case _:
                pass


class _Truth:
    """Tells whether a proposal is wrong, while an episode is read."""

    def __init__(self, trajectory: Trajectory, briefing: Briefing | None) -> None:
        outcome = outcome_of(trajectory)
        self._simulated = "actor" in trajectory.simulated
        self._failing = failing_references(outcome)
        self._unmatched = None if self._simulated else Unmatched.of(outcome)
        self._writing = write_tools(briefing) if briefing is not None else frozenset[str]()
        self._done = succeeded(trajectory.events)
        self.faults: tuple[Fault, ...] = ()

    def of(self, action: Assistant) -> bool | None:
        if self._simulated:
            forms = {normal_form(call.name, call.arguments or {}) for call in action.calls}
            return True if self.faults else None if forms & self._failing else False
        writes = [call for call in action.calls if call.name in self._writing]
        if self._unmatched is None or not writes:
            return None
        return any(not self._unmatched.holds(call) for call in writes)

    def strike(self, action: Assistant) -> None:
        for call in action.calls if self._unmatched is not None else ():
            if call.name in self._writing and call.id in self._done and self._unmatched:
                self._unmatched.strike(call)


def seen_in(trajectories: Iterable[Trajectory], briefings: Mapping[str, Briefing]) -> Seen:
    """Return what a run's own critic said of it; tasks are what is resampled."""
    verdicts: list[Scored] = []
    runs: list[Scored] = []
    for trajectory in sorted(trajectories, key=lambda t: t.key):
        group, stratum = " ".join(trajectory.key[:2]), trajectory.task.env
        found = list(verdicts_of(trajectory, briefings.get(trajectory.briefing)))
        known = [each for each in found if each.wrong is not None]
        for each in known:
            verdicts.append(
                Scored(Example(each.risk, bool(each.wrong), group, stratum), each.refused)
            )
        if known:
            runs.append(_as_run(found, group, stratum))
    return Seen(tuple(verdicts), tuple(runs))


def _as_run(found: Sequence[Verdict], group: str, stratum: str) -> Scored:
    first = next((at for at, each in enumerate(found) if each.wrong), None)
    until = found if first is None else found[: first + 1]
    risk = max(each.risk for each in until)
    example = Example(risk, first is not None, group, stratum)
    return Scored(example, any(each.refused for each in until))


def seen_by_replay(
    runs: Sequence[Recorded], lines: Iterable[JudgedProposal], labels: ReadersLabels | None = None
) -> Seen:
    """Return what a critic said of recorded runs; users are what is resampled.

    A run is wrong when it failed with a wrong write, right when it passed; others do not count.
    """
    ordered = sorted(lines, key=lambda line: line.key)
    proposals = known_proposals(runs, ordered, labels)
    verdicts = (Scored(each.example, refused(each.line)) for each in proposals)
    of_run = {
        place: list(own) for place, own in groupby(ordered, key=lambda e: (e.file, e.simulation))
    }
    left_out = supervised(runs, ordered)
    whole = (
        _recorded(run, of_run.get((run.file, run.simulation), []))
        for run in sorted(runs, key=lambda run: (run.file, run.simulation))
        if is_clean(run) and (run.file, run.simulation) not in left_out
    )
    return Seen(tuple(verdicts), tuple(each for each in whole if each is not None))


def _recorded(run: Recorded, judged: Sequence[JudgedProposal]) -> Scored | None:
    reward = reward_of(run)
    first = next((write.key for write in writes_of(run) if write.first_wrong), None)
    if reward is None or (reward < 1 and first is None):
        return None
    until = [line for line in judged if first is None or reward >= 1 or line.key <= first]
    risk = max(map(risk_of, until), default=0.0)
    example = Example(risk, reward < 1, run.user_id, run.domain)
    return Scored(example, any(map(refused, until)))
