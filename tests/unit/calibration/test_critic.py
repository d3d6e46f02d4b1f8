"""A profile around a critic: what it changes, what it leaves alone, and which it refuses."""

from pathlib import Path

import pytest

from sidecritic.calibration.critic import Calibrated
from sidecritic.calibration.profile import Profile, read_profile, to_toml
from sidecritic.checks.base import Objection, Pack, call_check
from sidecritic.checks.case import Case
from sidecritic.critics.chain import Chain
from sidecritic.critics.policy import PolicyCritic
from sidecritic.errors import ConfigError, CriticError
from sidecritic.ports import version_of
from sidecritic.settings.profiles import profile_at
from sidecritic.types import (
    Approve,
    Assistant,
    Escalate,
    Halt,
    Proposal,
    Replace,
    Revise,
    ToolCall,
    Verdict,
)
from tests.scored import Scores, calibration, profile, threshold
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get", "put drop")).user("Change it.")
WRITE = TALK.calls("put", record="1")
BYE = TALK.says("All done. Is there anything else?")
QUESTION = TALK.says("Which one?")


def both(*names: str) -> Proposal:
    calls = tuple(
        ToolCall(id=f"c{n}", name=name, arguments={}, raw="{}") for n, name in enumerate(names)
    )
    return WRITE.model_copy(update={"action": Assistant(calls=calls)})


async def verdict(
    risk: float | None, made: Profile, proposal: Proposal = WRITE, domain: str = "retail"
) -> Verdict:
    critic = Calibrated(Scores(risk, threshold=made.lowest(domain)), made, domain)
    return (await critic.judge(proposal)).verdict


# --- thresholds ----------------------------------------------------------------------------


async def test_a_refusal_below_the_threshold_is_taken_back_with_its_category() -> None:
    critic = Calibrated(Scores(0.6, threshold=0.0), profile(threshold(0.7)), "retail")
    judgement = await critic.judge(WRITE)
    assert judgement.verdict == Approve()
    assert (judgement.category, judgement.policy_ref) == ("", "")
    assert judgement.rationale == "because of scores"


async def test_a_refusal_at_the_threshold_keeps_the_critics_own_feedback() -> None:
    critic = Calibrated(Scores(0.7, threshold=0.0), profile(threshold(0.7)), "retail")
    judgement = await critic.judge(WRITE)
    assert judgement.verdict == Revise(feedback="scores says no.")
    assert judgement.category == "fault"


async def test_an_approval_over_the_threshold_is_refused_with_feedback_that_names_the_risk() -> (
    None
):
    critic = Calibrated(Scores(0.75, threshold=0.9), profile(threshold(0.7)), "retail")
    found = (await critic.judge(WRITE)).verdict
    assert isinstance(found, Revise)
    assert "70% likely wrong" in found.feedback
    assert all(word in found.feedback for word in ("policy", "asked for", "confirmed"))


async def test_the_risk_becomes_a_probability_and_is_shown_as_one() -> None:
    raw = await Scores(0.75).judge(WRITE)
    judgement = await Calibrated(Scores(0.75), profile(), "retail").judge(WRITE)
    assert (raw.risk_text, raw.calibrated) == ("score 0.75, no probability", False)
    assert judgement.risk == pytest.approx(0.7)
    assert (judgement.risk_text, judgement.calibrated) == ("70% likely wrong", True)


async def test_tool_goes_before_domain_and_domain_before_default() -> None:
    made = profile(
        threshold(0.9),
        threshold(0.6, domain="retail"),
        threshold(0.3, domain="retail", tool="put"),
    )
    assert isinstance(await verdict(0.4, made), Revise)
    assert await verdict(0.4, made, TALK.calls("drop")) == Approve()
    assert isinstance(await verdict(0.7, made, TALK.calls("drop")), Revise)
    assert await verdict(0.7, made, domain="airline") == Approve()


async def test_of_several_calls_the_lowest_threshold_counts_and_look_ups_have_none() -> None:
    made = profile(
        threshold(0.9, domain="retail"),
        threshold(0.3, domain="retail", tool="drop"),
        threshold(0.1, domain="retail", tool="get"),
    )
    assert await verdict(0.4, made, both("put", "put")) == Approve()
    assert isinstance(await verdict(0.4, made, both("put", "drop")), Revise)
    assert await verdict(0.4, made, both("put", "get")) == Approve()


async def test_a_tool_without_a_threshold_that_works_does_not_shield_another_call() -> None:
    made = profile(threshold(0.4), threshold(None, domain="retail", tool="drop"))
    assert await verdict(0.9, made, TALK.calls("drop")) == Approve()
    assert isinstance(await verdict(0.9, made, both("drop", "put")), Revise)


async def test_writes_and_ends_have_thresholds_of_their_own() -> None:
    made = profile(threshold(0.8), threshold(0.2, "final"))
    assert await verdict(0.5, made) == Approve()
    assert isinstance(await verdict(0.5, made, BYE), Revise)


async def test_a_kind_that_the_profile_does_not_know_keeps_its_score() -> None:
    made = profile(threshold(0.4), kinds=("write",))
    for proposal in (QUESTION, BYE):
        judgement = await Calibrated(Scores(0.5), made, "retail").judge(proposal)
        assert (judgement.risk, judgement.calibrated) == (0.5, False)
        assert isinstance(judgement.verdict, Revise)


