"""The table of an experiment, as Markdown, CSV and LaTeX, and for a terminal."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from sidecritic.reports.markdown import document
from sidecritic.reports.sections import Section, between, cost, label, percent, points
from sidecritic.reports.text import plain
from sidecritic.scoring.grid import Grid, GridRow
from sidecritic.scoring.results import Interval, Paired, UserBenchScores

NOTHING = "-"
"""For what a cell cannot have, such as pass^2 of a single trial; no cell is empty."""

_MOST_TRIALS = 4


def columns(grid: Grid) -> list[str]:
    """Return the header of the table."""
    return [*_varied(grid), *(name for name, _ in _results(grid))]


def rows(grid: Grid) -> Iterator[list[str]]:
    """Yield the rows as text, each as long as the header."""
    results = _results(grid)
    for row in grid.rows:
        yield [*row.labels.values(), *(cell(row) for _, cell in results)]


def _varied(grid: Grid) -> tuple[str, ...]:
    return tuple(grid.rows[0].labels) if grid.rows else ()


_Columns = tuple[tuple[str, Callable[[GridRow], str]], ...]
"""Header of each column, and what fills a cell of it."""


def _results(grid: Grid) -> _Columns:
    return (
        ("episodes", _episodes),
        *((f"pass^{k}", partial(_passes, k)) for k in range(1, _MOST_TRIALS + 1)),
        ("95 % of pass^1", lambda row: _range(_first(row), percent)),
        ("reward or Score", lambda row: _value(row.scores.reward, ".3f")),
        ("95 % of it", lambda row: _range(row.scores.reward, "{:.3f}".format)),
        *(_RATES if any(row.scores.userbench for row in grid.rows) else ()),
        ("change of pass^1", lambda row: points(row.paired.delta) if row.paired else _base(row)),
        ("95 % of the change", lambda row: _range(row.paired, points)),
        ("p", lambda row: f"{row.paired.sign_flip_p:.2g}" if row.paired else NOTHING),
        ("change of reward", lambda row: _value(row.reward_delta, "+.3f")),
        ("judged", lambda row: str(row.scores.interventions.judged)),
        ("right/wrong/missed", _marks),
        ("cost", cost),
        ("s/episode", lambda row: f"{row.seconds_per_episode:.2f}"),
        ("added ms/turn", lambda row: f"{row.scores.added_seconds_per_turn * 1000:.1f}"),
    )


def _episodes(row: GridRow) -> str:
    failed = row.scores.failures.episodes
    return f"{row.scores.graded}" + (f" ({failed} failed)" if failed else "")


def _passes(k: int, row: GridRow) -> str:
    found = row.scores.pass_hat_k
    return percent(found[k - 1]) if k <= len(found) else NOTHING


def _first(row: GridRow) -> Interval | None:
    return next((each.estimate for each in row.scores.pass_hat_k_detail), None)


def _value(found: Interval | None, form: str) -> str:
    return format(found.value, form) if found else NOTHING


def _range(found: Interval | Paired | None, form: Callable[[float], str]) -> str:
    return between(found, form) if found else NOTHING


def _base(row: GridRow) -> str:
    return "baseline" if row.is_baseline else NOTHING


def _marks(row: GridRow) -> str:
    found = row.scores.interventions
    return f"{found.right}/{found.wrong}/{found.missed}"


def _rate(row: GridRow, form: Callable[[UserBenchScores], str]) -> str:
    found = next(iter(row.scores.userbench.values()), None)
    return form(found) if found else NOTHING


def _elicited(found: UserBenchScores) -> str:
    return f"{percent(found.elicited_active)}/{percent(found.elicited_passive)}"


_RATES: _Columns = (
    ("best exist", lambda row: _rate(row, lambda found: f"{found.best_exist_rate:.3f}")),
    ("correct exist", lambda row: _rate(row, lambda found: f"{found.correct_exist_rate:.3f}")),
    ("elicited act./pas.", lambda row: _rate(row, _elicited)),
)


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


def brief(grid: Grid) -> Section:
    """Return what of the table fits a terminal; the files hold the rest."""
    header = (*_varied(grid), "n", "pass^1", "change", "r/w/m", "cost")
    body = tuple((*row.labels.values(), *_brief(row)) for row in grid.rows)
    return Section("Results", header, body, (_LEGEND, *notes(grid)))


_LEGEND = (
    "n: episodes. change: in points, 95 % in brackets. r/w/m: interventions right, wrong, missed."
)


def _brief(row: GridRow) -> Iterator[str]:
    scores, paired = row.scores, row.paired
    yield _episodes(row)
    yield f"{100 * scores.pass_hat_k[0]:.0f} %" if scores.pass_hat_k else NOTHING
    if paired is None:
        yield _base(row)
    else:
        low, high = 100 * paired.low, 100 * paired.high
        yield f"{100 * paired.delta:+.0f} ({low:+.0f}..{high:+.0f})"
    yield _marks(row)
    yield cost(row) if row.cost_usd is None else f"${row.cost_usd:.2f}"


def grid_to_markdown(grid: Grid) -> str:
    body = tuple(map(tuple, rows(grid)))
    section = Section("Results", tuple(columns(grid)), body, tuple(notes(grid)))
    return "\n".join(document(grid.title, grid.simulated, [section]))


def grid_to_csv(grid: Grid) -> str:
    """Return the table for programs: one number a cell, empty where there is none.

    Shares are fractions of 1. What varies, and which parties were simulated, is text.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    numbers = [dict(_numbers(row)) for row in grid.rows]
    names = list(dict.fromkeys(name for row in numbers for name in row))
    writer.writerow([*_varied(grid), *names, "is_baseline", "simulated"])
    for row, found in zip(grid.rows, numbers, strict=True):
        values = [_plain_number(found.get(name)) for name in names]
        roles = label(row.scores.simulated) or "no"
        varied = map(_harmless, row.labels.values())
        writer.writerow([*varied, *values, str(row.is_baseline).lower(), roles])
    return out.getvalue()


