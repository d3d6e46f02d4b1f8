"""Fit a critic profile to judgements of which it is known whether they were right.

Rules are fitted by kind of proposal, for all domains together (the default) and for each domain
with enough examples; thresholds for each tool with enough right ones as well. How the profile
does on users that it has not seen is measured by cross-validation; the profile that is written
is fitted to all examples.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from sidecritic.critics.calibration import Method, fit, threshold_for
from sidecritic.critics.profile import (
    NEVER,
    CalibrationRule,
    Profile,
    ProfileData,
    ThresholdRule,
)
from sidecritic.errors import ConfigError
from sidecritic.scoring.calibration_records import CalibrationReport, Chosen, HeldOut, TooFew
from sidecritic.scoring.detection import Example, detection
from sidecritic.scoring.detection_records import Measured
from sidecritic.scoring.replays import Telling, ToldKind
from sidecritic.scoring.shares import share
from sidecritic.scoring.statistics import SEED
from sidecritic.splits.folds import fold_of

MINIMUM_TOOL = 60
"""Right examples below which a tool has no threshold of its own: one in 20 is then three."""

MINIMUM_DOMAIN = 20
"""Right examples below which a domain has no rules of its own: one in 20 is then one."""

MINIMUM_WRONG = 10
"""Wrong examples below which a domain has no calibration of its own."""

FOLDS = 5

KINDS: tuple[ToldKind, ...] = ("write", "final")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a profile is to be."""

    name: str
    critic: str
    critic_version: str = ""
    pack: str = ""
    method: Method = "isotonic"
    false_alarms: float = 0.05
    minimum: int = MINIMUM_TOOL
    """Right examples from which a tool has a threshold of its own."""


@dataclass(frozen=True, slots=True)
class Fitted:
    profile: Profile
    report: CalibrationReport


def calibrate(told: Sequence[Telling], wanted: Wanted, *, folds: int = FOLDS) -> Fitted:
    """Return a profile and what it does; the order of the examples does not matter.

    Raises:
        ConfigError: there are too few examples.
    """
    told = sorted(told, key=_place)
    users = sorted({each.example.group for each in told})
    folds = min(folds, len(users))
    _require_enough(told, users)
    profile = fit_profile(told, wanted)
    too_few = tuple(_too_few(profile, told))
    report = CalibrationReport(
        name=profile.name,
        critic=profile.critic,
        critic_version=profile.critic_version,
        pack=profile.pack,
        method=wanted.method,
        false_alarms=profile.false_alarms,
        digest=profile.digest,
        simulated=profile.data.simulated,
        examples=profile.data.examples,
        users=profile.data.users,
        runs=profile.data.runs,
        folds=folds,
        held_out=_held_out(told, wanted, folds),
        thresholds=tuple(_chosen(rule, told, profile) for rule in profile.thresholds),
        minimum=wanted.minimum,
        too_few=too_few,
        notes=(*_notes(profile, told), *_without_thresholds(too_few, wanted.minimum)),
    )
    return Fitted(profile, report)


def fit_profile(told: Sequence[Telling], wanted: Wanted) -> Profile:
    """Return the profile of some examples; a kind with nothing right, or wrong, has no rules.

    Raises:
        ConfigError: no kind has both.
    """
    kinds: list[ToldKind] = [kind for kind in KINDS if _has_both(told, kind)]
    if not kinds:
        raise ConfigError(
            "there is nothing to fit: neither the writes nor the ends of conversations hold both "
            "right and wrong ones; give more recorded runs"
        )
    return Profile(
        name=wanted.name,
        critic=wanted.critic,
        critic_version=wanted.critic_version,
        pack=wanted.pack,
        false_alarms=wanted.false_alarms,
        data=_data(told),
        calibrations=tuple(rule for kind in kinds for rule in _calibrations(told, kind, wanted)),
        thresholds=tuple(rule for kind in kinds for rule in _thresholds(told, kind, wanted)),
    )


def _calibrations(
    told: Sequence[Telling], kind: ToldKind, wanted: Wanted
) -> Iterator[CalibrationRule]:
    of_kind = [each.example for each in told if each.kind == kind]
    for domain, found in _with_default(of_kind, lambda example: example.stratum):
        right, wrong = _counts(found)
        if not domain or (right >= MINIMUM_DOMAIN and wrong >= MINIMUM_WRONG):
            calibration = fit(wanted.method, [e.score for e in found], [e.wrong for e in found])
            yield CalibrationRule(
                kind=kind, domain=domain, right=right, wrong=wrong, calibration=calibration
            )


