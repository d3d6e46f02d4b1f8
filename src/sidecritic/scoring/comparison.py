"""Two runs on the same tasks."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sidecritic.scoring.results import Comparison, Paired, PassKDelta, Scores, TaskChange
from sidecritic.scoring.score import Key, TaskKey, latest, score
from sidecritic.scoring.statistics import bootstrap, mcnemar, pass_hat_k, sign_flip
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing
from sidecritic.writes import outcome_of


class Side(NamedTuple):
    """One of the two runs."""

    trajectories: Sequence[Trajectory]
    briefings: Mapping[str, Briefing] = {}
    command: str = ""
    planned: int | None = None
    problems: Sequence[str] = ()
    """What could not be read of the run, one line each."""

    def scores(self) -> Scores:
        """Score the run by itself."""
        return score(
            self.trajectories,
            briefings=self.briefings,
            command=self.command,
            planned=self.planned,
        )


class _Pair(NamedTuple):
    baseline: bool
    supervised: bool


def compare(baseline: Side, supervised: Side) -> Comparison:
    """Compare two runs over the (task, trial) pairs that both have graded."""
    before, after = baseline.scores(), supervised.scores()
    old, new = latest(baseline.trajectories), latest(supervised.trajectories)
    pairs = _pairs(_passed(old), _passed(new))
    roles = tuple(sorted({*before.simulated, *after.simulated}))
    left_out = len({e.key for e in old} | {e.key for e in new}) - sum(map(len, pairs.values()))
    return Comparison(
        simulated=bool(roles),
        simulated_roles=roles,
        baseline=before,
        supervised=after,
        paired=_paired(pairs, left_out) if pairs else None,
        pass_hat_k_delta=tuple(_deltas(pairs)),
        by_task=tuple(
            TaskChange(
                env=env,
                task=task,
                trials=len(of),
                baseline=sum(pair.baseline for pair in of),
                supervised=sum(pair.supervised for pair in of),
            )
            for (env, task), of in pairs.items()
        ),
        interventions=after.interventions,
        added_seconds_per_turn=after.added_seconds_per_turn,
        warnings=(
            *(
                f"the {name} run is not whole: {problem}"
                for name, side in (("baseline", baseline), ("supervised", supervised))
                for problem in side.problems
            ),
            *(() if pairs else ("no episode is graded in both runs (n = 0): nothing is paired",)),
            *_warnings(before, after, old=old, new=new),
        ),
    )


def _passed(episodes: Sequence[Trajectory]) -> dict[Key, bool]:
    graded = ((episode.key, outcome_of(episode)) for episode in episodes)
    return {key: o.passed for key, o in graded if o is not None and o.passed is not None}


def _pairs(old: Mapping[Key, bool], new: Mapping[Key, bool]) -> dict[TaskKey, list[_Pair]]:
    pairs: dict[TaskKey, list[_Pair]] = defaultdict(list)
    for key in sorted(old.keys() & new.keys()):
        pairs[key[:2]].append(_Pair(old[key], new[key]))
    return pairs


def _paired(pairs: Mapping[TaskKey, Sequence[_Pair]], left_out: int) -> Paired:
    every = Counter(pair for task in pairs.values() for pair in task)
    rates = [_rates(task, 1) for task in pairs.values()]
    deltas = [new - old for old, new in rates]
    interval = bootstrap(deltas, least=-1.0)
    gained, lost = every[_Pair(False, True)], every[_Pair(True, False)]
    return Paired(
        delta=interval.value,
        low=interval.low,
        high=interval.high,
        n=every.total(),
        tasks=len(pairs),
        baseline=sum(old for old, _ in rates) / len(pairs),
        supervised=sum(new for _, new in rates) / len(pairs),
        gained=gained,
        lost=lost,
        mcnemar_p=mcnemar(gained, lost),
        sign_flip_p=sign_flip(deltas),
        left_out=left_out,
    )


def _deltas(pairs: Mapping[TaskKey, Sequence[_Pair]]) -> Iterator[PassKDelta]:
    for k in range(1, max(map(len, pairs.values()), default=0) + 1):
        rates = [_rates(task, k) for task in pairs.values() if len(task) >= k]
        deltas = [new - old for old, new in rates]
        yield PassKDelta(k=k, estimate=bootstrap(deltas, least=-1.0), tasks=len(deltas))


def _rates(task: Sequence[_Pair], k: int) -> tuple[float, float]:
    """Return pass^k of the baseline and of the supervised run."""
    old, new = (sum(passed) for passed in zip(*task, strict=True))
    return pass_hat_k(len(task), old, k), pass_hat_k(len(task), new, k)


def _warnings(
    before: Scores, after: Scores, *, old: Sequence[Trajectory], new: Sequence[Trajectory]
) -> Iterator[str]:
    for what in ("envs", "actor", "user"):
        mine, other = getattr(before, what), getattr(after, what)
        if mine != other:
            yield f"different {what}: {', '.join(mine) or 'none'} and {', '.join(other) or 'none'}"
    yield from _versions_apart(before, after)
    first = {episode.key: episode for episode in old}
    both = [(first[e.key], e) for e in new if e.key in first]
    changed = {mine.key[:2] for mine, other in both if mine.task.data != other.task.data}
    if changed:
        yield f"{len(changed)} tasks have the same id but differ between the two runs"
    if any(mine.seeds != other.seeds for mine, other in both):
        yield "different seeds: pairs share the task, but not the actor's randomness"


def _versions_apart(before: Scores, after: Scores) -> Iterator[str]:
    for env in sorted(before.versions.keys() & after.versions.keys()):
        mine, other = before.versions[env], after.versions[env]
        for name in sorted(mine.keys() | other.keys()):
            if mine.get(name) != other.get(name):
                yield f"different {name} of {env}: {mine.get(name)} and {other.get(name)}"
