"""UserBench's metrics, from trajectories.

For an aspect a, v(a) is 1.0 if its best id was answered, 0.8 if only another correct one, else 0;
in one-choice mode the first answer of an aspect counts, and none is 0. Score is the mean over
scenarios of the mean over their aspects; B and C are shares of all aspects. The number of
preferences is that of the task's id, because what an agent can observe of it shrinks. Source:
*UserBench* (arXiv:2507.22034) and the functional specification of its evaluation.

`micro_max` is what the released evaluation script prints in place of the Score: the mean over
tasks of the highest reward of any single turn. It is a different number and has its own name.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidecritic.scoring.results import UserBenchScores
from sidecritic.scoring.statistics import bootstrap
from sidecritic.trace import Trajectory
from sidecritic.writes import outcome_of

SHOWN = 18
"""Options shown of an aspect, of which 3 are correct and one of these is the best."""
CORRECT = 3


@dataclass(frozen=True, slots=True)
class _Episode:
    """What one graded episode left behind."""

    task: str
    native: Mapping[str, Any]

    @property
    def values(self) -> list[float]:
        return [self._value(each) for each in self.native["gold"].values()]

    def _value(self, gold: Mapping[str, Any]) -> float:
        letter = gold["best"][0]
        own = [id_ for id_ in self.native["answers"] if id_[0] == letter]
        counted = own[:1] if self.native["one_choice"] else own
        if gold["best"] in counted:
            return 1.0
        return 0.8 if set(gold["correct"]) & set(counted) else 0.0

    @property
    def score(self) -> float:
        return _mean(self.values)

    @property
    def best_turn(self) -> float:
        return max((turn["reward"] for turn in self.native["turns"]), default=0.0)

    @property
    def timing(self) -> float:
        places = enumerate(self.native["turns"], start=1)
        good = (at for at, turn in places if turn["kind"] == "answer" and turn["reward"] > 0)
        return 1 / next(good, float("inf"))


def userbench_scores(trajectories: Iterable[Trajectory]) -> dict[str, UserBenchScores]:
    """Return the metrics of each UserBench environment among the trajectories."""
    graded: dict[str, list[_Episode]] = defaultdict(list)
    invalid: dict[str, int] = defaultdict(int)
    for trajectory in trajectories:
        env, outcome = trajectory.task.env, outcome_of(trajectory)
        if outcome is not None and outcome.native.get("benchmark") == "userbench":
            graded[env].append(_Episode(trajectory.task.id, outcome.native))
        elif env.startswith("userbench:"):
            invalid[env] += 1
    return {env: _scores(episodes, invalid[env]) for env, episodes in sorted(graded.items())}


def _scores(episodes: Sequence[_Episode], invalid: int) -> UserBenchScores:
    by_task: dict[str, list[_Episode]] = defaultdict(list)
    for episode in episodes:
        by_task[episode.task].append(episode)
    tasks = [by_task[id_] for id_ in sorted(by_task)]
    values = [value for episode in episodes for value in episode.values]
    turns = [turn for episode in episodes for turn in episode.native["turns"]]
    searches = [turn["reward"] > 0 for turn in turns if turn["kind"] == "search"]
    actions = [turn["reward"] > 0 for turn in turns if turn["kind"] == "action"]
    preferences, active, passive = (
        sum(int(episode.native[count]) for episode in episodes)
        for count in ("preferences", "active", "passive")
    )
    wanted = preferences or 1
    best, correct = 1 / SHOWN, CORRECT / SHOWN
    return UserBenchScores(
        score=bootstrap([_mean([e.score for e in trials]) for trials in tasks]),
        best_exist_rate=_share(value == 1.0 for value in values),
        correct_exist_rate=_share(value > 0 for value in values),
        valid_search_rate=_share(searches) if searches else None,
        valid_action_rate=_share(actions) if actions else None,
        elicited_active=active / wanted,
        elicited_passive=passive / wanted,
        elicited=(active + passive) / wanted,
        weighted_timing=_mean([episode.timing for episode in episodes]),
        score_best_of_trials=_mean([max(e.score for e in trials) for trials in tasks]),
        micro_max=_mean([episode.best_turn for episode in episodes]),
        micro_avg=_mean([turn["reward"] for turn in turns]),
        random_best_exist_rate=best,
        random_correct_exist_rate=correct,
        random_score=best + 0.8 * (correct - best),
        aspects=len(values),
        preferences=preferences,
        episodes=len(episodes),
        invalid=invalid,
    )


def metrics(scores: UserBenchScores) -> Iterator[tuple[str, str]]:
    """Yield what there is to say, name and value, in the order of the paper."""
    low, high = scores.score.low, scores.score.high
    yield "Score", f"{scores.score.value:.4f} ({low:.4f} to {high:.4f})"
    yield "best exist rate", f"{scores.best_exist_rate:.4f}"
    yield "correct exist rate", f"{scores.correct_exist_rate:.4f}"
    yield "valid searches", _percent(scores.valid_search_rate)
    yield "valid actions", _percent(scores.valid_action_rate)
    yield "preferences elicited actively", _percent(scores.elicited_active)
    yield "preferences elicited passively", _percent(scores.elicited_passive)
    yield "weighted timing", f"{scores.weighted_timing:.4f}"
    yield "Score, best of trials", f"{scores.score_best_of_trials:.4f}"
    yield "micro_max (evaluation script)", f"{scores.micro_max:.4f}"
    yield "micro_avg (evaluation script)", f"{scores.micro_avg:.4f}"
    guess = (scores.random_best_exist_rate, scores.random_correct_exist_rate, scores.random_score)
    yield "a random option: best, correct, Score", " ".join(f"{value:.3f}" for value in guess)
    yield "invalid episodes", str(scores.invalid)


def _percent(share: float | None) -> str:
    return "none made" if share is None else f"{100 * share:.1f} %"


def _share(flags: Iterable[bool]) -> float:
    return _mean([float(flag) for flag in flags])


def _mean(values: Sequence[float]) -> float:
    # Sorted, because sums of floats depend on order and scores must not.
    return sum(sorted(values)) / len(values) if values else 0.0
