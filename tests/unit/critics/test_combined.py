"""Grey bands and ensembles: whose word counts, what it costs, who failed."""

import asyncio

import pytest

from sidecritic.calibration.critic import Calibrated
from sidecritic.critics.banded import Banded
from sidecritic.critics.base import NoCritic
from sidecritic.critics.chain import Chain
from sidecritic.critics.ensemble import Ensemble, Member
from sidecritic.errors import ConfigError, CriticError
from sidecritic.types import (
    Approve,
    Assistant,
    Escalate,
    Flag,
    Halt,
    Judgement,
    Proposal,
    Replace,
    Revise,
    Verdict,
)
from tests.scored import Scores, profile
from tests.talk import Talk

PROPOSAL = Talk(tools=()).user("Hello.").says("Good day.")


def banded(
    risk: float | None, *, low: float = 0.2, high: float = 0.8, verdict: Verdict | None = None
) -> Banded:
    return Banded(Scores(risk, name="first", verdict=verdict), low=low, high=high)


# --- bands ---------------------------------------------------------------------------------


async def test_below_the_band_the_first_link_has_the_last_word() -> None:
    second = Scores(1.0, name="second")
    judgement = await Chain([banded(0.1), second]).judge(PROPOSAL)
    assert (judgement.verdict, second.asked) == (Approve(), [])


async def test_above_the_band_its_refusal_stands() -> None:
    second = Scores(0.0, name="second")
    judgement = await Chain([banded(0.9), second]).judge(PROPOSAL)
    assert judgement.verdict == Revise(feedback="first says no.")
    assert second.asked == []


@pytest.mark.parametrize("risk", [0.3, 0.7])
async def test_inside_the_band_the_next_link_overrules_a_refusal_and_an_approval(
    risk: float,
) -> None:
    for second, verdict in ((0.0, Approve()), (1.0, Revise(feedback="second says no."))):
        chain = Chain([banded(risk), Scores(second, name="second")])
        judgement = await chain.judge(PROPOSAL)
        assert (judgement.verdict, judgement.critic) == (verdict, "second")
        assert judgement.usage.input_tokens == 20


async def test_inside_the_band_the_first_link_counts_when_nobody_else_answers() -> None:
    for risk, verdict in ((0.7, Revise(feedback="first says no.")), (0.3, Approve())):
        chain = Chain([banded(risk), Scores(name="second", breaks=True)])
        judgement = await chain.judge(PROPOSAL)
        assert judgement.verdict == verdict
        assert "second: out of order" in judgement.rationale


async def test_a_risk_above_the_band_is_refused_even_where_its_critic_approved() -> None:
    judgement = await Banded(Scores(0.6, threshold=0.9), low=0.1, high=0.5).judge(PROPOSAL)
    assert isinstance(judgement.verdict, Revise)
    assert "score 0.60, no probability" in judgement.verdict.feedback


async def test_a_refusal_below_the_band_is_taken_back() -> None:
    judgement = await Banded(Scores(0.1, threshold=0.0), low=0.2, high=0.5).judge(PROPOSAL)
    assert judgement.verdict == Approve()


async def test_a_halt_inside_the_band_is_final() -> None:
    second = Scores(0.0, name="second")
    chain = Chain([banded(0.5, verdict=Halt(reason="stop")), second])
    assert (await chain.judge(PROPOSAL)).verdict == Halt(reason="stop")
    assert second.asked == []


async def test_a_verdict_without_a_risk_is_treated_as_without_a_band() -> None:
    refusal = Revise(feedback="No.")
    second = Scores(0.0, name="second")
    assert (await Chain([banded(None, verdict=refusal), second]).judge(PROPOSAL)).verdict == refusal
    assert second.asked == []
    assert (await Chain([banded(None), second]).judge(PROPOSAL)).critic == "second"


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.5), (-0.1, 0.5), (0.5, 1.1), (float("nan"), 1)])
def test_a_band_that_is_none_is_refused(low: float, high: float) -> None:
    with pytest.raises(ConfigError, match="grey band of 'scores'"):
        Banded(Scores(), low=low, high=high)


# --- ensembles -----------------------------------------------------------------------------


async def test_the_mean_is_weighted_and_the_highest_is_not() -> None:
    members = [Member(Scores(0.9, name="a"), 3), Member(Scores(0.1, name="b"), 1)]
    mean = await Ensemble(members).judge(PROPOSAL)
    highest = await Ensemble(members, combine="max").judge(PROPOSAL)
    assert (mean.risk, highest.risk) == (pytest.approx(0.7), 0.9)
    assert (mean.critic, highest.critic) == ("mean(a|b)", "max(a|b)")


async def test_a_refusal_carries_the_feedback_of_those_who_refused_loudest_first() -> None:
    a, b, c = Scores(0.6, name="a"), Scores(0.9, name="b"), Scores(0.4, name="c")
    judgement = await Ensemble([Member(a), Member(b), Member(c)]).judge(PROPOSAL)
    assert judgement.verdict == Revise(feedback="b says no. a says no.")
    assert judgement.rationale.index("a (score 0.60") < judgement.rationale.index("because of a")


