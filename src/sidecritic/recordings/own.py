"""Our own trajectories, with the briefings that stand beside them."""

from collections.abc import Iterator
from pathlib import Path

from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.errors import ConfigError, TraceError
from sidecritic.recorded import Recorded
from sidecritic.recordings.results import user_of
from sidecritic.runs import RUN_FILE, read_record
from sidecritic.trace import Loaded, Trajectory, env_view
from sidecritic.types import Briefing


def own_runs(loaded: Loaded, file: Path) -> Iterator[Recorded | TraceError | None]:
    """Yield what can be replayed; `None` for an episode without events.

    Policy and tools come from the `run.json` beside the file. Where that is missing, those of
    a τ² domain are as good; other environments cannot do without.
    """
    yield from loaded.problems
    briefings, standard = _briefings(file), _Standard()
    for at, trajectory in enumerate(loaded.trajectories):
        if not trajectory.events:
            yield None
            continue
        briefing = briefings.get(trajectory.briefing) or standard.of(trajectory)
        if briefing is None:
            yield TraceError(
                f"{file}, simulation {at}: policy and tools of {trajectory.task.env!r} are not "
                f"known; keep the {RUN_FILE} of the run beside the file"
            )
            continue
        env = trajectory.task.env
        yield Recorded(
            file=file.name,
            simulation=at,
            benchmark="tau2-bench" if env.startswith("tau2:") else env.split(":")[0],
            domain=env.split(":")[-1],
            user_id=user_of(trajectory.task.data, env_view(trajectory.events)),
            trajectory=trajectory,
            briefing=briefing,
        )


def _briefings(file: Path) -> dict[str, Briefing]:
    if not (file.parent / RUN_FILE).exists():
        return {}
    return dict(read_record(file.parent).briefings)


class _Standard:
    """The briefings of τ² domains, each parsed once."""

    def __init__(self) -> None:
        self._known: dict[str, Briefing | None] = {}

    def of(self, trajectory: Trajectory) -> Briefing | None:
        """Return policy and tools of the trajectory's environment; `None` for others."""
        env = trajectory.task.env
        if env not in self._known:
            self._known[env] = self._read(trajectory)
        return self._known[env]

    def _read(self, trajectory: Trajectory) -> Briefing | None:
        benchmark, _, domain = trajectory.task.env.partition(":")
        if benchmark != "tau2":
            return None
        try:
            parsed = Tau2(domain).case(trajectory.task).domain
        except ConfigError:
            return None
        return Briefing(policy=parsed.pristine.policy, tools=parsed.tools)
