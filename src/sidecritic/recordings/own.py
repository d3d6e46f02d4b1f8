"""Our own trajectories, with the briefings of their run."""

from collections.abc import Iterator
from pathlib import Path

from sidecritic.errors import ConfigError, TraceError
from sidecritic.recorded import Recorded, domain_of
from sidecritic.recordings.results import Benchmarks, user_of
from sidecritic.runs import RUN_FILE, read_record
from sidecritic.trace import Loaded, Trajectory, env_view
from sidecritic.types import Briefing


def own_runs(loaded: Loaded, file: Path) -> Iterator[Recorded | TraceError | None]:
    """Yield what can be replayed; `None` for an episode without events.

    Policy and tools come from the `run.json` in the same folder. Without it, those of a τ² domain
    do as well; other environments need the file.
    """
    yield from loaded.problems
    has_record = (file.parent / RUN_FILE).exists()
    briefings = read_record(file.parent).briefings if has_record else {}
    benchmarks = Benchmarks()
    standard: dict[str, Briefing | None] = {}
    for at, trajectory in enumerate(loaded.trajectories):
        if not trajectory.events:
            yield None
            continue
        env = trajectory.task.env
        briefing = briefings.get(trajectory.briefing)
        if briefing is None and env not in standard:
            standard[env] = _standard(trajectory, benchmarks)
        briefing = briefing or standard[env]
        if briefing is None:
            yield TraceError(
                f"{file}, simulation {at}: policy and tools of {env!r} are not "
                f"known; keep the {RUN_FILE} of the run in the same folder"
            )
            continue
        yield Recorded(
            file=file.name,
            simulation=at,
            benchmark="tau2-bench" if env.startswith("tau2:") else env.split(":")[0],
            domain=domain_of(env),
            user_id=user_of(trajectory.task.data, env_view(trajectory.events)),
            trajectory=trajectory,
            briefing=briefing,
        )


def _standard(trajectory: Trajectory, benchmarks: Benchmarks) -> Briefing | None:
    """Return policy and tools of a τ² domain; `None` for another environment."""
    benchmark, _, domain = trajectory.task.env.partition(":")
    if benchmark != "tau2":
        return None
    try:
        parsed = benchmarks.tau2(domain).case(trajectory.task).domain
    except (ConfigError, TraceError):
        return None
    return Briefing(policy=parsed.pristine.policy, tools=parsed.tools)