async def test_a_critic_without_a_risk_counts_as_all_or_nothing() -> None:
    made = profile(threshold(0.5))
    yes = await Calibrated(Scores(None), made, "retail").judge(WRITE)
    no = await Calibrated(Scores(None, verdict=Revise(feedback="No.")), made, "retail").judge(WRITE)
    assert (yes.verdict, yes.risk) == (Approve(), pytest.approx(0.1))
    assert (no.verdict, no.risk) == (Revise(feedback="No."), pytest.approx(0.9))


# --- what is left alone --------------------------------------------------------------------


@pytest.mark.parametrize("risk", [0.0, 1.0])
@pytest.mark.parametrize(
    "grave",
    [Escalate(reason="ask"), Halt(reason="stop"), Replace(action=Assistant(text="x"), reason="y")],
)
async def test_graver_verdicts_stand_whatever_the_risk(risk: float, grave: Verdict) -> None:
    critic = Calibrated(Scores(risk, verdict=grave), profile(threshold(0.5)), "retail")
    judgement = await critic.judge(WRITE)
    assert (judgement.verdict, judgement.risk, judgement.calibrated) == (grave, risk, False)


async def test_a_failure_stays_one() -> None:
    critic = Calibrated(Scores(1.0, status="timeout"), profile(threshold(0.1)), "retail")
    judgement = await critic.judge(WRITE)
    assert (judgement.status, judgement.calibrated) == ("timeout", False)
    with pytest.raises(CriticError, match="out of order"):
        await Calibrated(Scores(breaks=True), profile(), "retail").judge(WRITE)


@call_check("weak", policy="Be careful.", risk=0.3)
def weak(case: Case) -> Objection:
    return Objection("This looks odd.")


async def test_a_critic_with_the_lowest_threshold_has_feedback_for_every_refusal() -> None:
    made = profile(threshold(0.5), threshold(0.2, domain="retail", tool="put"), critic="policy")
    inner = PolicyCritic(Pack("p", calls=(weak,)), threshold=made.lowest("retail"))
    critic = Calibrated(inner, made, "retail")
    found = (await critic.judge(WRITE)).verdict
    assert isinstance(found, Revise)
    assert "This looks odd." in found.feedback
    assert (await critic.judge(TALK.calls("drop"))).verdict == Approve()


# --- which critic it is for ----------------------------------------------------------------


def test_a_profile_for_other_weights_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"'scores' in the version v1, and this is v2; fit it again"
    ):
        Calibrated(Scores(version="v2"), profile(version="v1"), "retail")
    with pytest.raises(ConfigError, match=r"version \(none\), and this is v2"):
        Calibrated(Scores(version="v2"), profile(), "retail")


def test_versions_of_parts_make_that_of_the_whole() -> None:
    made = profile(version="v1")
    calibrated = Calibrated(Scores(version="v1"), made, "retail")
    assert calibrated.version == f"v1+{made.digest}"
    assert Chain([Scores(), Scores(version="a"), Scores(version="b")]).version == "a+b"
    assert version_of(Chain([Scores(), Scores()])) == ""


# --- reading -------------------------------------------------------------------------------

GOOD = to_toml(profile())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("schema_version = 1", "schema_version = 2"), "has schema version 2"),
        (GOOD.replace("schema_version = 1\n", ""), "has no schema version"),
        (GOOD.replace('name = "mine"', "name = "), "is not TOML"),
        (GOOD.replace('name = "mine"', 'name = "a b"'), "cannot be used: name"),
        (GOOD.replace('name = "mine"', 'nmae = "mine"'), "cannot be used: name"),
        (GOOD + "[more]\n", "cannot be used: more"),
        (GOOD.replace("at = 0.5", "at = 1.5"), "cannot be used: thresholds.0.at"),
        (GOOD.replace("at = 0.5", 'at = "always"'), "cannot be used: thresholds.0.at"),
        (GOOD.replace("at = 0.5", "at = nan"), "cannot be used: thresholds.0.at"),
        (GOOD.replace("scores = [0.0, 1.0]", "scores = [1.0, 0.0]"), "scores must rise"),
        (GOOD.replace("probabilities = [0.1, 0.9]", "probabilities = [0.9, 0.1]"), "must not fall"),
        (GOOD.replace("probabilities = [0.1, 0.9]", "probabilities = [0.1]"), "as many"),
        (GOOD.replace('kind = "write"', 'kind = "final"'), "two rules are for the same"),
        (GOOD.replace('domain = ""', 'domain = "retail"'), "needs a calibration and a threshold"),
        ("calibrations = 3\n", "has no schema version"),
        ("", "has no schema version"),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_is_named_with_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        read_profile(text, "some.toml")
    assert "some.toml" in str(raised.value)


def test_a_profile_needs_a_default_for_each_kind() -> None:
    with pytest.raises(ValueError, match="'final' needs a calibration and a threshold by default"):
        Profile(
            name="n",
            critic="c",
            false_alarms=0.1,
            calibrations=(calibration(), calibration("final", "retail")),
            thresholds=(threshold(0.5), threshold(0.5, "final")),
        )


def test_a_profile_is_found_by_path(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert profile_at(file) == profile()
    with pytest.raises(ConfigError, match=r"cannot read the profile .*none\.toml: No such file"):
        profile_at(tmp_path / "none.toml")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        profile_at(file)
