"""Thresholds of a cascade by whole runs: what was asked, its second critic, and its cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from sidecritic.calibration.by_run import WholeRun, Wish, whole_runs
from sidecritic.calibration.cascade import (
    Priced,
    expected_cost,
    require_enough,
    with_run_thresholds,
)
from sidecritic.calibration.fit import FittedProfile
from sidecritic.errors import ConfigError
from sidecritic.models.wrappers import Price, Prices, load_prices
from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.replay.lines import aligned, read_lines
from sidecritic.scoring.replays import KnownProposal
from sidecritic.types import Usage


@dataclass(frozen=True, slots=True)
class CascadeRequest:
    """What may be disturbed and handed on; without `runs_disturbed` there is no cascade."""

    runs_disturbed: float | None = None
    pass_on: float | None = None
    stronger: Path | None = None
    prices: Path | None = None
    handed_on_usd: float | None = None

    @property
    def options(self) -> dict[str, str | Path | None]:
        """As they stand on the command line."""
        shares = {
            "runs_disturbed": self.runs_disturbed,
            "pass_on": self.pass_on,
            "handed_on_usd": self.handed_on_usd,
        }
        said = {name: None if share is None else f"{share:g}" for name, share in shares.items()}
        return {**said, "stronger": self.stronger, "prices": self.prices}


NO_CASCADE = CascadeRequest()


class Material(NamedTuple):
    """What thresholds by runs are fitted to."""

    runs: Sequence[Recorded]
    lines: Sequence[JudgedProposal]
    known: Sequence[KnownProposal]


def wish_of(request: CascadeRequest, *, by_proposal: bool) -> Wish | None:
    """Return what is wished of whole runs; `None` where thresholds are by proposals.

    Raises:
        ConfigError: a share is none, or flags do not go together.
    """
    if request.runs_disturbed is None:
        alone = [name for name, value in request.options.items() if value is not None]
        if alone:
            flag = alone[0].replace("_", "-")
            raise ConfigError(f"--{flag} belongs to a cascade; give --runs-disturbed too")
        return None
    if by_proposal:
        raise ConfigError("give --runs-disturbed or --false-alarms, not both")
    if not 0 < request.runs_disturbed < 1:
        raise ConfigError(
            f"--runs-disturbed is {request.runs_disturbed:g}; write a share in (0, 1), such as 0.05"
        )
    if request.pass_on is None and (request.stronger or request.handed_on_usd is not None):
        raise ConfigError("nothing is handed on without --pass-on; give a share, such as 0.1")
    if request.pass_on is not None and not 0 <= request.pass_on <= 1:
        raise ConfigError(f"--pass-on is {request.pass_on:g}; write a share in [0, 1], such as 0.1")
    return Wish(request.runs_disturbed, request.pass_on, request.stronger is not None)


@dataclass(frozen=True, slots=True)
class Cascade:
    """What is wished of whole runs, and the runs that are enough for it."""

    wish: Wish
    request: CascadeRequest
    prices: Prices
    lines: Sequence[JudgedProposal]
    stronger: Sequence[JudgedProposal]
    runs: Sequence[WholeRun]


def prepared(material: Material, request: CascadeRequest, wish: Wish) -> Cascade:
    """Return what a cascade is fitted to.

    Raises:
        ConfigError: the stronger critic's judgements or the prices cannot be used, or there is
            too little to fit to.
    """
    prices: Prices = load_prices(request.prices) if request.prices is not None else {}
    second = _second(request.stronger, material)
    runs = whole_runs(material.runs, material.lines, material.known, second)
    require_enough(runs, wish)
    return Cascade(wish, request, prices, material.lines, second, runs)


def with_cascade(fitted: FittedProfile, cascade: Cascade) -> FittedProfile:
    """Return the profile with thresholds by whole runs, and what it is expected to cost."""
    second, runs = cascade.stronger, cascade.runs
    named = (second[0].critic, second[0].critic_version) if second else ("", "")
    made = with_run_thresholds(fitted, runs, cascade.wish, stronger=named)
    small = _priced(cascade.lines, cascade.prices)
    following = _following(second, cascade.request, cascade.prices)
    handed_on = made.report.by_run[0].handed_on.share.value or 0.0
    cost = expected_cost(small, following, runs, handed_on)
    return FittedProfile(made.profile, made.report.model_copy(update={"cost": cost}))


def _second(file: Path | None, material: Material) -> Sequence[JudgedProposal]:
    if file is None:
        return ()
    lines = aligned(read_lines(file), material.runs)
    if not {line.key for line in lines} & {line.key for line in material.lines}:
        raise ConfigError(
            f"{file} holds no judgement of a proposal that the first critic has judged; write it "
            "with `sidecritic replay --out` of the same files"
        )
    found = sorted({(line.critic, line.critic_version) for line in lines})
    if len(found) > 1:
        shown = ", ".join(" ".join(each).strip() for each in found)
        raise ConfigError(f"{file} holds judgements of several critics: {shown}; give one")
    return lines


def _following(
    second: Sequence[JudgedProposal], request: CascadeRequest, prices: Prices
) -> Priced | None:
    """Return the next link: the stronger critic, or a person at the price that is given."""
    if request.pass_on is None:
        return None
    if not second:
        return Priced("the next link", (), request.handed_on_usd)
    priced = _priced(second, prices)
    return priced if request.handed_on_usd is None else replace(priced, usd=request.handed_on_usd)


def _priced(lines: Sequence[JudgedProposal], prices: Prices) -> Priced:
    """Return what a judgement costs in the mean: as recorded, else by its model's price."""
    name = lines[0].critic
    price = prices.get(_model_in(name))
    usages = [line.judgement.usage for line in lines]
    costs = [_usd(usage, price) for usage in usages]
    known = [cost for cost in costs if cost is not None]
    usd = sum(sorted(known)) / len(known) if len(known) == len(costs) else None
    return Priced(name, lines, usd)


def _usd(usage: Usage, price: Price | None) -> float | None:
    if price is not None:
        return price.of(usage)
    # Checks and people use no tokens; a model without a price is not free.
    return usage.cost_usd if usage.input_tokens else 0.0


def _model_in(critic: str) -> str:
    """Return the model of `llm:PROVIDER:MODEL?OPTIONS` or `decision:PROTOCOL:MODEL`."""
    parts = critic.partition("?")[0].split(":", 2)
    return parts[2] if len(parts) == 3 else critic
