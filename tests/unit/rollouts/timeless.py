"""Runs and scores apart from the clock, which no two runs share."""

import json

from sidecritic.runs import Run
from sidecritic.trace import Trajectory


def by_key(run: Run) -> dict[tuple[str, str, int], Trajectory]:
    """What a run holds, apart from the clock: the last line of each episode."""
    return {each.key: timeless(each) for each in run.trajectories}


def timeless(trajectory: Trajectory) -> Trajectory:
    events = tuple(
        e.model_copy(update={"observation": e.observation.model_copy(update={"seconds": 0.0})})
        if e.event == "observed"
        else e.model_copy(update={"judgement": e.judgement.model_copy(update={"seconds": 0.0})})
        if e.event == "judged"
        else e
        for e in trajectory.events
    )
    return trajectory.model_copy(update={"events": events})


def without_times(scores: str) -> str:
    """The text of `scores.json` without the seconds that were measured, and without the command."""

    def untimed(pairs: list[tuple[str, object]]) -> dict[str, object]:
        return {k: v for k, v in pairs if "seconds" not in k and k not in ("command", "run")}

    return json.dumps(json.loads(scores, object_pairs_hook=untimed))
