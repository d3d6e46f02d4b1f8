"""How well the critic tells wrong from right, and what each threshold would cost."""

from collections.abc import Iterator, Sequence

from sidecritic.reports.html.blocks import Block, Picture
from sidecritic.reports.html.plots import Axes, Curve, Mark, draw
from sidecritic.reports.sections import Section
from sidecritic.scoring.measure.curves import Count, Curves, Cut
from sidecritic.scoring.replay_results import Detection

_DRAWN = 200
"""Points of a line at the most; more cannot be told apart."""
_CUTS = 12
"""Thresholds of the table."""


def counted(count: Count) -> str:
    """Return so many of how many, with the share and its interval."""
    if count.share is None:
        return "none to count (n = 0)"
    low, high = count.ci
    return (
        f"{count.n} of {count.of}: {100 * count.share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
    )


def detection_block(found: Curves, source: str) -> Block:
    """Return ROC, precision and recall, and reliability of the critic's verdicts."""
    measures = found.measures
    lead = (source,)
    if not found.is_defined:
        right = measures.n - measures.wrong
        why = (
            f"{measures.wrong} wrong and {right} right proposals (n = {measures.n}): curves need "
            "some of both, so there are none."
        )
        return Block("critic", "The critic's verdicts", lead=(*lead, why))
    sections = (
        Section("Measures", ("", "value", "95 % interval", "wrong", "n"), tuple(_rows(measures))),
        _reliability(measures),
    )
    notes = (
        "AUROC: the chance that a wrong proposal has a higher risk than a right one. Average "
        f"precision of a coin: {measures.wrong / measures.n:.2f}. In the pictures the diamond is "
        "the threshold that the critic used, with its 95 % intervals (Wilson).",
    )
    return Block(
        "critic",
        "The critic's verdicts",
        lead=(*lead, *notes),
        sections=sections,
        pictures=tuple(_pictures(found)),
    )


def _rows(found: Detection) -> Iterator[tuple[str, ...]]:
    counts = (str(found.wrong), str(found.n))
    yield ("AUROC", _said(found.auroc), _range(found.auroc_ci), *counts)
    yield ("average precision", _said(found.ap), _range(found.ap_ci), *counts)
    for rate, caught in found.recall_at_fpr.items():
        ci = found.recall_at_fpr_ci.get(rate)
        name = f"caught at {float(rate):.0%} false alarms".replace("%", " %")
        yield (name, _said(caught), _range(ci), *counts)
    error = found.calibration_error
    yield ("calibration error", _said(error.value), _range(error.ci), *counts)