def _thresholds(told: Sequence[Telling], kind: ToldKind, wanted: Wanted) -> Iterator[ThresholdRule]:
    of_kind = [each for each in told if each.kind == kind]
    for domain, here in _with_default(of_kind, lambda each: each.example.stratum):
        if domain and _counts(each.example for each in here)[0] < MINIMUM_DOMAIN:
            continue
        yield _threshold(here, wanted, kind=kind, domain=domain)
        for tool, found in _with_default(here, lambda each: each.tool):
            enough = _counts(each.example for each in found)[0] >= wanted.minimum
            if domain and tool and enough:
                yield _threshold(found, wanted, kind=kind, domain=domain, tool=tool)


def _threshold(
    found: Sequence[Telling], wanted: Wanted, *, kind: ToldKind, domain: str, tool: str = ""
) -> ThresholdRule:
    examples = [each.example for each in found]
    scores, wrong = [e.score for e in examples], [e.wrong for e in examples]
    at = threshold_for(scores, wrong, wanted.false_alarms)
    right, bad = _counts(examples)
    return ThresholdRule(
        kind=kind,
        domain=domain,
        tool=tool,
        at=NEVER if at is None else at,
        right=right,
        wrong=bad,
    )


def _with_default(found: Sequence[_T], name: Callable[[_T], str]) -> Iterator[tuple[str, list[_T]]]:
    """Yield all under the empty name, then those of each name in turn."""
    parts: dict[str, list[_T]] = defaultdict(list)
    for each in found:
        parts[name(each)].append(each)
    yield "", list(found)
    yield from ((key, parts[key]) for key in sorted(parts) if key)


def _counts(examples: Iterable[Example]) -> tuple[int, int]:
    truths = [example.wrong for example in examples]
    return truths.count(False), truths.count(True)


def _has_both(told: Iterable[Telling], kind: ToldKind) -> bool:
    return all(_counts(each.example for each in told if each.kind == kind))


# --- on users that were not seen -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tried:
    """An example, and what a profile that has not seen its user makes of it."""

    told: Telling
    probability: float
    refused: bool


def _held_out(told: Sequence[Telling], wanted: Wanted, folds: int) -> dict[str, dict[str, HeldOut]]:
    tried = list(_tried(told, wanted, folds))
    found: dict[str, dict[str, HeldOut]] = {}
    for kind in KINDS:
        of_kind = [each for each in tried if each.told.kind == kind]
        parts = _with_default(of_kind, lambda each: each.told.example.stratum)
        if of_kind:
            found[kind] = {domain or "all": _measured(part) for domain, part in parts}
    return found


def _tried(told: Sequence[Telling], wanted: Wanted, folds: int) -> Iterator[_Tried]:
    fold = fold_of([each.example.group for each in told], folds, seed=SEED)
    for number in range(folds):
        seen = [each for each in told if fold[each.example.group] != number]
        unseen = [each for each in told if fold[each.example.group] == number]
        profile = fit_profile(seen, wanted)
        yield from (_try(profile, each) for each in unseen if each.kind in profile.kinds)


def _try(profile: Profile, told: Telling) -> _Tried:
    example = told.example
    calibration = profile.calibration(told.kind, example.stratum)
    threshold = profile.threshold(told.kind, example.stratum, [told.tool])
    return _Tried(
        told,
        example.score if calibration is None else calibration.probability(example.score),
        threshold is not None and example.score >= threshold,
    )


def _measured(tried: Sequence[_Tried]) -> HeldOut:
    before = [each.told.example for each in tried]
    after = [
        Example(each.probability, wrong=e.wrong, group=e.group, stratum=e.stratum)
        for each, e in zip(tried, before, strict=True)
    ]
    raw = detection(before)
    alarms = [(each.told.example, each.refused) for each in tried]
    return HeldOut(
        n=len(tried),
        wrong=raw.wrong,
        users=len({example.group for example in before}),
        auroc=Measured(value=raw.auroc, ci=raw.auroc_ci),
        calibration_error_before=raw.calibration_error,
        calibration_error_after=detection(after).calibration_error,
        false_alarms=share([(e.group, refused) for e, refused in alarms if not e.wrong]),
        recall=share([(e.group, refused) for e, refused in alarms if e.wrong]),
    )


