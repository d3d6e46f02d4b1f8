"""Fitting a profile: which rules it gets, how it is measured, what is said when it cannot be."""

import random
from collections.abc import Sequence

import pytest

from sidecritic.calibration.fit import (
    MINIMUM_DOMAIN,
    ProfileSettings,
    calibrate,
    fit_profile,
)
from sidecritic.calibration.profile import NEVER, Profile
from sidecritic.calibration.report import CalibrationReport
from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal
from sidecritic.scoring.detection import Example
from sidecritic.scoring.replays import KnownKind, KnownProposal
from sidecritic.types import Approve, Judgement

WANTED = ProfileSettings(name="mine", critic="policy")


def telling(
    number: int,
    score: float,
    *,
    wrong: bool,
    kind: KnownKind = "write",
    domain: str = "retail",
    tool: str = "put",
    user: str | None = None,
    simulated: tuple[str, ...] = (),
) -> KnownProposal:
    line = JudgedProposal(
        file="runs.json",
        simulation=number,
        turn=0,
        attempt=0,
        env=f"tau2:{domain}",
        task_id="0",
        actor="a",
        gate="writes+final",
        critic="policy",
        kind=kind,
        tools=(tool,) if tool else (),
        looked=True,
        judgement=Judgement(verdict=Approve(), critic="policy", risk=score),
        cpu_seconds=0.0,
    )
    group = f"user_{number % 20}" if user is None else user
    return KnownProposal(kind, tool, Example(score, wrong, group, domain), line, simulated)


def told(
    right: int,
    wrong: int,
    *,
    start: int = 0,
    kind: KnownKind = "write",
    domain: str = "retail",
    tool: str = "put",
    shift: float = 0.3,
) -> list[KnownProposal]:
    """Return examples whose wrong ones score higher by `shift` on average."""
    draw = random.Random(start)
    truths = [False] * right + [True] * wrong
    return [
        telling(start + n, min(draw.random() * 0.7 + shift * bad, 1.0), wrong=bad,
                kind=kind, domain=domain, tool=tool)
        for n, bad in enumerate(truths)
    ]  # fmt: skip


def places(profile: Profile) -> list[tuple[str, str, str]]:
    return [(rule.kind, rule.domain, rule.tool) for rule in profile.thresholds]


def report_of(found: Sequence[KnownProposal], how: ProfileSettings = WANTED) -> CalibrationReport:
    return calibrate(found, how).report


# --- rules ---------------------------------------------------------------------------------


def test_a_tool_has_a_threshold_of_its_own_from_the_minimum_on() -> None:
    enough = told(60, 10, tool="put")
    few = told(59, 10, start=100, tool="drop")
    assert places(fit_profile([*enough, *few], WANTED)) == [
        ("write", "", ""),
        ("write", "retail", ""),
        ("write", "retail", "put"),
    ]
    lower = ProfileSettings(name="mine", critic="policy", minimum=59)
    assert ("write", "retail", "drop") in places(fit_profile([*enough, *few], lower))


def test_tools_with_too_few_right_examples_are_named_with_their_counts() -> None:
    found = [
        *told(60, 10, tool="put"),
        *told(59, 10, start=100, tool="drop"),
        *told(3, 1, start=200, tool="send"),
        *told(MINIMUM_DOMAIN - 1, 20, start=300, domain="airline", tool="book"),
    ]
    report = report_of(found)
    assert report.minimum == 60
    assert [(each.domain, each.tool, each.right, each.wrong) for each in report.too_few] == [
        ("retail", "drop", 59, 10),
        ("retail", "send", 3, 1),
    ]
    named = [note for note in report.notes if "drop (59), send (3)" in note]
    assert named
    assert named[0].startswith("write, retail: fewer than 60 right examples of")
    assert not any("put" in note for note in report.notes)


def test_a_domain_with_few_right_examples_has_the_rules_of_all() -> None:
    retail = told(100, 20)
    airline = told(MINIMUM_DOMAIN - 1, 20, start=200, domain="airline")
    profile = fit_profile([*retail, *airline], WANTED)
    assert {rule.domain for rule in profile.thresholds} == {"", "retail"}
    assert profile.threshold("write", "airline", ["put"]) == profile.threshold("write", "other")
    assert any("airline: fewer than 20" in note for note in report_of([*retail, *airline]).notes)


def test_a_domain_with_few_wrong_examples_has_a_threshold_and_the_calibration_of_all() -> None:
    profile = fit_profile([*told(100, 20), *told(50, 9, start=200, domain="airline")], WANTED)
    assert {rule.domain for rule in profile.calibrations} == {"", "retail"}
    assert ("write", "airline", "") in places(profile)