_Number = float | int | None


def _numbers(row: GridRow) -> Iterator[tuple[str, _Number]]:
    """Walk over the columns of a row that hold numbers."""
    scores, paired, marks = row.scores, row.paired, row.scores.interventions
    yield "episodes", scores.graded
    yield "failed_episodes", scores.failures.episodes
    yield "tasks", scores.tasks
    for k in range(1, _MOST_TRIALS + 1):
        yield f"pass^{k}", scores.pass_hat_k[k - 1] if k <= len(scores.pass_hat_k) else None
    yield from _interval("pass^1", _first(row), with_value=False)
    yield from _interval("reward", scores.reward)
    for found in scores.userbench.values():
        yield "best_exist_rate", found.best_exist_rate
        yield "correct_exist_rate", found.correct_exist_rate
        yield "elicited_active", found.elicited_active
        yield "elicited_passive", found.elicited_passive
    yield "change_of_pass^1", paired.delta if paired else None
    yield "change_of_pass^1_low", paired.low if paired else None
    yield "change_of_pass^1_high", paired.high if paired else None
    yield "p", paired.sign_flip_p if paired else None
    yield from _interval("change_of_reward", row.reward_delta)
    yield from (
        ("judged", marks.judged),
        ("interventions_right", marks.right),
        ("interventions_wrong", marks.wrong),
        ("interventions_missed", marks.missed),
    )
    yield "cost_usd", row.cost_usd
    yield "unpriced_calls", row.unpriced_calls
    yield "seconds_per_episode", row.seconds_per_episode
    yield "added_seconds_per_turn", scores.added_seconds_per_turn


def _interval(
    name: str, found: Interval | None, *, with_value: bool = True
) -> Iterator[tuple[str, _Number]]:
    if with_value:
        yield name, found.value if found else None
    yield f"{name}_low", found.low if found else None
    yield f"{name}_high", found.high if found else None


def _plain_number(value: _Number) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "@", "+", "-", "\t", "\r")) else text


_LATEX = {each: f"\\{each}" for each in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # The usual font has other glyphs in their places, and pdfLaTeX knows no Greek in a text.
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "τ": r"\ensuremath{\tau}",
    "≥": r"\ensuremath{\geq}",
    "≤": r"\ensuremath{\leq}",
    "→": r"\ensuremath{\rightarrow}",
    "−": r"\ensuremath{-}",
}


def grid_to_latex(grid: Grid) -> str:
    """Return the table as a LaTeX `table*` that is no wider than the text, and fits a page.

    It has the columns of the terminal's table; Markdown, CSV and JSON have all of them.
    """
    found = brief(grid)
    varied = len(_varied(grid))
    simulated = f" ({label(grid.simulated)})" if grid.simulated else ""
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage{graphicx}.",
        r"\begin{table*}",
        rf"\caption{{{_escaped(grid.title + simulated)}}}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{3pt}",
        r"\resizebox*{!}{\ifdim\totalheight>.8\textheight.8\textheight\else\totalheight\fi}{%",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{'l' * varied}{'r' * (len(found.header) - varied)}}}",
        r"\toprule",
        _line(found.header),
        r"\midrule",
        *map(_line, found.rows),
        r"\bottomrule",
        r"\end{tabular}}}",
        rf"\par\smallskip {_escaped(_LEGEND)}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(each, each) for each in plain(text))
