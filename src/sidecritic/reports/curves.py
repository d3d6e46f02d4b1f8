"""Training curves and rounds of learning as pictures, where matplotlib is installed."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from sidecritic.errors import MissingExtra
from sidecritic.scoring.replay_results import Measured

_LINE = 88
"""Letters of a title that fit into the width."""

_BLUE, _RED = "#2b6cb0", "#c05621"


def plot_curve(
    points: Sequence[tuple[int, float, float | None]], file: Path, *, title: str
) -> None:
    """Draw validation AUROC and training loss over the steps; each point is (step, AUROC, loss).

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure = _figure("a plot of the training curve")
    left = figure.add_subplot()
    steps = [step for step, _, _ in points]
    left.plot(steps, [auroc for _, auroc, _ in points], marker="o", color=_BLUE)
    left.axhline(0.5, color="#a0aec0", linewidth=0.8, linestyle="--")
    lowest = min((auroc for _, auroc, _ in points), default=0.5)
    bottom = min(0.4, lowest - 0.05)
    left.set(xlabel="step", ylabel="validation AUROC", ylim=(bottom, 1.0), title=title)
    left.yaxis.label.set_color(_BLUE)
    right = left.twinx()
    losses = [(step, loss) for step, _, loss in points if loss is not None]
    right.plot([s for s, _ in losses], [v for _, v in losses], marker=".", color=_RED)
    right.set_ylabel("training loss", color=_RED)
    right.set_ylim(bottom=0)
    figure.savefig(file, dpi=120)


class RoundPoint(NamedTuple):
    """What a round's critic reached on the held-out tasks."""

    critic: str
    promoted: bool
    auroc: Measured
    passes: Measured


def plot_rounds(points: Sequence[RoundPoint], file: Path, *, title: str) -> None:
    """Draw validation AUROC and supervised pass^1 of each round, with their intervals.

    A hollow point is a critic that was not promoted.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure = _figure("a plot of the rounds")
    wrapped = "\n".join(fill(line, _LINE) for line in title.splitlines())
    figure.suptitle(wrapped, fontsize=10, parse_math=False)
    _draw_measured(figure.add_subplot(1, 2, 1), points, [p.auroc for p in points], _BLUE)
    _draw_measured(figure.add_subplot(1, 2, 2), points, [p.passes for p in points], _RED)
    left, right = figure.axes
    left.set(ylabel="validation AUROC")
    right.set(ylabel="supervised pass^1")
    figure.savefig(file, dpi=120)


def _draw_measured(
    axes: Any, points: Sequence[RoundPoint], values: Sequence[Measured], color: str
) -> None:
    known = [(at, value) for at, value in enumerate(values) if value.value is not None]
    axes.plot([at for at, _ in known], [value.value for _, value in known], color=color)
    for at, value in known:
        inside = color if points[at].promoted else "white"
        axes.plot([at], [value.value], marker="o", color=color, markerfacecolor=inside)
        if value.ci is not None:
            axes.vlines([at], *value.ci, color=color, linewidth=1.2, alpha=0.6)
    axes.set_xticks(range(len(points)), [point.critic for point in points])
    axes.set(xlim=(-0.5, len(points) - 0.5), ylim=(0, 1.02))
    axes.grid(axis="y", color="#e2e8f0")


def _figure(what: str) -> Any:
    try:
        figures: Any = import_module("matplotlib.figure")
    except ModuleNotFoundError as cause:
        raise MissingExtra("matplotlib", "report", what) from cause
    return figures.Figure(figsize=(7, 3.6), layout="constrained")
