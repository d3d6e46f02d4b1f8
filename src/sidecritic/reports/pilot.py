"""A pilot as sections."""

from collections.abc import Iterator

from sidecritic.reports.sections import Section, percent, points
from sidecritic.scoring.pilot import Pilot, Rate
from sidecritic.scoring.replay_results import Measured


def pilot_sections(pilot: Pilot) -> Iterator[Section]:
    """Yield the verdict with what it rests on."""
    yield Section(
        f"Pilot: {pilot.verdict}",
        ("", "share", "95 % interval"),
        (
            _row("p: the actor fails", pilot.p),
            _row("r: failures that are repaired", pilot.r),
            _row("d: successes that are spoilt", pilot.d),
            _row("d / (r + d): enforcing pays above", pilot.break_even),
            _row("p − d / (r + d)", pilot.margin, signed=True),
            _row("more successes, p·r − (1 − p)·d", pilot.gain, signed=True),
        ),
        (said(pilot), *(f"Take care: {remark}." for remark in pilot.remarks)),
    )
    counts = tuple(_count(name, rate) for name, rate in pilot.rates.items())
    yield Section("What was counted", ("", "n", "of", "share", "95 % interval"), counts)


_UNITS = {"decisions": "labelled decisions", "runs": "pairs of episodes", "replay": "labels"}
_WHOLES = {"decisions": "conversations", "runs": "tasks", "replay": "recorded conversations"}


def said(pilot: Pilot) -> str:
    """Return the verdict as one sentence."""
    basis = f"{pilot.labels} {_UNITS[pilot.basis]} of {pilot.conversations} {_WHOLES[pilot.basis]}"
    match pilot.verdict:
        case "enforce":
            why = "the actor fails often enough for the critic to pay"
        case "stay in shadow":
            why = "enforcing would spoil more than it repairs"
        case "not enough labels" if pilot.more is None:
            why = "no number of labels within reason would settle it"
        case "not enough labels":
            why = f"about {pilot.more} more {_UNITS[pilot.basis]} like these would settle it"
    return f"{pilot.verdict}: {why} ({basis})."


def headline(pilot: Pilot) -> tuple[str, tuple[str, ...]]:
    """Return the verdict as one sentence, and what to know with it."""
    rates = (_row("p", pilot.p), _row("r", pilot.r), _row("d", pilot.d))
    shown = "; ".join(
        f"{name} = {value} ({ends})" if ends else f"{name} = {value}" for name, value, ends in rates
    )
    return said(pilot), (shown, *pilot.remarks)


def _row(name: str, found: Measured, *, signed: bool = False) -> tuple[str, str, str]:
    form = points if signed else percent
    value = "unknown" if found.value is None else form(found.value)
    ends = "" if found.ci is None else f"{form(found.ci[0])} to {form(found.ci[1])}"
    return name, value, ends


def _count(name: str, rate: Rate) -> tuple[str, ...]:
    if rate.assumed is not None:
        return name, "", "", percent(rate.assumed), "assumed"
    _, share, ends = _row(name, rate.measured)
    return name, str(rate.n), str(rate.of), share, ends
