"""Play, score and compare runs."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

from sidecritic.assembly.executors import placed
from sidecritic.assembly.packs import unknown_domains, unlearned
from sidecritic.assembly.plans import BenchmarkCache, plan_for
from sidecritic.errors import ConfigError
from sidecritic.reports import to_markdown
from sidecritic.reports.text import plain
from sidecritic.rollouts import play as rollouts
from sidecritic.rollouts.budget import Budget
from sidecritic.rollouts.play import Tally, play
from sidecritic.runs import (
    REPORT_FILE,
    RUN_FILE,
    SCORES_FILE,
    TRAJECTORIES_FILE,
    Run,
    read_record,
    read_run,
    write_whole,
)
from sidecritic.scoring import Comparison, Scores, compare
from sidecritic.scoring.comparison import Side
from sidecritic.settings.critic_names import asks_a_person
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import PLACES, SERVERS, Settings
from sidecritic.workflows.files import write_file
from sidecritic.workflows.watchers import SILENT, Watcher

COMPARISON_FILE = "comparison.md"


def directory_of(settings: Settings) -> Path:
    """Return where the run goes; without `--out`, the same settings give the same place."""
    if settings.out is not None:
        return Path(settings.out)
    way = "" if settings.strategy == "tool_calling" else f"{settings.strategy}-"
    name = f"{'+'.join(settings.env)}-{way}{settings.critic}".replace(":", "-").replace("/", "-")
    moved = dict.fromkeys(SERVERS)
    of_all = settings.model_copy(update={"concurrency": 1, "retry_failed": False, **moved})
    return (
        Path("runs")
        / f"{name}-{sha256(of_all.model_dump_json(exclude=set(PLACES)).encode()).hexdigest()[:8]}"
    )


def evaluate(
    settings: Settings,
    *,
    title: str = "episodes",
    cache: BenchmarkCache | None = None,
    watcher: Watcher = SILENT,
) -> Scores:
    """Play a run to its end, resuming it if it was begun, and score it.

    `cache` may hold benchmarks to play in place of those that the settings name.
    """
    directory = directory_of(settings)
    with watcher.episodes(title, directory, hidden=asks_a_person(settings.critic)) as bar:
        asyncio.run(play_run(settings, directory, bar, cache))
    for remark in unknown_domains(settings.critic, settings.env, settings.pack):
        watcher.say(remark)
    for domain in unlearned(settings.critic, settings.env, settings.pack):
        watcher.say(
            f"the head of {settings.critic!r} has learned nothing of {domain!r}: policy checks "
            "judged there, by the risks that they state themselves"
        )
    return publish(read_run(directory), watcher)


async def play_run(
    settings: Settings,
    directory: Path,
    watcher: rollouts.Watcher,
    cache: BenchmarkCache | None = None,
    budget: Budget | None = None,
) -> Tally:
    """Play what the directory does not hold yet of the run that the settings describe."""
    async with AsyncExitStack() as stack:
        plan = plan_for(settings, keys_from_environment(), stack, cache=cache, budget=budget)
        plan = placed(plan, settings)
        slots, again = settings.concurrency, settings.retry_failed
        return await play(plan, directory, concurrency=slots, retry_failed=again, watcher=watcher)


def publish(run: Run, watcher: Watcher = SILENT) -> Scores:
    """Score a run and write `scores.json` and `report.md` into its directory.

    Raises:
        ConfigError: the run holds no readable episode.
    """
    scores = side_of(run, watcher).scores()
    json = scores.model_dump_json(indent=2) + "\n"
    for name, text in ((SCORES_FILE, json), (REPORT_FILE, to_markdown(scores))):
        try:
            write_whole(run.directory / name, text)
        except OSError as cause:
            watcher.say(f"{run.directory / name} is not written: {cause.strerror}")
    return scores


def side_of(run: Run, watcher: Watcher = SILENT) -> Side:
    """Return the run as one side of a comparison; the watcher hears what could not be read.

    Raises:
        ConfigError: the run holds no readable episode.
    """
    record, problems = run.record, tuple(map(str, run.problems))
    if not run.trajectories:
        why = problems[0] if problems else "it is missing or empty"
        raise ConfigError(
            f"no episode can be read from {run.directory / TRAJECTORIES_FILE}: {why}; "
            f"to play them, repeat: {record.command}"
        )
    for problem in problems:
        watcher.say(problem)
    return Side(run.trajectories, record.briefings, record.command, record.episodes, problems)


def failures_of(*runs: Scores) -> str:
    """Return one line about the infrastructure failures of some runs, `""` without any."""
    kinds = sum((Counter(run.failures.by_kind) for run in runs), Counter[str]())
    if not kinds:
        return ""
    number = kinds.total()
    kind, count = kinds.most_common(1)[0]
    example = next(e for run in runs if (e := run.failures.examples.get(kind)))
    ended = "1 episode" if number == 1 else f"{number} episodes"
    are = "is" if number == 1 else "are"
    most = f"{count} of them: " if count < number else ""
    return (
        f"{ended} ended in an infrastructure failure and {are} not scored ({most}{kind}: "
        f"{plain(example)}); see the report, then add --retry-failed to the same command"
    )


def compare_runs(
    baseline: Path, supervised: Path, report: Path | None = None, *, watcher: Watcher = SILENT
) -> Comparison:
    """Compare two run directories, and write the report if it has a file.

    Raises:
        ConfigError: one of them holds no run, or the report cannot be written.
    """
    sides = (side_of(read_run(run), watcher) for run in (baseline, supervised))
    comparison = compare(*sides)
    if report is not None:
        write_file(report, to_markdown(comparison))
    return comparison


def demonstrate(prefix: str, seed: int, watcher: Watcher = SILENT) -> Comparison:
    """Play the demo's two runs afresh, and compare them.

    Raises:
        ConfigError: one of the directories holds something else than a demo's run.
    """
    if not prefix.strip():
        raise ConfigError("--out is empty; give a prefix, such as runs/demo")
    baseline, supervised = Path(f"{prefix}-baseline"), Path(f"{prefix}-supervised")
    shared = _DEMO.model_copy(update={"seed": seed})
    runs = [
        (directory, shared.model_copy(update={"critic": critic, "out": str(directory)}))
        for directory, critic in ((baseline, "none"), (supervised, "default"))
    ]
    for directory, settings in runs:
        _require_replaceable(directory, settings)
    for directory, settings in runs:
        _clear(directory)
        evaluate(settings, title=directory.name, watcher=watcher)
    return compare_runs(baseline, supervised, supervised / COMPARISON_FILE, watcher=watcher)


_DEMO = Settings(
    env=("tau2:retail", "tau2:airline"),
    split="test",
    limit=20,
    trials=2,
    actor="simulated",
    user="scripted",
    gate="writes+final",
)


def _require_replaceable(directory: Path, settings: Settings) -> None:
    """Raise a `ConfigError` unless the directory is free, or a demo's with any seed."""
    try:
        held = {each.name: each.stat().st_size for each in directory.iterdir()}
    except FileNotFoundError:
        return
    except OSError as cause:
        raise ConfigError(
            f"cannot write to {directory}: {cause.strerror}; choose another --out"
        ) from cause
    # A kill right after the start leaves only an empty file of trajectories.
    if held in ({}, {TRAJECTORIES_FILE: 0}) or _is_demo(directory, settings):
        return
    raise ConfigError(
        f"{directory} holds what this demo has not made, and would replace it; choose another --out"
    )


def _is_demo(directory: Path, settings: Settings) -> bool:
    try:
        there = read_record(directory).settings
    except ConfigError:
        return False
    # Other versions may have other settings; those that make it the demo must be there.
    same = {k: v for k, v in settings.deciding.items() if k != "seed"}
    return there.keys() >= _DEMO.model_fields_set and all(
        there[name] == value for name, value in same.items() if name in there
    )


def _clear(directory: Path) -> None:
    # The run file goes last: until then it says whose the other files are.
    for name in (TRAJECTORIES_FILE, SCORES_FILE, REPORT_FILE, COMPARISON_FILE, RUN_FILE):
        try:
            (directory / name).unlink(missing_ok=True)
        except OSError as cause:
            raise ConfigError(f"cannot replace {directory / name}: {cause.strerror}") from cause