def test_each_threshold_keeps_to_the_false_alarms_on_the_examples_it_is_for() -> None:
    found = [
        *told(100, 30, tool="put"),
        *told(80, 30, start=200, tool="drop"),
        *told(70, 30, start=400, domain="airline"),
        *told(90, 30, start=600, kind="final", tool=""),
    ]
    for rate in (0.0, 0.05, 0.1, 0.5):
        report = report_of(found, ProfileSettings(name="mine", critic="policy", false_alarms=rate))
        assert len(report.thresholds) == 8
        for rule in report.thresholds:
            assert rule.false_alarms is not None
            assert rule.false_alarms <= rate


def test_where_no_threshold_works_nothing_is_refused_and_it_is_said() -> None:
    loud = [telling(n, 1.0, wrong=n % 3 == 0) for n in range(90)]
    fitted = calibrate(loud, WANTED)
    assert {rule.at for rule in fitted.profile.thresholds} == {NEVER}
    assert all(rule.threshold is None for rule in fitted.report.thresholds)
    (first, *_) = fitted.report.notes
    assert "no threshold keeps to 5.0% false alarms" in first
    assert fitted.report.held_out["write"]["all"].recall.n == 0


def test_a_kind_without_both_sides_has_no_rules_and_it_is_said() -> None:
    found = [*told(100, 20), *told(50, 0, start=200, kind="final", tool="")]
    fitted = calibrate(found, WANTED)
    assert fitted.profile.kinds == {"write"}
    assert any(note.startswith("final: without both") for note in fitted.report.notes)


# --- measuring -----------------------------------------------------------------------------


def test_calibration_brings_a_score_that_is_too_high_down_on_unseen_users() -> None:
    found = told(400, 60)
    for method in ("isotonic", "platt"):
        held = report_of(found, ProfileSettings(name="m", critic="policy", method=method)).held_out
        before = held["write"]["all"].calibration_error_before.value
        after = held["write"]["all"].calibration_error_after.value
        assert before is not None
        assert after is not None
        assert after < before / 2


def test_every_example_is_held_out_once() -> None:
    found = [*told(100, 20), *told(60, 20, start=200, domain="airline")]
    report = report_of(found)
    held = report.held_out["write"]
    assert (held["all"].n, held["all"].wrong) == (200, 40)
    assert (held["retail"].n, held["airline"].n) == (120, 80)
    assert (held["all"].false_alarms.of, held["all"].recall.of) == (160, 40)
    assert (report.examples, report.users, report.folds) == (200, 20, 5)


def test_what_tells_one_users_mistakes_is_not_counted_as_knowing_others() -> None:
    # Each user's wrong examples have a score of their own, which nobody else has.
    found = [telling(n, 0.5, wrong=False, user=f"u{n % 10}") for n in range(200)]
    found += [
        telling(200 + n, 0.4 - 0.01 * (n % 10), wrong=True, user=f"u{n % 10}") for n in range(100)
    ]
    held = report_of(found).held_out["write"]["all"]
    assert held.recall.n == 0


def test_fewer_users_than_folds_are_a_fold_each() -> None:
    found = [telling(n, n % 7 / 7, wrong=n % 2 == 0, user=f"u{n % 3}") for n in range(90)]
    assert report_of(found).folds == 3


def test_the_order_of_the_examples_does_not_matter() -> None:
    found = [*told(100, 20), *told(50, 9, start=200, domain="airline")]
    shuffled = list(found)
    random.Random(1).shuffle(shuffled)
    assert calibrate(found, WANTED) == calibrate(shuffled, WANTED)


def test_another_score_is_another_digest_of_the_data() -> None:
    found = told(100, 20)
    other = [*found[1:], telling(0, 0.123, wrong=False)]
    digests = {fit_profile(each, WANTED).data.digest for each in (found, other)}
    assert len(digests) == 2


def test_simulated_runs_are_named_in_profile_and_report() -> None:
    found = [*told(100, 20), telling(500, 0.5, wrong=True, simulated=("actor", "user"))]
    fitted = calibrate(found, WANTED)
    assert fitted.profile.data.simulated == fitted.report.simulated == ("actor", "user")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "none of the judgements is about a write or an end"),
        ([telling(n, 0.5, wrong=n < 5, user="ann") for n in range(9)], "of one user, 'ann'"),
        (told(50, 0), "nothing to fit"),
    ],
)
def test_too_little_to_fit_is_said(found: list[KnownProposal], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        calibrate(found, WANTED)
