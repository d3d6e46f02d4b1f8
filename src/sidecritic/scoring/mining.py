"""Which tasks are worth learning from: those on which the actor sometimes succeeds.

A task that always passes teaches little, and one that always fails shows no way out. Reads run
directories only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from random import Random
from typing import Literal

from pydantic import Field, ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.runs import RUN_FILE, read_run, write_whole
from sidecritic.scoring.score import TaskKey, latest
from sidecritic.trace import Trajectory
from sidecritic.types import Record
from sidecritic.writes import outcome_of

ALONE, SUPERVISED = "alone", "supervised"
"""The two runs of a self-play directory: without a critic, and with one."""

Group = Literal["mixed", "failed", "passed", "ungraded"]


class MiningShares(Record):
    """How much of each group is kept, and at most how many tasks in all."""

    mixed: float = Field(default=1.0, ge=0, le=1)
    failed: float = Field(default=1.0, ge=0, le=1)
    passed: float = Field(default=0.1, ge=0, le=1)
    at_most: int | None = Field(default=None, ge=1)
    """Mixed tasks come first, then those that always failed, then those that always passed."""


class Trials(Record):
    """What became of a task's episodes in one run."""

    passed: int = 0
    graded: int = 0
    broken: int = 0
    """Ended by an infrastructure failure: neither success nor failure."""

    def __add__(self, other: "Trials") -> "Trials":
        return Trials(
            passed=self.passed + other.passed,
            graded=self.graded + other.graded,
            broken=self.broken + other.broken,
        )


class MinedTask(Record):
    env: str
    task_id: str
    split: str
    runs: dict[str, Trials]
    """By the name of the run's directory, such as `alone`."""
    group: Group
    kept: bool
    why: str

    @property
    def key(self) -> TaskKey:
        return (self.env, self.task_id)

    @property
    def trials(self) -> Trials:
        return sum(self.runs.values(), Trials())


class Mined(Record):
    """The contents of `mined.json`."""

    schema_version: Literal[1] = 1
    runs: dict[str, str]
    """Directory of each run, by its name."""
    simulated: tuple[str, ...]
    """Roles that a script or simulation played."""
    shares: MiningShares
    seed: int
    tasks: tuple[MinedTask, ...]

    @property
    def kept(self) -> frozenset[TaskKey]:
        """Environment and id of the tasks to learn from."""
        return frozenset(task.key for task in self.tasks if task.kept)


def mine(directory: Path, *, shares: MiningShares = MiningShares(), seed: int = 0) -> Mined:
    """Return which tasks of a self-play directory, or of a single run, are worth learning from.

    A task is mixed when its graded episodes, of all runs together, ended differently.

    Raises:
        ConfigError: there is no run, or no task is left.
    """
    found = {name: read_run(place) for name, place in runs_in(directory).items()}
    episodes = {name: latest(run.trajectories) for name, run in found.items()}
    roles = {role for group in episodes.values() for each in group for role in each.simulated}
    mined = Mined(
        runs={name: str(run.directory) for name, run in found.items()},
        simulated=tuple(sorted(roles)),
        shares=shares,
        seed=seed,
        tasks=_select(list(_tasks(episodes)), shares, seed=seed),
    )
    _require_some(mined, directory)
    return mined


def runs_in(directory: Path) -> dict[str, Path]:
    """Return the runs of a self-play directory by name, or the one run that it is.

    Raises:
        ConfigError: it is neither.
    """
    pair = {name: directory / name for name in (ALONE, SUPERVISED)}
    found = {name: place for name, place in pair.items() if (place / RUN_FILE).is_file()}
    if found:
        return found
    if (directory / RUN_FILE).is_file():
        return {directory.resolve().name: directory}
    raise ConfigError(
        f"{directory} holds no run: neither {RUN_FILE} nor {ALONE}/{RUN_FILE}; give the directory "
        "that `sidecritic datagen play --out` or `sidecritic eval --out` wrote"
    )