async def test_calls_at_fault_are_named_only_when_every_refusal_names_some() -> None:
    a, b = Scores(0.9, name="a", calls=("c1",)), Scores(0.9, name="b", calls=("c2", "c1"))
    named = (await Ensemble([Member(a), Member(b)]).judge(PROPOSAL)).verdict
    assert isinstance(named, Revise)
    assert named.calls == ("c1", "c2")
    unnamed = (await Ensemble([Member(a), Member(Scores(0.9))]).judge(PROPOSAL)).verdict
    assert isinstance(unnamed, Revise)
    assert unnamed.calls == ()


async def test_when_each_alone_approves_there_is_general_feedback() -> None:
    made = [Member(Scores(0.4, name="a")), Member(Scores(0.4, name="b"))]
    verdict = (await Ensemble(made, threshold=0.3).judge(PROPOSAL)).verdict
    assert isinstance(verdict, Revise)
    assert "score 0.40, no probability" in verdict.feedback


async def test_the_loud_are_outvoted() -> None:
    made = [Member(Scores(0.9, name="a")), Member(Scores(0.0, name="b"))]
    judgement = await Ensemble(made).judge(PROPOSAL)
    assert (judgement.verdict, judgement.category) == (Approve(), "")


async def test_a_member_that_fails_is_named_and_left_out() -> None:
    made = [
        Member(Scores(0.9, name="a")),
        Member(Scores(name="b", breaks=True)),
        Member(Scores(0.0, name="c", status="timeout")),
    ]
    judgement = await Ensemble(made).judge(PROPOSAL)
    assert judgement.risk == 0.9
    assert "[left out b: out of order]" in judgement.rationale
    assert "[left out c:" in judgement.rationale


async def test_an_ensemble_in_which_nobody_answers_fails_with_every_reason() -> None:
    made = [Member(Scores(name="a", breaks=True)), Member(Scores(name="b", breaks=True))]
    with pytest.raises(CriticError, match=r"a: out of order; b: out of order"):
        await Ensemble(made).judge(PROPOSAL)


async def test_the_gravest_verdict_is_not_outvoted() -> None:
    replace = Replace(action=Assistant(text="x"), reason="y")
    grave: list[Verdict] = [replace, Escalate(reason="ask"), Halt(reason="stop")]
    for number in (1, 2, 3):
        made = [Member(Scores(0.0, verdict=verdict)) for verdict in grave[:number]]
        judgement = await Ensemble([Member(Scores(0.0)), *made]).judge(PROPOSAL)
        assert judgement.verdict == grave[number - 1]


async def test_a_mean_of_probabilities_is_one_and_the_highest_is_not() -> None:
    sure = [Member(Scores(0.9, calibrated=True)), Member(Scores(0.8, calibrated=True))]
    assert (await Ensemble(sure).judge(PROPOSAL)).calibrated
    assert not (await Ensemble(sure, combine="max").judge(PROPOSAL)).calibrated
    mixed = [*sure, Member(Scores(0.5))]
    assert not (await Ensemble(mixed).judge(PROPOSAL)).calibrated


class Waits:
    """Answers when everybody else has been asked too."""

    def __init__(self, barrier: asyncio.Barrier) -> None:
        self.name = "waits"
        self._barrier = barrier

    async def judge(self, proposal: Proposal) -> Judgement:
        await self._barrier.wait()
        return Judgement(verdict=Approve(), critic=self.name, seconds=1.0)


async def test_members_are_asked_at_once_and_time_is_that_of_the_slowest() -> None:
    barrier = asyncio.Barrier(3)
    ensemble = Ensemble([Member(Waits(barrier)) for _ in range(3)])
    async with asyncio.timeout(5):
        judgement = await ensemble.judge(PROPOSAL)
    assert judgement.seconds == 1.0


async def test_what_members_noticed_is_told_once() -> None:
    odd, late = Flag(name="odd"), Flag(name="late", sign=-1)
    members = [Member(Scores(0.1, flags=(odd, late))), Member(Scores(0.2, flags=(late,)))]
    assert (await Ensemble(members).judge(PROPOSAL)).flags == (odd, late)


async def test_whoever_stands_around_a_critic_lets_it_get_ready() -> None:
    inner, broken = Scores(), Scores(breaks=True)
    await Banded(inner, low=0, high=1).warm(PROPOSAL)
    await Calibrated(inner, profile(), "retail").warm(PROPOSAL)
    await Ensemble([Member(broken), Member(inner), Member(NoCritic())]).warm(PROPOSAL)
    assert (len(inner.warmed), len(broken.warmed)) == (3, 1)
    await Banded(NoCritic(), low=0, high=1).warm(PROPOSAL)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("inf"), float("nan")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="weight of 'none'"):
        Ensemble([Member(NoCritic(), weight)])


def test_an_ensemble_of_nobody_or_with_a_wild_threshold_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one critic"):
        Ensemble([])
    with pytest.raises(ConfigError, match="lies in"):
        Ensemble([Member(NoCritic())], threshold=2)
