"""Put thresholds by whole runs into a profile, and say how they do and what they cost.

The two thresholds of a domain hold for every kind of proposal in it: a refusal of any kind
disturbs a run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Literal

from sidecritic.calibration.by_run import (
    Judged,
    Pair,
    WholeRun,
    Wish,
    best_pair,
    by_domain,
    is_handed_on,
    is_refused,
    runs_needed,
)
from sidecritic.calibration.fit import FOLDS, MINIMUM_DOMAIN, FittedProfile
from sidecritic.calibration.profile import NEVER, BandRule, Profile, ThresholdRule
from sidecritic.calibration.report import ExpectedCost, RunThreshold
from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal
from sidecritic.scoring.detection import share
from sidecritic.scoring.statistics import SEED
from sidecritic.splits.folds import fold_of

_Pairs = Mapping[str, Pair]
"""By domain; under the empty name that of all others."""


def with_run_thresholds(
    fitted: FittedProfile,
    runs: Sequence[WholeRun],
    wish: Wish,
    *,
    stronger: tuple[str, str] = ("", ""),
    folds: int = FOLDS,
) -> FittedProfile:
    """Return the profile with thresholds by whole runs in place of those by proposals.

    `require_enough` says beforehand whether there is enough to fit to.
    """
    pairs = _fitted(runs, wish)
    report, old = fitted.report, fitted.profile
    counts = {(rule.kind, rule.domain): (rule.right, rule.wrong) for rule in old.thresholds}
    rules = tuple(
        ThresholdRule(kind=kind, domain=domain, at=_at(pair.high), right=right, wrong=wrong)
        for kind in sorted(old.kinds)
        for domain, pair in pairs.items()
        for right, wrong in [counts.get((kind, domain), (0, 0))]
    )
    bands = tuple(
        BandRule(domain=domain, low=_at(pair.low), high=_at(pair.high))
        for domain, pair in pairs.items()
    )
    said = {"thresholds": rules, "bands": bands if wish.pass_on is not None else ()}
    kept = {"runs_disturbed": wish.runs_disturbed, "pass_on": wish.pass_on}
    own = dict(zip(("stronger", "stronger_version"), stronger, strict=True))
    # Validated again: a band that lies the wrong way round must not reach a file.
    profile = Profile.model_validate({**dict(old), **said, **kept, **own})
    rows = _rows(runs, wish, pairs, folds)
    notes = tuple(note for row in rows if (note := _lacking(row, wish)))
    update = {
        "digest": profile.digest,
        **kept,
        "stronger": stronger[0],
        "by_run": rows,
        "thresholds": (),
        "too_few": (),
        "missing": (),
        "notes": (*notes, *_partly_labelled(runs), *_unjudged(runs)),
    }
    return FittedProfile(profile, report.model_copy(update=update))


def require_enough(runs: Sequence[WholeRun], wish: Wish) -> None:
    """Check that thresholds can be fitted to these runs.

    Raises:
        ConfigError: no conversation is right, nothing is wrong, or all scores are equal.
    """
    needed = f"{runs_needed(wish.runs_disturbed)} for {wish.runs_disturbed:.1%}"
    if not any(run.right for run in runs):
        partly = " ".join(_partly_labelled(runs))
        raise ConfigError(
            f"no right conversation is labelled: none of the {len(runs)} with a label of a judged "
            "action, so that no threshold can keep to a share of them; label all writes of some "
            f"in which nothing is wrong ({needed})" + (f"; {partly}" if partly else "")
        )
    proposals = [each for run in runs for each in run.proposals]
    if not any(each.wrong for each in proposals):
        raise ConfigError(
            f"nothing is labelled wrong: none of the {len(proposals)} judged actions of "
            f"{len(runs)} conversations, so that no threshold is better than another; label some "
            "wrong actions"
        )
    scores = [each.score for each in proposals if not each.refused_anyway]
    if len(set(scores)) < 2:
        which = f"all {len(scores)} scores are equal, {scores[0]:g}" if scores else "no score"
        raise ConfigError(
            f"{which}: no threshold tells right from wrong; replay with a critic that gives risks, "
            "such as llm:PROVIDER:MODEL"
        )


def _fitted(runs: Sequence[WholeRun], wish: Wish) -> _Pairs:
    """Return the pair of all runs, and of each domain with enough right ones."""
    own = {
        domain: best_pair(of, wish)
        for domain, of in by_domain(runs).items()
        if domain and sum(run.right for run in of) >= MINIMUM_DOMAIN and _holds_wrong(of)
    }
    return {"": best_pair(runs, wish), **own}


def _holds_wrong(runs: Iterable[WholeRun]) -> bool:
    return any(each.wrong for run in runs for each in run.proposals)


@dataclass(frozen=True, slots=True)
class _Tried:
    run: WholeRun
    pair: Pair


def _rows(
    runs: Sequence[WholeRun], wish: Wish, pairs: _Pairs, folds: int
) -> tuple[RunThreshold, ...]:
    users = sorted({run.user for run in runs})
    folds = min(folds, len(users))
    fold = fold_of([run.user for run in runs], folds, seed=SEED)
    unseen: list[_Tried] = []
    for number in range(folds):
        without = _fitted([run for run in runs if fold[run.user] != number], wish)
        for run in (run for run in runs if fold[run.user] == number):
            unseen.append(_Tried(run, without.get(run.domain, without[""])))
    domains = ("", *by_domain(runs))
    return tuple(
        _row(domain, pairs, wish, [t for t in unseen if domain in ("", t.run.domain)])
        for domain in dict.fromkeys(domains)
    )


def _row(domain: str, pairs: _Pairs, wish: Wish, unseen: Sequence[_Tried]) -> RunThreshold:
    shown = pairs.get(domain, pairs[""])
    right = [tried for tried in unseen if tried.run.right]
    held = share([(t.run.user, t.run.disturbed(t.pair)) for t in right])
    upper = held.share.ci[1] if held.share.ci else None
    every = [(t, each) for t in unseen for each in t.run.proposals]
    wrong = [(t, each) for t, each in every if each.wrong]
    needed = runs_needed(wish.runs_disturbed)
    return RunThreshold(
        domain=domain,
        low=None if isinf(shown.low) else shown.low,
        high=None if isinf(shown.high) else shown.high,
        right_runs=len(right),
        runs=len(unseen),
        disturbed=share(
            [(t.run.user, t.run.disturbed(pairs.get(t.run.domain, pairs[""]))) for t in right]
        ),
        disturbed_unseen=held,
        upper=upper,
        trusted=upper is not None and upper <= wish.runs_disturbed,
        caught=share([(t.run.user, is_refused(each, t.pair)) for t, each in wrong]),
        wrong_handed_on=share([(t.run.user, is_handed_on(each, t.pair)) for t, each in wrong]),
        handed_on=share([(t.run.user, is_handed_on(each, t.pair)) for t, each in every]),
        right_needed=needed,
        right_missing=max(0, needed - len(right)),
    )


def _lacking(row: RunThreshold, wish: Wish) -> str:
    """Return what must still be labelled; empty when it is enough."""
    name, wanted = row.domain or "all domains", f"{wish.runs_disturbed:.1%}"
    if row.right_missing:
        return (
            f"{name}: {row.right_runs} right conversations; {row.right_missing} more must be "
            f"labelled before {wanted} disturbed can be trusted ({row.right_needed} with none "
            "disturbed)"
        )
    if not row.trusted and row.upper is not None:
        return (
            f"{name}: up to {row.upper:.1%} of right conversations may be disturbed (95 %), above "
            f"the {wanted} wanted; label more, or ask for less"
        )
    return ""


def _partly_labelled(runs: Iterable[WholeRun]) -> tuple[str, ...]:
    counts = [run.unlabelled for run in runs if run.unlabelled]
    if not counts:
        return ()
    return (
        f"{len(counts)} conversations in which nothing is labelled wrong are not counted as right: "
        f"{sum(counts)} of their judged writes have no label",
    )


def _unjudged(runs: Iterable[WholeRun]) -> tuple[str, ...]:
    missing = sum(not each.next_judged for run in runs for each in run.proposals)
    if not missing:
        return ()
    return (f"the stronger critic has not judged {missing} proposals; they count as approved",)


def _at(score: float) -> float | Literal["never"]:
    return NEVER if isinf(score) else score


# --- what it costs ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Priced:
    """The judgements of a critic, and what one of them costs."""

    name: str
    lines: Sequence[JudgedProposal]
    usd: float | None
    """Of one judgement, in the mean; `None` where a price is missing."""

    def mean(self, values: Iterable[float]) -> float:
        """Return the mean over the judgements; 0 without any."""
        return sum(sorted(values)) / len(self.lines) if self.lines else 0.0

    @property
    def seconds(self) -> float:
        return self.mean(line.judgement.seconds for line in self.lines)


def expected_cost(
    small: Priced, following: Priced | None, runs: Sequence[WholeRun], handed_on: float
) -> ExpectedCost:
    """Return the cost of a proposal and of a conversation; `following` is the next link."""
    proposals: list[Judged] = [each for run in runs for each in run.proposals]
    parts = [(small, 1.0), *([(following, handed_on)] if following else [])]
    usd = sum((part.usd or 0.0) * times for part, times in parts)
    unpriced = tuple(part.name for part, times in parts if part.usd is None and times)
    tokens_in, tokens_out = (
        sum(
            part.mean(getattr(line.judgement.usage, kind) for line in part.lines) * times
            for part, times in parts
        )
        for kind in ("input_tokens", "output_tokens")
    )
    per_run = len(proposals) / len(runs) if runs else 0.0
    return ExpectedCost(
        proposals=len(proposals),
        handed_on=handed_on,
        usd_per_1000_proposals=None if unpriced else usd * 1000,
        usd_per_conversation=None if unpriced else usd * per_run,
        seconds_per_proposal=sum(part.seconds * times for part, times in parts),
        seconds_handed_on=following.seconds if following else 0.0,
        input_tokens_per_proposal=tokens_in,
        output_tokens_per_proposal=tokens_out,
        unpriced=unpriced,
    )
