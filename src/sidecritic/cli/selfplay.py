"""The fixed actor plays each task several times: without a critic, and with the present one."""

from pathlib import Path
from typing import NamedTuple

from sidecritic.cli.edge import note
from sidecritic.cli.evaluating import evaluate
from sidecritic.config import Settings, Shelf, benchmark_for, sources_of
from sidecritic.config.benchmarks import Sources
from sidecritic.ports import Benchmark
from sidecritic.scoring import Scores
from sidecritic.scoring.mining import ALONE, SUPERVISED
from sidecritic.splits.benchmarks import HeldOutSplit, WithoutTestUsers, require_no_tests


class SelfPlay(NamedTuple):
    """The scores of both runs, and where these are."""

    alone: Scores
    supervised: Scores | None
    """`None` when the critic is `none`: there is nothing to compare then."""
    directory: Path

    @property
    def runs(self) -> tuple[Path, ...]:
        """The run directories, the one without a critic first."""
        names = (ALONE,) if self.supervised is None else (ALONE, SUPERVISED)
        return tuple(self.directory / name for name in names)


def play_both(settings: Settings, out: Path) -> SelfPlay:
    """Play the settings' tasks into `out/alone`, without a critic, and `out/supervised`.

    The same call again goes on where it stopped. Both runs have the same seeds. Tasks of the
    benchmark's own train split whose users are also in its test split are left out.

    Raises:
        ConfigError: a setting cannot be used, or asks for tasks or users of a test split.
    """
    shelf = kept_apart(settings)
    alone = _played(settings, "none", out / ALONE, shelf)
    if settings.critic == "none":
        return SelfPlay(alone, None, out)
    return SelfPlay(alone, _played(settings, settings.critic, out / SUPERVISED, shelf), out)


def _played(settings: Settings, critic: str, out: Path, shelf: Shelf) -> Scores:
    update: dict[str, object] = {"critic": critic, "out": str(out)}
    if critic == "none":
        update |= {"profile": None, "critic_threshold": None}
    return evaluate(settings.model_copy(update=update), title=out.name, shelf=shelf)


def kept_apart(settings: Settings) -> Shelf:
    """Return the settings' benchmarks without what is held out for tests.

    Raises:
        ConfigError: a task that is asked for is held out, or nothing else is left.
    """
    shelf: Shelf = {}
    for name in dict.fromkeys(settings.env):
        sources = sources_of(settings)
        benchmark = benchmark_for(name, sources, grader=settings.grader)
        held_out = HeldOutSplit(_own(name, sources))
        shelf[name, sources, settings.grader] = _apart(benchmark, held_out, settings)
    return shelf


def _own(name: str, sources: Sources) -> Benchmark:
    """Return the benchmark with its own tasks: what is held out does not depend on a file."""
    return benchmark_for(name, Sources(None, sources.tau_bench, sources.userbench))


def _apart(benchmark: Benchmark, held_out: HeldOutSplit, settings: Settings) -> Benchmark:
    tasks = benchmark.tasks(settings.split)
    asked = tuple(task for task in tasks if task.id in settings.task_ids)
    if settings.tasks is not None:
        require_no_tests(asked or tasks, held_out, users=True)
        return benchmark
    require_no_tests(asked, held_out, users=True)
    apart = WithoutTestUsers(benchmark, held_out)
    kept = len(apart.tasks(settings.split))
    if kept < len(tasks):
        note(
            f"{benchmark.name}: {len(tasks) - kept} of {len(tasks)} tasks of the split "
            f"{settings.split!r} are left out, because their users are in the test split too"
        )
    return apart
