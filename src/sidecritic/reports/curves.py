"""Training curves as a picture, where matplotlib is installed."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sidecritic.errors import MissingExtra

_BLUE, _RED = "#2b6cb0", "#c05621"


def plot_curve(
    points: Sequence[tuple[int, float, float | None]], file: Path, *, title: str
) -> None:
    """Draw validation AUROC and training loss over the steps; each point is (step, AUROC, loss).

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        figures: Any = import_module("matplotlib.figure")
    except ModuleNotFoundError as cause:
        raise MissingExtra("matplotlib", "report", "a plot of the training curve") from cause
    figure: Any = figures.Figure(figsize=(7, 3.6), layout="constrained")
    left = figure.add_subplot()
    steps = [step for step, _, _ in points]
    left.plot(steps, [auroc for _, auroc, _ in points], marker="o", color=_BLUE)
    left.axhline(0.5, color="#a0aec0", linewidth=0.8, linestyle="--")
    left.set(xlabel="step", ylabel="validation AUROC", ylim=(0.4, 1.0), title=title)
    left.yaxis.label.set_color(_BLUE)
    right = left.twinx()
    losses = [(step, loss) for step, _, loss in points if loss is not None]
    right.plot([s for s, _ in losses], [v for _, v in losses], marker=".", color=_RED)
    right.set_ylabel("training loss", color=_RED)
    right.set_ylim(bottom=0)
    figure.savefig(file, dpi=120)
