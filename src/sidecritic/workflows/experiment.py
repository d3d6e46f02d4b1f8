"""Run an experiment: estimate, agree, play cell by cell, and write one table."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sidecritic.assembly.models import DryRun, prices_of
from sidecritic.assembly.plans import BenchmarkCache, plan_with
from sidecritic.errors import ConfigError
from sidecritic.reports.grid import grid_to_csv, grid_to_latex, grid_to_markdown
from sidecritic.rollouts.budget import Budget, cost_of
from sidecritic.rollouts.play import play
from sidecritic.runs import RUN_FILE, Run, read_run
from sidecritic.scoring.comparison import Side
from sidecritic.scoring.grid import Grid, GridCell, grid_of
from sidecritic.settings.experiments import Cell, Experiment
from sidecritic.trace import Trajectory
from sidecritic.workflows.evaluation import play_run, side_of
from sidecritic.workflows.files import write_file
from sidecritic.workflows.watchers import SILENT, Watcher


def run(
    experiment: Experiment,
    *,
    budget_usd: float | None = None,
    agree: Callable[[], None] = lambda: None,
    watcher: Watcher = SILENT,
) -> Grid:
    """Play what is left of the experiment, and write its tables.

    `agree` is called before money is spent; what it raises ends the experiment.

    Raises:
        ConfigError: something cannot be used.
    """
    limit = experiment.budget_usd if budget_usd is None else budget_usd
    cache: BenchmarkCache = {}
    estimates = [asyncio.run(estimate(cell, cache)) for cell in experiment.cells]
    if limit is not None:
        require_prices(estimates)
    left = _announce(experiment.cells, estimates, limit, watcher.say)
    if any(each.models for each in estimates) and left:
        agree()
    stopped = _play(experiment.cells, estimates, cache, limit, watcher)
    grid = table_of(experiment, stopped=stopped, watcher=watcher)
    publish(grid, experiment.folder)
    return grid


# --- before -------------------------------------------------------------------------------


SAMPLED = 5
"""Tasks of each environment that a cell is estimated from."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one cell will cost."""

    models: tuple[str, ...]
    """Models that will be asked; none when every party is simulated."""
    unpriced: tuple[str, ...]
    """Those of them whose price is not known."""
    per_episode: float
    """US dollars, of the priced models."""
    episodes: int
    """Of the whole cell."""


async def estimate(cell: Cell, cache: BenchmarkCache) -> Estimate:
    """Play a few episodes of the cell with simulated parties, and count what they would cost.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    prices = prices_of(cell.settings)
    dry = DryRun(prices or {})
    whole = plan_with(dry, cell.settings, cache)
    episodes = len(whole.episodes())
    models = tuple(sorted(dry.models))
    if not models:
        return Estimate((), (), 0.0, episodes)
    limit = min(cell.settings.limit or SAMPLED, SAMPLED)
    few = cell.settings.model_copy(update={"limit": limit, "trials": 1, "fault_rate": 0.0})
    with TemporaryDirectory() as folder:
        await play(plan_with(dry, few, cache), Path(folder), concurrency=1)
        played = read_run(Path(folder)).trajectories
    unpriced = tuple(model for model in models if model not in (prices or {}))
    mean = sum(cost_of(each.events) for each in played) / max(len(played), 1)
    return Estimate(models, unpriced, mean, episodes)


def require_prices(estimates: Sequence[Estimate]) -> None:
    """Refuse a budget that cannot be kept.

    Raises:
        ConfigError: a model has no price.
    """
    unpriced = sorted({model for each in estimates for model in each.unpriced})
    if unpriced:
        raise ConfigError(
            f"a budget needs prices, and these models have none: {', '.join(unpriced)}; write "
            "them into the file of --prices, or of the key prices"
        )


def _announce(
    cells: Sequence[Cell],
    estimates: Sequence[Estimate],
    limit: float | None,
    say: Callable[[str], None],
) -> int:
    """Say how much is left to play and what it will cost; return the episodes that are left."""
    finished = [len(_finished(cell)) for cell in cells]
    whole = sum(each.episodes for each in estimates)
    left = whole - sum(finished)
    say(f"{len(cells)} cells, {whole} episodes, {left} of them left to play")
    models = sorted({model for each in estimates for model in each.models})
    if not models:
        say("no model is asked: every party is simulated, and it costs nothing")
        return left
    pairs = zip(estimates, finished, strict=True)
    dollars = sum(each.per_episode * (each.episodes - done) for each, done in pairs)
    unpriced = sorted({model for each in estimates for model in each.unpriced})
    shown = "unknown" if unpriced == models else f"${dollars:.4f}"
    say(
        f"estimate for what is left: {shown}, from a dry run with simulated parties; "
        f"real models may talk more, or reason; models: {', '.join(models)}"
    )
    if unpriced:
        say(f"not in the estimate, because they have no price: {', '.join(unpriced)}")
    say(f"budget: ${limit:g}" if limit is not None else "budget: none; set one with --budget")
    return left


def _finished(cell: Cell) -> Sequence[Trajectory]:
    run = _run_of(cell)
    return run.trajectories if run is not None else ()


def _run_of(cell: Cell) -> Run | None:
    return read_run(cell.folder) if (cell.folder / RUN_FILE).exists() else None


# --- playing ------------------------------------------------------------------------------


def _play(
    cells: Sequence[Cell],
    estimates: Sequence[Estimate],
    cache: BenchmarkCache,
    limit: float | None,
    watcher: Watcher,
) -> str:
    """Play cell by cell; return why it stopped before the end, if it did."""
    budget = Budget(limit, expected=max((each.per_episode for each in estimates), default=0.0))
    for cell in cells:
        for trajectory in _finished(cell):
            budget.count(trajectory.events)
    for number, cell in enumerate(cells, start=1):
        title = f"[{number}/{len(cells)}] {' '.join(cell.row)}"
        with watcher.episodes(title, cell.folder, brief=True) as bar:
            tally = asyncio.run(play_run(cell.settings, cell.folder, bar, cache, budget))
        if tally.stopped:
            return tally.stopped
    return ""


# --- after --------------------------------------------------------------------------------


def table_of(experiment: Experiment, *, stopped: str = "", watcher: Watcher = SILENT) -> Grid:
    """Return the table of the runs on file."""
    sides: dict[tuple[str, ...], list[Side]] = {cell.row: [] for cell in experiment.cells}
    labels = {cell.row: cell.labels for cell in experiment.cells}
    runs = [(cell, run) for cell in experiment.cells if (run := _run_of(cell))]
    for cell, run in runs:
        if run.trajectories:
            sides[cell.row].append(side_of(run, watcher))
    played = [GridCell(labels[row], own) for row, own in sides.items()]
    grid = grid_of(
        played,
        title=experiment.title,
        baseline=experiment.baseline,
        note=experiment.note,
        stopped=stopped,
    )
    begun = [run.record.episodes for _, run in runs]
    never_started = len(experiment.cells) - len(begun)
    planned = sum(begun) + never_started * max(begun, default=1)
    return grid.model_copy(update={"planned": max(grid.planned, planned)})


def publish(grid: Grid, out: Path) -> None:
    """Write the table as Markdown, CSV, LaTeX and JSON.

    Raises:
        ConfigError: the directory cannot be written to.
    """
    write_file(out / "table.md", grid_to_markdown(grid))
    write_file(out / "table.csv", grid_to_csv(grid))
    write_file(out / "table.tex", grid_to_latex(grid))
    write_file(out / "table.json", grid.model_dump_json(indent=2) + "\n")
