"""How a pack's findings become one judgement."""

from dataclasses import replace

import pytest

from sidecritic.checks.base import Objection, Pack, call_check, text_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.critics.policy import FEEDBACK_LIMIT, PolicyCritic, noisy_or
from sidecritic.errors import ConfigError
from sidecritic.packs import pack_for
from sidecritic.types import Approve, Revise
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get", "put")).user("Change it.")


@call_check("weak", policy="Be careful.", risk=0.3)
def weak(case: Case) -> Objection:
    return Objection("This looks odd.")


@call_check("strong", policy="Never do this.", risk=0.8, tools=("put",))
def strong(case: Case) -> Objection:
    return Objection("This is wrong; do that.", evidence="line 3")


@call_check("silent", policy="Be silent.", risk=0.9)
def silent(case: Case) -> None:
    return None


@call_check("broken", policy="Work.", risk=0.9)
def broken(case: Case) -> Objection:
    raise KeyError("record")


@call_check("wordy", policy="Be brief.", risk=0.6)
def wordy(case: Case) -> Objection:
    return Objection("word " * 300)


@text_check("rude", policy="Be polite.", risk=0.6)
def rude(facts: Facts, draft: str) -> Objection | None:
    return Objection("Say please.") if "please" not in draft else None


async def test_the_strongest_finding_leads_and_every_finding_is_told() -> None:
    proposal = TALK.calls("put", record="1").model_copy(update={"policy": "- Never DO  this."})
    judgement = await PolicyCritic(Pack("p", calls=(weak, silent, strong))).judge(proposal)
    assert isinstance(judgement.verdict, Revise)
    assert judgement.verdict.calls == (proposal.action.calls[0].id,)
    assert judgement.verdict.feedback.index("wrong") < judgement.verdict.feedback.index("odd")
    assert "(Rule: Never do this.)" in judgement.verdict.feedback
    assert judgement.verdict.feedback.count("Rule:") == 1
    assert (judgement.category, judgement.policy_ref) == ("strong", "Never do this.")
    assert judgement.risk == pytest.approx(1 - 0.2 * 0.7)
    assert "line 3" in judgement.rationale


def test_a_check_of_messages_is_asked_only_under_its_condition_which_is_told_once() -> None:
    told: list[str] = []

    def is_short(facts: Facts) -> bool:
        told.append(facts.draft)
        return len(facts.draft) < 10

    polite = replace(rude, name="unkind", when=is_short)
    pack = Pack("p", texts=(replace(rude, when=is_short), polite))
    long, short = TALK.says("That cannot be done."), TALK.says("No.")
    assert [found.check for found in pack.findings(long)] == []
    assert [found.check for found in pack.findings(short)] == ["rude", "unkind"]
    assert told == ["That cannot be done.", "No."]


async def test_a_weak_finding_alone_approves_but_leaves_its_risk() -> None:
    judgement = await PolicyCritic(Pack("p", calls=(weak,))).judge(TALK.calls("put"))
    assert judgement.verdict == Approve()
    assert judgement.risk == pytest.approx(0.3)
    assert judgement.category == ""


async def test_the_threshold_decides() -> None:
    critic = PolicyCritic(Pack("p", calls=(weak,)), threshold=0.2)
    assert isinstance((await critic.judge(TALK.calls("put"))).verdict, Revise)


async def test_a_reading_call_is_nobodys_business() -> None:
    judgement = await PolicyCritic(Pack("p", calls=(weak, strong))).judge(TALK.calls("get"))
    assert (judgement.verdict, judgement.risk) == (Approve(), 0.0)


async def test_words_are_checked_only_when_there_is_no_call() -> None:
    critic = PolicyCritic(Pack("p", texts=(rude,)))
    assert isinstance((await critic.judge(TALK.says("Now!"))).verdict, Revise)
    assert (await critic.judge(TALK.says("Now, please."))).verdict == Approve()
    assert (await critic.judge(TALK.calls("put"))).verdict == Approve()


async def test_feedback_is_bounded_and_keeps_the_strongest() -> None:
    pack = Pack("p", calls=(wordy, strong, weak))
    verdict = (await PolicyCritic(pack).judge(TALK.calls("put"))).verdict
    assert isinstance(verdict, Revise)
    assert len(verdict.feedback) <= FEEDBACK_LIMIT
    assert verdict.feedback.startswith("This is wrong")


async def test_a_broken_check_costs_itself_only_and_is_named() -> None:
    alone = await PolicyCritic(Pack("p", calls=(broken,)), threshold=0.0).judge(TALK.calls("put"))
    assert (alone.status, alone.verdict, alone.risk) == ("ok", Approve(), 0.0)
    assert "broken failed, score 0.00 (KeyError at test_policy.py:" in alone.rationale
    both = await PolicyCritic(Pack("p", calls=(broken, strong))).judge(TALK.calls("put"))
    assert isinstance(both.verdict, Revise)
    assert "broken" not in both.verdict.feedback
    (note,) = both.flags[1:]
    assert note.name == "broken failed"
    assert note.evidence.startswith("KeyError at test_policy.py:")


def test_noisy_or_of_nothing_is_no_risk() -> None:
    assert noisy_or(()) == 0.0
    assert noisy_or((0.5, 0.5)) == 0.75


@pytest.mark.parametrize("env", ["tau2:retail", "tau2:airline"])
def test_every_check_of_a_pack_has_a_name_of_its_own_a_sentence_and_a_risk(env: str) -> None:
    pack = pack_for(env)
    # A check of the end looks at farewells and at hand-overs, under one name.
    for checks in (pack.calls, pack.texts):
        assert len({check.name for check in checks}) == len(checks)
        assert all(check.policy and 0 < check.risk < 1 for check in checks)


def test_an_unknown_environment_has_no_pack_and_says_which_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'tau2:mars'.*tau2:airline, tau2:retail"):
        pack_for("tau2:mars")