def write_mined(mined: Mined, file: Path) -> None:
    """Write `mined.json`.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        write_whole(file, mined.model_dump_json(indent=2) + "\n")
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; name another file") from cause


def read_mined(file: Path) -> Mined:
    """Read `mined.json`.

    Raises:
        ConfigError: it cannot be read, or is another file.
    """
    try:
        return Mined.model_validate_json(file.read_bytes())
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}; check the path") from cause
    except ValidationError as cause:
        problem = first_problem(cause, "the file")
        raise ConfigError(
            f"{file} is not what `sidecritic datagen mine` writes: {problem}"
        ) from cause


# --- choosing -----------------------------------------------------------------------------


_SAYS: Mapping[Group, str] = {
    "mixed": "sometimes passed, sometimes failed",
    "failed": "always failed",
    "passed": "always passed",
    "ungraded": "no episode was graded",
}


def _tasks(episodes: Mapping[str, Sequence[Trajectory]]) -> Iterator[MinedTask]:
    """Yield every task, none of them kept yet, sorted by environment and id."""
    splits: dict[TaskKey, str] = {}
    runs: dict[TaskKey, dict[str, Trials]] = defaultdict(dict)
    for name, played in episodes.items():
        for episode in played:
            key = episode.key[:2]
            splits.setdefault(key, episode.task.split)
            runs[key][name] = runs[key].get(name, Trials()) + _trials_of(episode)
    for key in sorted(runs):
        group = _group_of(sum(runs[key].values(), Trials()))
        yield MinedTask(
            env=key[0],
            task_id=key[1],
            split=splits[key],
            runs=runs[key],
            group=group,
            kept=False,
            why=_SAYS[group],
        )


def _trials_of(episode: Trajectory) -> Trials:
    outcome = outcome_of(episode)
    if outcome is None:
        return Trials(broken=1)
    if outcome.passed is None:
        # A benchmark without success and failure has no hard tasks in this sense.
        return Trials()
    return Trials(passed=int(outcome.passed), graded=1)


def _group_of(trials: Trials) -> Group:
    if not trials.graded:
        return "ungraded"
    if not trials.passed:
        return "failed"
    return "passed" if trials.passed == trials.graded else "mixed"


def _select(
    tasks: Sequence[MinedTask], shares: MiningShares, *, seed: int
) -> tuple[MinedTask, ...]:
    """Return the tasks in their order, each with whether it is kept and why.

    Within a group the order is drawn by `seed`; among mixed tasks those nearest to a success
    rate of one half come first.
    """
    chosen = {task.key: task for task in tasks}
    room = len(tasks) if shares.at_most is None else shares.at_most
    parts: dict[Group, float] = {
        "mixed": shares.mixed,
        "failed": shares.failed,
        "passed": shares.passed,
    }
    for group, share in parts.items():
        members = [task for task in tasks if task.group == group]
        Random(f"{seed}/{group}").shuffle(members)
        if group == "mixed":
            members.sort(key=lambda task: abs(task.trials.passed / task.trials.graded - 0.5))
        wanted = ceil(share * len(members))
        number = min(wanted, room)
        room -= number
        for task in members[:number]:
            chosen[task.key] = task.model_copy(update={"kept": True})
        for at, task in enumerate(members[number:], start=number):
            full = "the number of tasks is reached"
            why = full if at < wanted else f"of these a share of {share:g} is kept"
            chosen[task.key] = task.model_copy(update={"why": f"{task.why}; {why}"})
    return tuple(chosen.values())


def _require_some(mined: Mined, directory: Path) -> None:
    if mined.kept:
        return
    if not mined.tasks:
        raise ConfigError(f"{directory} holds no episode; play some: sidecritic datagen play")
    counts = Counter[Group](task.group for task in mined.tasks)
    what = ", ".join(f"{counts[group]} {says}" for group, says in _SAYS.items() if counts[group])
    shares = mined.shares
    raise ConfigError(
        f"no task of {directory} is left to learn from ({what}; kept: mixed {shares.mixed:g}, "
        f"failed {shares.failed:g}, passed {shares.passed:g}); {_remedy(counts)}"
    )


def _remedy(counts: Mapping[Group, int]) -> str:
    if counts["ungraded"] == sum(counts.values()):
        return "fix what broke the episodes and play them again with --retry-failed"
    if counts["passed"]:
        return "play harder tasks or more trials, or raise --keep-passed"
    return "raise the share of a group, such as --keep-failed 1"


def kept_episodes(mined: Mined, episodes: Iterable[Trajectory]) -> list[Trajectory]:
    """Return the episodes of the tasks that are kept, in their order."""
    kept = mined.kept
    return [episode for episode in episodes if episode.key[:2] in kept]
