"""The table of an experiment, as Markdown, CSV and LaTeX, and for a terminal."""

import csv
import io
from collections.abc import Iterator, Sequence

from sidecritic.reports.markdown import document
from sidecritic.reports.sections import Section, cost, label, percent, points
from sidecritic.reports.text import plain
from sidecritic.scoring.grid import Grid, GridRow
from sidecritic.scoring.results import UserBenchScores

NOTHING = "-"
"""For what a cell cannot have, such as pass^2 of a single trial; no cell is empty."""

_MOST_TRIALS = 4


def columns(grid: Grid) -> list[str]:
    """Return the header of the table."""
    varied = list(grid.rows[0].labels) if grid.rows else []
    userbench = any(row.scores.userbench for row in grid.rows)
    rates = ["best exist", "correct exist", "elicited act./pas."] if userbench else []
    passes = [f"pass^{k}" for k in range(1, _MOST_TRIALS + 1)]
    return [
        *varied,
        "episodes",
        *passes,
        "95 % of pass^1",
        "reward or Score",
        "95 % of it",
        *rates,
        "change of pass^1",
        "95 % of the change",
        "p",
        "change of reward",
        "judged",
        "right/wrong/missed",
        "cost",
        "s/episode",
        "added ms/turn",
    ]


def rows(grid: Grid) -> Iterator[list[str]]:
    """Yield the rows as text, each as long as the header."""
    userbench = any(row.scores.userbench for row in grid.rows)
    for row in grid.rows:
        yield [*row.labels.values(), *_results(row, userbench=userbench), *_use(row)]


def _results(row: GridRow, *, userbench: bool) -> Iterator[str]:
    scores, first = row.scores, row.scores.pass_hat_k_detail[:1]
    yield _episodes(row)
    for k in range(_MOST_TRIALS):
        yield percent(scores.pass_hat_k[k]) if k < len(scores.pass_hat_k) else NOTHING
    yield (
        f"{percent(first[0].estimate.low)} to {percent(first[0].estimate.high)}"
        if first
        else NOTHING
    )
    reward = scores.reward
    yield f"{reward.value:.3f}" if reward else NOTHING
    yield f"{reward.low:.3f} to {reward.high:.3f}" if reward else NOTHING
    if userbench:
        yield from _rates(next(iter(scores.userbench.values()), None))
    yield from _changes(row)


def _episodes(row: GridRow) -> str:
    failed = row.scores.failures.episodes
    return f"{row.scores.graded}" + (f" ({failed} failed)" if failed else "")


def _marks(row: GridRow) -> str:
    found = row.scores.interventions
    return f"{found.right}/{found.wrong}/{found.missed}"


def _rates(found: UserBenchScores | None) -> Iterator[str]:
    if found is None:
        yield from (NOTHING, NOTHING, NOTHING)
        return
    yield f"{found.best_exist_rate:.3f}"
    yield f"{found.correct_exist_rate:.3f}"
    yield f"{100 * found.elicited_active:.1f} %/{100 * found.elicited_passive:.1f} %"


def _changes(row: GridRow) -> Iterator[str]:
    paired, delta = row.paired, row.reward_delta
    if paired is None:
        yield from ("baseline" if row.is_baseline else NOTHING, NOTHING, NOTHING)
    else:
        yield points(paired.delta)
        yield f"{points(paired.low)} to {points(paired.high)}"
        yield f"{paired.sign_flip_p:.2g}"
    yield f"{delta.value:+.3f}" if delta else NOTHING


def _use(row: GridRow) -> Iterator[str]:
    yield str(row.scores.interventions.judged)
    yield _marks(row)
    yield cost(row)
    yield f"{row.seconds_per_episode:.2f}"
    yield f"{row.scores.added_seconds_per_turn * 1000:.1f}"


def notes(grid: Grid) -> Iterator[str]:
    """Yield what stands below the table."""
    if grid.note:
        yield grid.note
    yield (
        "Changes are paired with the baseline of the row's environment, tasks resampled; p by "
        "sign flips over tasks. Right, wrong and missed interventions: see `sidecritic compare`."
    )
    if grid.episodes < grid.planned:
        yield f"The experiment is not complete: {grid.episodes} of {grid.planned} episodes."
    if grid.stopped:
        yield grid.stopped


def section(grid: Grid) -> Section:
    """Return the table as a section of a report."""
    body = tuple(tuple(row) for row in rows(grid))
    return Section("Results", tuple(columns(grid)), body, tuple(notes(grid)))


def brief(grid: Grid) -> Section:
    """Return what of the table fits a terminal; the files hold the rest."""
    varied = tuple(grid.rows[0].labels) if grid.rows else ()
    header = (*varied, "n", "pass^1", "change", "r/w/m", "cost")
    body = tuple((*row.labels.values(), *_brief(row)) for row in grid.rows)
    found = (
        "n: episodes. change: in points, 95 % in brackets. r/w/m: interventions right, wrong, "
        "missed.",
    )
    return Section("Results", header, body, (*found, *notes(grid)))


def _brief(row: GridRow) -> Iterator[str]:
    scores, paired = row.scores, row.paired
    yield _episodes(row)
    yield f"{100 * scores.pass_hat_k[0]:.0f} %" if scores.pass_hat_k else NOTHING
    if paired is None:
        yield "baseline" if row.is_baseline else NOTHING
    else:
        low, high = 100 * paired.low, 100 * paired.high
        yield f"{100 * paired.delta:+.0f} ({low:+.0f}..{high:+.0f})"
    yield _marks(row)
    yield cost(row) if row.cost_usd is None else f"${row.cost_usd:.2f}"


def grid_to_markdown(grid: Grid) -> str:
    return "\n".join(document(grid.title, grid.simulated, [section(grid)]))


def grid_to_csv(grid: Grid) -> str:
    """Return the table with one more column that says which parties were simulated."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*columns(grid), "simulated"])
    for texts, row in zip(rows(grid), grid.rows, strict=True):
        writer.writerow([*map(_harmless, texts), label(row.scores.simulated) or "no"])
    return out.getvalue()


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are."""
    risky = text[:1] in ("=", "@") or (text[:1] in "+-" and not text[1:2].isdigit() and text != "-")
    return f"'{text}" if risky else text


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def grid_to_latex(grid: Grid) -> str:
    """Return the table as a LaTeX `table*`, for the package booktabs."""
    header = columns(grid)
    varied = len(grid.rows[0].labels) if grid.rows else 0
    simulated = f" ({label(grid.simulated)})" if grid.simulated else ""
    lines = [
        r"\begin{table*}",
        rf"\caption{{{_escaped(grid.title + simulated)}}}",
        rf"\begin{{tabular}}{{{'l' * varied}{'r' * (len(header) - varied)}}}",
        r"\toprule",
        _line(header),
        r"\midrule",
        *map(_line, rows(grid)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(each, each) for each in plain(text))
