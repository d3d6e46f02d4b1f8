"""Run an experiment: estimate, confirm, play cell by cell, and write one table."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import typer
from rich.console import Console
from stamina.instrumentation import set_on_retry_hooks

from sidecritic.cli.edge import note
from sidecritic.cli.evaluating import side_of
from sidecritic.cli.progress import Bar
from sidecritic.config import (
    Cell,
    Estimate,
    Experiment,
    Shelf,
    estimate,
    keys_from_environment,
    plan_for,
    require_prices,
)
from sidecritic.errors import ConfigError
from sidecritic.reports.grid import grid_to_csv, grid_to_latex, grid_to_markdown
from sidecritic.rollouts import Budget, Silent, Tally, Watcher, play
from sidecritic.runs import RUN_FILE, Run, read_run, write_whole
from sidecritic.scoring.comparison import Side
from sidecritic.scoring.grid import Grid, GridCell, grid_of
from sidecritic.trace import Trajectory

TABLES = ("table.md", "table.csv", "table.tex", "table.json")


def run(experiment: Experiment, *, budget_usd: float | None, yes: bool) -> Grid:
    """Play what is left of the experiment, and write its tables.

    Raises:
        ConfigError: something cannot be used, or spending money was not agreed to.
    """
    limit = experiment.budget_usd if budget_usd is None else budget_usd
    shelf: Shelf = {}
    estimates = asyncio.run(_estimates(experiment.cells, shelf))
    if limit is not None:
        require_prices(estimates)
    left = _announce(experiment.cells, estimates, limit)
    if any(each.models for each in estimates) and left and not yes:
        _confirm(experiment.name)
    stopped = _play(experiment.cells, estimates, shelf, limit)
    grid = table_of(experiment, stopped=stopped)
    publish(grid, experiment.folder)
    return grid


# --- before -------------------------------------------------------------------------------


async def _estimates(cells: Sequence[Cell], shelf: Shelf) -> list[Estimate]:
    return [await estimate(cell, shelf) for cell in cells]


def _announce(cells: Sequence[Cell], estimates: Sequence[Estimate], limit: float | None) -> int:
    """Say what is to be played and what it will cost; return the episodes that are left."""
    finished = [len(_finished(cell)) for cell in cells]
    whole = sum(each.episodes for each in estimates)
    left = whole - sum(finished)
    note(f"{len(cells)} cells, {whole} episodes, {left} of them left to play")
    models = sorted({model for each in estimates for model in each.models})
    if not models:
        note("no model is asked: every party is simulated, and it costs nothing")
        return left
    pairs = zip(estimates, finished, strict=True)
    dollars = sum(each.per_episode * (each.episodes - done) for each, done in pairs)
    unpriced = sorted({model for each in estimates for model in each.unpriced})
    shown = "unknown" if unpriced == models else f"${dollars:.4f}"
    note(
        f"estimate for what is left: {shown}, from a rehearsal with simulated parties; "
        f"real models may talk more, or reason; models: {', '.join(models)}"
    )
    if unpriced:
        note(f"not in the estimate, for want of a price: {', '.join(unpriced)}")
    note(f"budget: ${limit:g}" if limit is not None else "budget: none; set one with --budget")
    return left


def _finished(cell: Cell) -> Sequence[Trajectory]:
    run = _run_of(cell)
    return run.trajectories if run is not None else ()


def _run_of(cell: Cell) -> Run | None:
    folder = Path(cell.settings.out or "")
    return read_run(folder) if (folder / RUN_FILE).exists() else None


def _confirm(name: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(f"the experiment {name!r} spends money; add --yes to agree to that")
    if not typer.confirm("Spend it?", err=True):
        raise ConfigError("nothing was played")


# --- playing ------------------------------------------------------------------------------


def _play(
    cells: Sequence[Cell], estimates: Sequence[Estimate], shelf: Shelf, limit: float | None
) -> str:
    """Play cell by cell; return why it stopped before the end, if it did."""
    budget = Budget(limit, expected=max((each.per_episode for each in estimates), default=0.0))
    for cell in cells:
        for trajectory in _finished(cell):
            budget.count(trajectory.events)
    for number, cell in enumerate(cells, start=1):
        title = f"[{number}/{len(cells)}] {' '.join(cell.row)}"
        tally = _play_cell(cell, title, shelf, budget)
        if tally.stopped:
            return tally.stopped
    return ""


def _play_cell(cell: Cell, title: str, shelf: Shelf, budget: Budget) -> Tally:
    settings, folder = cell.settings, Path(cell.settings.out or "")

    async def cell_played(watcher: Watcher) -> Tally:
        async with AsyncExitStack() as stack:
            keys = keys_from_environment()
            plan = plan_for(settings, keys, stack, shelf=shelf, budget=budget)
            return await play(
                plan,
                folder,
                concurrency=settings.concurrency,
                retry_failed=settings.retry_failed,
                watcher=watcher,
            )

    if not Console(stderr=True).is_terminal:
        set_on_retry_hooks([])
        tally = asyncio.run(cell_played(Silent()))
        note(f"{title}: {tally.played} played, {tally.skipped} there already")
        return tally
    with Bar(title, folder) as bar:
        set_on_retry_hooks([bar.waiting])
        return asyncio.run(cell_played(bar))


# --- after --------------------------------------------------------------------------------


def table_of(experiment: Experiment, *, stopped: str = "") -> Grid:
    """Return the table of what there is on file."""
    sides: dict[tuple[str, ...], list[Side]] = {}
    labels = {cell.row: cell.labels for cell in experiment.cells}
    for cell in experiment.cells:
        run = _run_of(cell)
        if run is not None and run.trajectories:
            sides.setdefault(cell.row, []).append(side_of(run))
    played = [GridCell(labels[row], sides.get(row, [])) for row in labels]
    grid = grid_of(
        played,
        title=experiment.title,
        baseline=experiment.baseline,
        note=experiment.note,
        stopped=stopped,
    )
    return grid.model_copy(update={"planned": max(grid.planned, _planned(experiment, grid))})


def _planned(experiment: Experiment, grid: Grid) -> int:
    """Return the episodes of the whole experiment, cells that were never begun included."""
    begun = [run.record.episodes for cell in experiment.cells if (run := _run_of(cell))]
    missing = len(experiment.cells) - len(begun)
    return sum(begun) + missing * max(begun, default=1)


def publish(grid: Grid, out: Path) -> None:
    """Write the table as Markdown, CSV, LaTeX and JSON.

    Raises:
        ConfigError: the directory cannot be written to.
    """
    written = dict(
        zip(
            TABLES,
            (
                grid_to_markdown(grid),
                grid_to_csv(grid),
                grid_to_latex(grid),
                grid.model_dump_json(indent=2) + "\n",
            ),
            strict=True,
        )
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            write_whole(out / name, text)
    except OSError as cause:
        raise ConfigError(
            f"cannot write to {out}: {cause.strerror}; choose another --out"
        ) from cause
