"""Fit a critic profile to judgements whose truth is known.

Rules are fitted by kind of proposal: for all domains together (the default), for each domain with
enough examples, and thresholds for each tool with enough right ones. Cross-validation measures how
the profile does on users that it has not seen; the profile itself is fitted to all examples.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import NamedTuple, TypeVar

from sidecritic.calibration.curve import Method, fit, threshold_for
from sidecritic.calibration.enough import missing_labels, said
from sidecritic.calibration.profile import (
    NEVER,
    CalibrationRule,
    Profile,
    ProfileData,
    ThresholdRule,
)
from sidecritic.calibration.report import (
    CalibrationReport,
    ChosenThreshold,
    TooFewExamples,
    UnseenUsers,
)
from sidecritic.errors import ConfigError
from sidecritic.scoring.detection import Example, detection, share
from sidecritic.scoring.replay_results import Measured
from sidecritic.scoring.replays import KnownKind, KnownProposal
from sidecritic.scoring.statistics import SEED
from sidecritic.splits.folds import fold_of

MINIMUM_TOOL = 60
"""Right examples below which a tool has no threshold of its own: one in 20 is then three."""

MINIMUM_DOMAIN = 20
"""Right examples below which a domain has no rules of its own: one in 20 is then one."""

MINIMUM_WRONG = 10
"""Wrong examples below which a domain has no calibration of its own."""

FOLDS = 5

KINDS: tuple[KnownKind, ...] = ("write", "final")

_Known = Sequence[KnownProposal]
_ByKind = Mapping[KnownKind, _Known]

_Each = TypeVar("_Each")


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """What a profile is called, which critic it is for, and how it is fitted."""

    name: str
    critic: str
    critic_version: str = ""
    pack: str = ""
    method: Method = "isotonic"
    false_alarms: float = 0.05
    minimum: int = MINIMUM_TOOL
    """Right examples from which a tool has a threshold of its own."""


@dataclass(frozen=True, slots=True)
class FittedProfile:
    profile: Profile
    report: CalibrationReport


def calibrate(known: _Known, settings: ProfileSettings, *, folds: int = FOLDS) -> FittedProfile:
    """Return a profile and how it does; the order of the examples does not matter.

    Raises:
        ConfigError: there are too few examples.
    """
    known = sorted(known, key=_place)
    users = sorted({each.example.group for each in known})
    folds = min(folds, len(users))
    _require_enough(known, users)
    profile = fit_profile(known, settings)
    too_few = tuple(_too_few(profile, known))
    missing = tuple(missing_labels(known, settings.false_alarms))
    report = CalibrationReport(
        **asdict(settings),
        digest=profile.digest,
        **profile.data.model_dump(include={"simulated", "examples", "users", "runs"}),
        folds=folds,
        held_out=_cross_validated(known, settings, folds),
        thresholds=tuple(_chosen(rule, known) for rule in profile.thresholds),
        too_few=too_few,
        missing=missing,
        notes=(
            *(said(each, settings.false_alarms) for each in missing),
            *_notes(profile, known),
            *_without_thresholds(too_few, settings.minimum),
        ),
    )
    return FittedProfile(profile, report)


def fit_profile(known: _Known, settings: ProfileSettings) -> Profile:
    """Return the profile of some examples; a kind with nothing right, or wrong, has no rules.

    Raises:
        ConfigError: no kind has both.
    """
    usable = _usable(known)
    if not usable:
        raise ConfigError(
            "there is nothing to fit: neither the writes nor the ends of conversations hold both "
            "right and wrong ones; give more recorded runs, or label more"
        )
    return Profile(
        name=settings.name,
        critic=settings.critic,
        critic_version=settings.critic_version,
        pack=settings.pack,
        false_alarms=settings.false_alarms,
        data=_data(known),
        calibrations=tuple(_calibrations(usable, settings)),
        thresholds=tuple(_thresholds(usable, settings)),
    )


def _usable(known: _Known) -> _ByKind:
    """Return the kinds that hold both right and wrong ones."""
    found: _ByKind = {kind: [each for each in known if each.kind == kind] for kind in KINDS}
    return {kind: of_kind for kind, of_kind in found.items() if all(_counts(of_kind))}


def _calibrations(usable: _ByKind, settings: ProfileSettings) -> Iterator[CalibrationRule]:
    for kind, domain, found in _by_domain(usable):
        right, wrong = _counts(found)
        if not domain or (right >= MINIMUM_DOMAIN and wrong >= MINIMUM_WRONG):
            curve = fit(settings.method, *_scores(found))
            yield CalibrationRule(
                kind=kind, domain=domain, right=right, wrong=wrong, calibration=curve
            )


def _thresholds(usable: _ByKind, settings: ProfileSettings) -> Iterator[ThresholdRule]:
    for kind, domain, here in _by_domain(usable):
        if domain and _counts(here)[0] < MINIMUM_DOMAIN:
            continue
        tools = _grouped((each.tool, each) for each in here) if domain else {}
        large = {tool: of for tool, of in tools.items() if _counts(of)[0] >= settings.minimum}
        for tool, found in {"": here, **large}.items():
            cut = threshold_for(*_scores(found), settings.false_alarms)
            at, (right, wrong) = NEVER if cut is None else cut, _counts(found)
            yield ThresholdRule(
                kind=kind, domain=domain, tool=tool, at=at, right=right, wrong=wrong
            )


def _by_domain(usable: _ByKind) -> Iterator[tuple[KnownKind, str, _Known]]:
    """Yield all of a kind under the empty name, then those of each domain in turn."""
    for kind, known in usable.items():
        yield kind, "", known
        for domain, found in _grouped((each.example.stratum, each) for each in known).items():
            yield kind, domain, found


def _grouped(named: Iterable[tuple[str, _Each]]) -> dict[str, list[_Each]]:
    groups: dict[str, list[_Each]] = defaultdict(list)
    for name, each in named:
        groups[name].append(each)
    return {name: groups[name] for name in sorted(groups) if name}


def _scores(known: _Known) -> tuple[list[float], list[bool]]:
    return [each.example.score for each in known], [each.example.wrong for each in known]


def _counts(known: _Known) -> tuple[int, int]:
    truths = [each.example.wrong for each in known]
    return truths.count(False), truths.count(True)


# --- on users that were not seen -----------------------------------------------------------


class _Unseen(NamedTuple):
    """An example, and what a profile that has not seen its user makes of it."""

    example: Example
    probability: float
    refused: bool


def _cross_validated(
    known: _Known, settings: ProfileSettings, folds: int
) -> dict[str, dict[str, UnseenUsers]]:
    fold = fold_of([each.example.group for each in known], folds, seed=SEED)
    tried: dict[KnownKind, list[_Unseen]] = {kind: [] for kind in KINDS}
    for number in range(folds):
        rest = [k for k in known if fold[k.example.group] != number]
        if _usable(known) and not _usable(rest):
            raise ConfigError(_too_few_users(known))
        profile = fit_profile(rest, settings)
        for each in known:
            if fold[each.example.group] == number and each.kind in profile.kinds:
                tried[each.kind].append(_judged(profile, each))
    slices = {
        kind: {"all": found, **_grouped((each.example.stratum, each) for each in found)}
        for kind, found in tried.items()
        if found
    }
    return {kind: {name: _measured(of) for name, of in by.items()} for kind, by in slices.items()}


def _too_few_users(known: _Known) -> str:
    right, wrong = (
        len({each.example.group for each in known if each.example.wrong is truth})
        for truth in (False, True)
    )
    return (
        f"right ones are of {right} users and wrong ones of {wrong}, too few to leave each user "
        "out once, as cross-validation does; label right and wrong actions of more users"
    )


def _judged(profile: Profile, known: KnownProposal) -> _Unseen:
    example = known.example
    curve = profile.calibration(known.kind, example.stratum)
    threshold = profile.threshold(known.kind, example.stratum, [known.tool])
    return _Unseen(
        example,
        example.score if curve is None else curve.probability(example.score),
        threshold is not None and example.score >= threshold,
    )


def _measured(tried: Sequence[_Unseen]) -> UnseenUsers:
    raw = detection([each.example for each in tried])
    after = detection([replace(each.example, score=each.probability) for each in tried])
    alarms = [(example.group, refused, example.wrong) for example, _, refused in tried]
    return UnseenUsers(
        n=len(tried),
        wrong=raw.wrong,
        users=len({group for group, _, _ in alarms}),
        auroc=Measured(value=raw.auroc, ci=raw.auroc_ci),
        calibration_error_before=raw.calibration_error,
        calibration_error_after=after.calibration_error,
        false_alarms=share([(group, refused) for group, refused, wrong in alarms if not wrong]),
        recall=share([(group, refused) for group, refused, wrong in alarms if wrong]),
    )


# --- what the report says of the fit -------------------------------------------------------


def _chosen(rule: ThresholdRule, known: _Known) -> ChosenThreshold:
    cut = rule.score
    alarms = [
        each.example.wrong
        for each in known
        if each.kind == rule.kind
        and rule.domain in ("", each.example.stratum)
        and rule.tool in ("", each.tool)
        and cut is not None
        and each.example.score >= cut
    ]
    return ChosenThreshold(
        **rule.model_dump(exclude={"at"}),
        threshold=cut,
        false_alarms=alarms.count(False) / rule.right if rule.right else None,
        recall=alarms.count(True) / rule.wrong if rule.wrong else None,
    )


def _notes(profile: Profile, known: _Known) -> Iterator[str]:
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
                f"{kind}: without both right and wrong examples there is no rule; scores stay "
                "uncalibrated, and the thresholds of the other kind apply"
            )
    fitted = {(rule.kind, rule.domain) for rule in profile.thresholds}
    for kind, domain in sorted({(each.kind, each.example.stratum) for each in known}):
        if kind in profile.kinds and (kind, domain) not in fitted:
            yield (
                f"{kind}, {domain}: fewer than {MINIMUM_DOMAIN} right examples, so the rules of "
                "all domains together apply"
            )


def _too_few(profile: Profile, known: _Known) -> Iterator[TooFewExamples]:
    """Yield the tools without a threshold of their own, in domains that have one."""
    fitted = {(rule.kind, rule.domain, rule.tool) for rule in profile.thresholds}
    tools: dict[tuple[KnownKind, str, str], list[KnownProposal]] = defaultdict(list)
    for each in known:
        if each.tool:
            tools[each.kind, each.example.stratum, each.tool].append(each)
    for (kind, domain, tool), found in sorted(tools.items()):
        if (kind, domain, "") in fitted and (kind, domain, tool) not in fitted:
            right, wrong = _counts(found)
            yield TooFewExamples(kind=kind, domain=domain, tool=tool, right=right, wrong=wrong)


def _without_thresholds(too_few: Iterable[TooFewExamples], minimum: int) -> Iterator[str]:
    by_domain: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in too_few:
        by_domain[each.kind, each.domain].append(f"{each.tool} ({each.right})")
    for (kind, domain), tools in by_domain.items():
        yield (
            f"{kind}, {domain}: fewer than {minimum} right examples of {', '.join(tools)}, so the "
            "threshold of the domain applies to them"
        )


def _require_enough(known: _Known, users: Sequence[str]) -> None:
    if not known:
        raise ConfigError(
            "none of the judgements is about a write or an end of a conversation of these runs "
            "whose truth is known; give the recorded files that were replayed"
        )
    if len(users) < 2:
        raise ConfigError(
            f"all {len(known)} examples are of one user, {users[0]!r}; cross-validation needs "
            "runs of several users"
        )


def _place(known: KnownProposal) -> tuple[object, ...]:
    return (known.kind, known.line.key, known.tool, known.example.score, known.example.wrong)


def _data(known: _Known) -> ProfileData:
    content = "\n".join(repr(_place(each)) for each in sorted(known, key=_place))
    names = {each.line.file for each in known}
    return ProfileData(
        files=tuple(sorted(name.encode("utf-8", "replace").decode() for name in names)),
        runs=len({each.line.key[:2] for each in known}),
        users=len({each.example.group for each in known}),
        examples=len(known),
        digest=sha256(content.encode("utf-8", "replace")).hexdigest()[:16],
        simulated=tuple(sorted({role for each in known for role in each.simulated})),
    )
