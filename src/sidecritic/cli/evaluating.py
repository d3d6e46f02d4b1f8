"""Play, score, compare: what `eval`, `demo`, `score` and `compare` do."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

from stamina.instrumentation import set_on_retry_hooks

from sidecritic.cli.edge import note
from sidecritic.cli.progress import Bar
from sidecritic.config import Settings, keys_from_environment, plan_for
from sidecritic.errors import ConfigError
from sidecritic.reports import to_markdown
from sidecritic.rollouts import play
from sidecritic.runs import (
    REPORT_FILE,
    RUN_FILE,
    SCORES_FILE,
    TRAJECTORIES_FILE,
    Run,
    read_run,
    write_whole,
)
from sidecritic.scoring import Comparison, Scores, compare
from sidecritic.scoring.comparison import Side

COMPARISON_FILE = "comparison.md"


def directory_of(settings: Settings) -> Path:
    """Return where the run goes; without `--out`, the same settings give the same place."""
    if settings.out is not None:
        return Path(settings.out)
    name = f"{'+'.join(settings.env)}-{settings.critic}".replace(":", "-").replace("/", "-")
    of_all = settings.model_copy(update={"concurrency": 1, "retry_failed": False})
    return Path("runs") / f"{name}-{sha256(of_all.model_dump_json().encode()).hexdigest()[:8]}"


def evaluate(settings: Settings, *, title: str = "episodes") -> Scores:
    """Play a run to its end, or on from where it stopped, and score it."""
    directory = directory_of(settings)
    with Bar(title, directory) as bar:
        set_on_retry_hooks([bar.waiting])
        asyncio.run(_play(settings, directory, bar))
    return publish(read_run(directory))


async def _play(settings: Settings, directory: Path, bar: Bar) -> None:
    async with AsyncExitStack() as stack:
        plan = plan_for(settings, keys_from_environment(), stack)
        await play(
            plan,
            directory,
            concurrency=settings.concurrency,
            retry_failed=settings.retry_failed,
            watcher=bar,
        )


def publish(run: Run) -> Scores:
    """Score a run and write `scores.json` and `report.md` beside it."""
    side = side_of(run)
    for problem in run.problems:
        note(str(problem))
    scores = side.scores()
    try:
        write_whole(run.directory / SCORES_FILE, scores.model_dump_json(indent=2) + "\n")
        write_whole(run.directory / REPORT_FILE, to_markdown(scores))
    except OSError as cause:
        note(f"the scores are not written to {run.directory}: {cause.strerror}")
    return scores


def side_of(run: Run) -> Side:
    """Return the run as one side of a comparison."""
    record = run.record
    return Side(run.trajectories, record.briefings, record.command, record.episodes)


def compare_runs(baseline: Path, supervised: Path, report: Path | None = None) -> Comparison:
    """Compare two run directories, and write the report if asked to.

    Raises:
        ConfigError: one of them holds no run, or the report cannot be written.
    """
    comparison = compare(side_of(read_run(baseline)), side_of(read_run(supervised)))
    if report is not None:
        try:
            write_whole(report, to_markdown(comparison))
        except OSError as cause:
            raise ConfigError(f"cannot write {report}: {cause.strerror}") from cause
    return comparison


def demonstrate(prefix: str, seed: int) -> Comparison:
    """Play the demo's two runs afresh, and compare them."""
    baseline, supervised = Path(f"{prefix}-baseline"), Path(f"{prefix}-supervised")
    shared = Settings(
        env=("tau2:retail", "tau2:airline"),
        split="test",
        limit=20,
        trials=2,
        seed=seed,
        actor="simulated",
        user="scripted",
        gate="writes+final",
    )
    for directory, critic in ((baseline, "none"), (supervised, "policy")):
        _clear(directory, (RUN_FILE, TRAJECTORIES_FILE, SCORES_FILE, REPORT_FILE, COMPARISON_FILE))
        settings = shared.model_copy(update={"critic": critic, "out": str(directory)})
        evaluate(settings, title=directory.name)
    return compare_runs(baseline, supervised, supervised / COMPARISON_FILE)


def _clear(directory: Path, names: Iterable[str]) -> None:
    for name in names:
        try:
            (directory / name).unlink(missing_ok=True)
        except OSError as cause:
            raise ConfigError(f"cannot replace {directory / name}: {cause.strerror}") from cause