# --- what is said of the fit ---------------------------------------------------------------


def _chosen(rule: ThresholdRule, told: Sequence[Telling], profile: Profile) -> Chosen:
    covered = [
        each.example
        for each in told
        if each.kind == rule.kind
        and rule.domain in ("", each.example.stratum)
        and rule.tool in ("", each.tool)
    ]
    cut = rule.score
    alarms = [e.wrong for e in covered if cut is not None and e.score >= cut]
    return Chosen(
        kind=rule.kind,
        domain=rule.domain,
        tool=rule.tool,
        threshold=cut,
        right=rule.right,
        wrong=rule.wrong,
        false_alarms=alarms.count(False) / rule.right if rule.right else None,
        recall=alarms.count(True) / rule.wrong if rule.wrong else None,
    )


def _notes(profile: Profile, told: Sequence[Telling]) -> Iterator[str]:
    for rule in profile.thresholds:
        if rule.at == NEVER:
            of = " ".join(filter(None, (rule.domain or "every domain", rule.tool)))
            yield (
                f"{rule.kind}, {of}: no threshold keeps to {profile.false_alarms:.1%} false "
                f"alarms, since more of the {rule.right} right ones have the highest score; "
                "nothing is refused there"
            )
    for kind in KINDS:
        if kind not in profile.kinds:
            yield (
                f"{kind}: without both right and wrong examples there is no rule; the score stays "
                "one, and the thresholds of the other kind are applied to it"
            )
    fitted = {(rule.kind, rule.domain) for rule in profile.thresholds}
    for kind, domain in sorted({(each.kind, each.example.stratum) for each in told}):
        if kind in profile.kinds and (kind, domain) not in fitted:
            yield (
                f"{kind}, {domain}: fewer than {MINIMUM_DOMAIN} right examples, so that the rules "
                "of all domains together hold"
            )


def _too_few(profile: Profile, told: Sequence[Telling]) -> Iterator[TooFew]:
    """Yield the tools without a threshold of their own, in domains that have one."""
    fitted = {(rule.kind, rule.domain, rule.tool) for rule in profile.thresholds}
    tools: dict[tuple[ToldKind, str, str], list[Example]] = defaultdict(list)
    for each in told:
        if each.tool:
            tools[each.kind, each.example.stratum, each.tool].append(each.example)
    for (kind, domain, tool), examples in sorted(tools.items()):
        if (kind, domain, "") in fitted and (kind, domain, tool) not in fitted:
            right, wrong = _counts(examples)
            yield TooFew(kind=kind, domain=domain, tool=tool, right=right, wrong=wrong)


def _without_thresholds(too_few: Iterable[TooFew], minimum: int) -> Iterator[str]:
    by_domain: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in too_few:
        by_domain[each.kind, each.domain].append(f"{each.tool} ({each.right})")
    for (kind, domain), tools in by_domain.items():
        yield (
            f"{kind}, {domain}: fewer than {minimum} right examples of {', '.join(tools)}, so that "
            "the threshold of the domain holds for them"
        )


def _require_enough(told: Sequence[Telling], users: Sequence[str]) -> None:
    if not told:
        raise ConfigError(
            "none of the judgements is about a write or an end of a conversation of these runs "
            "whose truth is known; give the recorded files that were replayed"
        )
    if len(users) < 2:
        raise ConfigError(
            f"all {len(told)} examples are of one user, {users[0]!r}; cross-validation needs "
            "runs of several users"
        )


def _place(told: Telling) -> tuple[object, ...]:
    return (told.kind, told.line.key, told.tool, told.example.score, told.example.wrong)


def _data(told: Sequence[Telling]) -> ProfileData:
    content = "\n".join(repr(_place(each)) for each in sorted(told, key=_place))
    names = {each.line.file for each in told}
    return ProfileData(
        files=tuple(sorted(name.encode("utf-8", "replace").decode() for name in names)),
        runs=len({each.line.key[:2] for each in told}),
        users=len({each.example.group for each in told}),
        examples=len(told),
        digest=sha256(content.encode("utf-8", "replace")).hexdigest()[:16],
        simulated=tuple(sorted({role for each in told for role in each.simulated})),
    )