def _said(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _range(ci: tuple[float, float] | None) -> str:
    if ci is None:
        return "none"
    same = " (degenerate)" if ci[0] == ci[1] else ""
    return f"{ci[0]:.3f} to {ci[1]:.3f}{same}"


def _reliability(found: Detection) -> Section:
    rows = tuple(
        (
            f"{each.low:.1f} to {each.high:.1f}",
            f"{each.score:.2f}",
            f"{each.wrong:.2f}",
            _range(each.wrong_ci),
            str(each.n),
        )
        for each in found.reliability
    )
    header = ("risk", "mean risk", "share wrong", "95 % interval", "n")
    return Section("Reliability", header, rows)


def _pictures(found: Curves) -> Iterator[Picture]:
    measures, own = found.measures, found.own
    caught, disturbed = own.caught, own.disturbed
    cuts = thinned(found.cuts)
    n = f"{measures.wrong} wrong, {measures.n - measures.wrong} right"
    mark = Mark("the critic's threshold", disturbed.share or 0, caught.share or 0)
    mark = mark._replace(x_ci=disturbed.ci, y_ci=caught.ci)
    told = f"AUROC {_said(measures.auroc)}, 95 % interval {_range(measures.auroc_ci)}, {n}"
    line = Curve("verdicts", [c.disturbed.share or 0 for c in cuts], _caught(cuts))
    axes = Axes("right proposals refused", "wrong proposals caught", diagonal=True)
    yield Picture(draw("roc", f"ROC curve. {told}", axes, [line], [mark]), f"ROC. {told}.")

    known = [cut for cut in cuts if cut.precision is not None]
    line = Curve("verdicts", _caught(known), [cut.precision or 0 for cut in known])
    marks: list[Mark] = []
    if own.precision is not None:
        stopped = Count(caught.n, caught.n + disturbed.n)
        mark = Mark("the critic's threshold", caught.share or 0, own.precision)
        marks.append(mark._replace(x_ci=caught.ci, y_ci=stopped.ci))
    told = f"average precision {_said(measures.ap)}, 95 % interval {_range(measures.ap_ci)}, {n}"
    axes = Axes("wrong proposals caught (recall)", "of the refused, wrong (precision)")
    svg = draw("precision", f"Precision and recall. {told}", axes, [line], marks)
    yield Picture(svg, f"Precision and recall: {told}.")

    bins = measures.reliability
    line = Curve(
        "verdicts",
        [each.score for each in bins],
        [each.wrong for each in bins],
        [(each.wrong_ci or (each.wrong, each.wrong))[0] for each in bins],
        [(each.wrong_ci or (each.wrong, each.wrong))[1] for each in bins],
        points=True,
    )
    error = measures.calibration_error.said()
    axes = Axes("mean risk", "share wrong", diagonal=True)
    told = f"calibration error {error}, n = {measures.n}"
    svg = draw("reliability", f"Reliability. {told}", axes, [line])
    yield Picture(
        svg, f"Reliability by tenths of risk: {told}. On the dotted line a risk is a probability."
    )


def _caught(cuts: Sequence[Cut]) -> list[float]:
    return [cut.caught.share or 0 for cut in cuts]


def thinned(cuts: Sequence[Cut], most: int = _DRAWN) -> list[Cut]:
    """Return cuts spread evenly over all, the first and the last among them."""
    if len(cuts) <= most:
        return list(cuts)
    last = len(cuts) - 1
    return [cuts[round(at * last / (most - 1))] for at in range(most)]


def runs_block(found: Curves, source: str) -> Block:
    """Return how many wrong runs are caught, and right ones disturbed, over thresholds."""
    own = found.own
    shown = [own, *thinned(found.cuts[1:], _CUTS)]
    header = ("threshold", "wrong runs caught", "right runs disturbed", "disturbed for each caught")
    rows = tuple(
        (
            "the critic's own" if cut.threshold is None else f"{cut.threshold:.3f}",
            counted(cut.caught),
            counted(cut.disturbed),
            f"{cut.disturbed.n / cut.caught.n:.2f}" if cut.caught.n else "none caught",
        )
        for cut in shown
    )
    notes = (
        "Caught: an intervention before or at the run's first mistake. In brackets: 95 % intervals "
        "(Wilson). The last column is the price: right runs disturbed for each wrong one caught; "
        "its n are the counts beside it.",
    )
    section = Section("Over thresholds", header, rows, notes)
    return Block(
        "thresholds",
        "Runs disturbed against runs caught",
        lead=(source,),
        sections=(section,),
        pictures=(_runs_picture(found),) if found.is_defined else (),
    )


def _runs_picture(found: Curves) -> Picture:
    own, cuts = found.own, thinned(found.cuts)
    line = Curve("thresholds", [c.disturbed.share or 0 for c in cuts], _caught(cuts))
    mark = Mark("the critic's own", own.disturbed.share or 0, own.caught.share or 0)
    mark = mark._replace(x_ci=own.disturbed.ci, y_ci=own.caught.ci)
    told = f"at its own threshold, caught {counted(own.caught)}; disturbed {counted(own.disturbed)}"
    axes = Axes("right runs disturbed", "wrong runs caught", diagonal=True)
    svg = draw("runs", f"Runs disturbed against runs caught; {told}", axes, [line], [mark])
    return Picture(svg, f"Each point of the line is a threshold; {told}.")
