"""Results of runs: pass^k, what `compare` prints, and the grid of paired tasks."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sidecritic.reports.html.blocks import Block, Cell, Picture
from sidecritic.reports.html.plots import Axes, Colour, Curve, draw
from sidecritic.reports.sections import (
    Section,
    between,
    comparison_sections,
    percent,
    points,
    run_sections,
)
from sidecritic.scoring.results import Comparison, Scores, TaskChange

FEW = 10
"""Tasks below which an interval says little."""
MOST_CELLS = 2_000
"""Tasks that the grid shows; of more, those that flipped come first."""


class Named(NamedTuple):
    """A run's scores, and what the report calls the run."""

    name: str
    scores: Scores


def results(runs: Sequence[Named]) -> Block:
    """Return pass^k of every run, as a picture and with n and interval in a table."""
    rows = tuple(
        (
            f"{run.name}, pass^{row.k}",
            percent(row.estimate.value),
            between(row.estimate, percent),
            f"{row.tasks}",
            f"{run.scores.graded}",
        )
        for run in runs
        for row in run.scores.pass_hat_k_detail
    )
    header = ("", "estimate", "95 % interval", "tasks", "episodes")
    section = Section("pass^k", header, rows, tuple(_care(runs)))
    picture = _curves(runs)
    return Block("results", "pass^k", sections=(section,), pictures=(picture,) if rows else ())


def _care(runs: Sequence[Named]) -> Iterator[str]:
    yield (
        "pass^k: the chance that k trials of one task, drawn at random, all pass. Intervals "
        "resample tasks."
    )
    for name, scores in runs:
        tasks = max((row.tasks for row in scores.pass_hat_k_detail), default=0)
        what = f"{name}: {tasks} graded task{'' if tasks == 1 else 's'}"
        if not tasks:
            yield f"{what}; there is nothing to estimate (n = 0)."
        elif tasks < FEW:
            yield f"{what}; the intervals of so few are degenerate: read nothing into them."
        elif len({task.passed / task.trials for task in scores.by_task if task.trials}) == 1:
            yield (
                f"{what}, all with the same result: resampling is degenerate, and the interval "
                "is what tasks unlike these could add."
            )


def _curves(runs: Sequence[Named]) -> Picture:
    hues: tuple[Colour, ...] = ("second", "first", "muted", "ink")
    lines: list[Curve] = []
    for at, (name, scores) in enumerate(runs):
        found = scores.pass_hat_k_detail
        # Side by side: intervals that lie upon each other cannot be read.
        shift = 0.06 * (at - (len(runs) - 1) / 2)
        lines.append(
            Curve(
                name,
                [row.k + shift for row in found],
                [row.estimate.value for row in found],
                [row.estimate.low for row in found],
                [row.estimate.high for row in found],
                colour=hues[at % len(hues)] if len(runs) > 1 else "first",
                dashed=not at and len(runs) > 1,
                points=True,
            )
        )
    most = max((len(run.scores.pass_hat_k_detail) for run in runs), default=1)
    axes = Axes("k, trials that must all pass", "pass^k", (0.7, most + 0.3), whole=True)
    told = "pass^k by k: " + "; ".join(
        f"{name} " + ", ".join(percent(value) for value in scores.pass_hat_k)
        for name, scores in runs
    )
    return Picture(draw("pass", told, axes, lines), "pass^k with 95 % intervals.")


def alone(run: Named) -> Block:
    """Return what `score` prints of one run."""
    return Block("run", f"Scores, {run.name}", sections=tuple(_open(run_sections(run.scores))))


def _open(sections: Iterator[Section]) -> Iterator[Section]:
    # The table of all tasks is long, and folded elsewhere.
    yield from (each for each in sections if each.title != "By task")


def tasks(run: Named) -> Block:
    found = tuple(each for each in run_sections(run.scores) if each.title == "By task")
    return Block("tasks", f"Tasks, {run.name}", sections=found, folded=True)


def spent(all_runs: Sequence[Named]) -> Block:
    """Return cost and latency by role, of every run."""
    sections = tuple(
        each._replace(title=f"Use, {run.name}", notes=(*each.notes, "n is the column of calls."))
        for run in all_runs
        for each in run_sections(run.scores)
        if each.title == "Use"
    )
    return Block("cost", "Cost and latency by role", sections=sections)


def compared(id: str, title: str, comparison: Comparison) -> Block:
    """Return the tables of `compare`, number for number."""
    found = tuple(each for each in comparison_sections(comparison))
    return Block(id, title, sections=found)


def pairs(id: str, title: str, comparison: Comparison) -> Block:
    """Return the grid of tasks, each a link to its row below."""
    known = sorted(comparison.by_task, key=_direction)
    changed = [each for each in known if each.baseline != each.supervised]
    shown = (known if len(known) <= MOST_CELLS else changed)[:MOST_CELLS]
    better = sum(each.supervised > each.baseline for each in changed)
    same = len(known) - len(changed)
    lead = [
        f"{better} of {len(known)} tasks better when supervised (+), {len(changed) - better} worse "
        f"(−), {same} the same (·). Each is a link to its row in the table."
    ]
    if len(shown) < len(known):
        lead.append(f"{len(shown)} of {len(known)} are shown, those that changed first.")
    rows = tuple(_row(each) for each in shown)
    header = ("task", "environment", "trials", "baseline passed", "supervised passed", "change")
    return Block(
        id,
        title,
        lead=tuple(lead),
        sections=(Section("Every task", header, rows),),
        grid=tuple(_cell(f"{id}-{at}", each) for at, each in enumerate(shown)),
        rows=tuple(f"{id}-{at}" for at in range(len(shown))),
    )


def _direction(task: TaskChange) -> tuple[int, str, str]:
    change = task.supervised - task.baseline
    return (0 if change < 0 else 1 if change > 0 else 2, task.env, task.task)


def _row(task: TaskChange) -> tuple[str, ...]:
    change = points((task.supervised - task.baseline) / task.trials)
    counts = (str(task.trials), str(task.baseline), str(task.supervised))
    return (task.task, task.env, *counts, change if task.supervised != task.baseline else "0")


def _cell(link: str, task: TaskChange) -> Cell:
    change = task.supervised - task.baseline
    word = "better" if change > 0 else "worse" if change < 0 else "same"
    title = (
        f"{task.env} {task.task}: {word}, {task.baseline} to {task.supervised} "
        f"of {task.trials} passed"
    )
    return Cell(change, word, title, link)
