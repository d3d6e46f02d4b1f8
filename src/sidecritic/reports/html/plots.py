"""Pictures as SVG by matplotlib; colours are variables of the page, so that they fit its theme."""

import re
from collections.abc import Sequence
from importlib import import_module
from io import StringIO
from typing import Any, Literal, NamedTuple

from sidecritic.errors import MissingExtra

Colour = Literal["ink", "muted", "rule", "first", "second"]

# Colours that nothing else has: the page's variables take their places.
_STAND_INS: dict[Colour, str] = {
    "ink": "#010203",
    "muted": "#040506",
    "rule": "#070809",
    "first": "#0a0b0c",
    "second": "#0d0e0f",
}
_PAPER = "#101112"
_VARIABLES = {**{hue: f"var(--{name})" for name, hue in _STAND_INS.items()}, _PAPER: "var(--paper)"}

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sidecritic",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _STAND_INS["muted"],
    "axes.labelcolor": _STAND_INS["ink"],
    "text.color": _STAND_INS["ink"],
    "text.parse_math": False,
    "xtick.color": _STAND_INS["muted"],
    "ytick.color": _STAND_INS["muted"],
    "xtick.labelcolor": _STAND_INS["ink"],
    "ytick.labelcolor": _STAND_INS["ink"],
    "axes.grid": True,
    "grid.color": _STAND_INS["rule"],
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
_SIZE = (4.0, 3.1)
"""Inches: as wide as a small telephone, so that letters are no smaller there."""


class Curve(NamedTuple):
    """A line, with the ends of the interval at each of its points where there are any."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    colour: Colour = "first"
    dashed: bool = False
    points: bool = False
    """Whether each point is marked, as where there are few."""
    steps: bool = False


class Mark(NamedTuple):
    """A point that matters, with its intervals in both directions."""

    name: str
    x: float
    y: float
    x_ci: tuple[float, float] | None = None
    y_ci: tuple[float, float] | None = None
    colour: Colour = "second"


class Axes(NamedTuple):
    """What the picture's axes are called, and how far they go."""

    x: str
    y: str
    x_range: tuple[float, float] = (0.0, 1.0)
    whole: bool = False
    """Whether only whole numbers are on the x axis; else shares are, in percent."""
    diagonal: bool = False


def draw(
    name: str, told: str, axes: Axes, curves: Sequence[Curve], marks: Sequence[Mark] = ()
) -> str:
    """Return an SVG element; `name` begins its ids, and `told` is what a screen reader says.

    The same arguments give the same text.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    matplotlib, figures = _matplotlib()
    out = StringIO()
    with matplotlib.rc_context(_STYLE):
        figure = figures.Figure(figsize=_SIZE, layout="constrained")
        figure.patch.set_alpha(0)
        plot = figure.add_subplot()
        plot.patch.set_alpha(0)
        _set(plot, axes)
        for curve in curves:
            _draw_curve(plot, curve)
        for mark in marks:
            _draw_mark(plot, mark)
        if len(curves) + len(marks) > 1:
            plot.legend(loc="lower right" if axes.diagonal or axes.whole else "best")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing)
    return _themed(out.getvalue(), name, told)


def _matplotlib() -> tuple[Any, Any]:
    try:
        return import_module("matplotlib"), import_module("matplotlib.figure")
    except ModuleNotFoundError as cause:
        raise MissingExtra("matplotlib", "report", "a report with pictures") from cause


def _set(plot: Any, axes: Axes) -> None:
    ticker: Any = import_module("matplotlib.ticker")
    margin = 0.02 * (axes.x_range[1] - axes.x_range[0])
    plot.set(xlabel=axes.x, ylabel=axes.y, ylim=(-0.02, 1.02))
    plot.set_xlim(axes.x_range[0] - margin, axes.x_range[1] + margin)
    plot.yaxis.set_major_formatter(ticker.PercentFormatter(1, symbol=" %"))
    if axes.whole:
        plot.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    else:
        plot.xaxis.set_major_formatter(ticker.PercentFormatter(1, symbol=" %"))
    if axes.diagonal:
        plot.plot((0, 1), (0, 1), color=_STAND_INS["muted"], linewidth=0.8, linestyle=":")


def _draw_curve(plot: Any, curve: Curve) -> None:
    hue = _STAND_INS[curve.colour]
    look = {"color": hue, "linewidth": 1.6, "linestyle": "--" if curve.dashed else "-"}
    if curve.points:
        look |= {"marker": "s" if curve.dashed else "o", "markersize": 5}
    plot.plot(
        curve.x,
        curve.y,
        label=curve.name,
        drawstyle="steps-post" if curve.steps else "default",
        **look,
    )
    if curve.low:
        plot.vlines(curve.x, curve.low, curve.high, color=hue, linewidth=1.2)


def _draw_mark(plot: Any, mark: Mark) -> None:
    hue = _STAND_INS[mark.colour]
    if mark.x_ci is not None:
        plot.hlines([mark.y], *mark.x_ci, color=hue, linewidth=1.2)
    if mark.y_ci is not None:
        plot.vlines([mark.x], *mark.y_ci, color=hue, linewidth=1.2)
    look = {"marker": "D", "markersize": 6, "markeredgecolor": _PAPER, "linestyle": "none"}
    plot.plot([mark.x], [mark.y], color=hue, label=mark.name, zorder=5, **look)


def _themed(svg: str, name: str, told: str) -> str:
    """Return the element alone, its ids unlike those of other pictures, its colours variables."""
    body = svg[svg.index("<svg") :]
    head, _, rest = body.partition(">")
    view = re.search(r'viewBox="[^"]*"', head)
    rest = re.sub(r'\bid="', f'id="{name}-', rest)
    rest = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", rest)
    rest = re.sub(r"<metadata>.*?</metadata>\s*", "", rest, flags=re.DOTALL)
    rest = re.sub(r"(font: [\d.]+px) [^;\"]*", r"\1 var(--face)", rest)
    for hue, variable in _VARIABLES.items():
        rest = rest.replace(hue, variable)
    label = told.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'<svg role="img" aria-label="{label}" {view.group() if view else ""}>{rest.strip()}'
