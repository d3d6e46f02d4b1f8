"""Self-play: the actor plays each task without a critic, and with the one in force."""

from dataclasses import replace
from pathlib import Path

from sidecritic.assembly.benchmarks import benchmark_for, sources_of
from sidecritic.assembly.plans import BenchmarkCache
from sidecritic.ports import Benchmark
from sidecritic.scoring import Scores
from sidecritic.scoring.mining import ALONE, SUPERVISED
from sidecritic.settings.evaluation import Settings
from sidecritic.splits.benchmarks import HeldOutSplit, WithoutTestUsers, require_no_tests
from sidecritic.workflows.evaluation import evaluate
from sidecritic.workflows.watchers import SILENT, Watcher


def play_both(settings: Settings, out: Path, watcher: Watcher = SILENT) -> dict[Path, Scores]:
    """Play the settings' tasks into `out/alone`, without a critic, and `out/supervised`.

    Returns the scores by run directory; with the critic `none`, there is only the first. The
    same call again resumes. Both runs have the same seeds. Tasks of the
    benchmark's own train split whose users are also in its test split are left out.

    Raises:
        ConfigError: a setting cannot be used, or asks for tasks or users of a test split.
    """
    cache = kept_apart(settings, watcher)
    alone = {"critic": "none", "profile": None, "critic_threshold": None}
    both = {ALONE: alone, SUPERVISED: {}} if settings.critic != "none" else {ALONE: alone}
    found: dict[Path, Scores] = {}
    for name, more in both.items():
        own = settings.model_copy(update={**more, "out": str(out / name)})
        found[out / name] = evaluate(own, title=name, cache=cache, watcher=watcher)
    return found


def kept_apart(settings: Settings, watcher: Watcher = SILENT) -> BenchmarkCache:
    """Return the settings' benchmarks without what is held out for tests.

    Raises:
        ConfigError: a task in `task_ids` is held out, or nothing else is left.
    """
    cache: BenchmarkCache = {}
    for name in dict.fromkeys(settings.env):
        sources = sources_of(settings)
        benchmark = benchmark_for(name, sources, grader=settings.grader)
        # What is held out does not depend on a task file.
        held_out = HeldOutSplit(benchmark_for(name, replace(sources, tasks=None)))
        cache[name, sources, settings.grader] = _apart(benchmark, held_out, settings, watcher)
    return cache


def _apart(
    benchmark: Benchmark, held_out: HeldOutSplit, settings: Settings, watcher: Watcher
) -> Benchmark:
    tasks = benchmark.tasks(settings.split)
    asked = tuple(task for task in tasks if task.id in settings.task_ids)
    if settings.tasks is not None:
        require_no_tests(asked or tasks, held_out, users=True)
        return benchmark
    require_no_tests(asked, held_out, users=True)
    apart = WithoutTestUsers(benchmark, held_out)
    kept = len(apart.tasks(settings.split))
    if kept < len(tasks):
        watcher.say(
            f"{benchmark.name}: {len(tasks) - kept} of {len(tasks)} tasks of the split "
            f"{settings.split!r} are left out, because their users are in the test split too"
        )
    return apart
