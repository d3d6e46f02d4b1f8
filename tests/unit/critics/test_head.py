"""How flags become a risk, and a risk a verdict."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecritic.checks.base import Objection, Pack, call_check, text_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.critics.head import HeadCritic, flags_of, parts_of, risk_of_action, risks_of
from sidecritic.critics.head_weights import (
    UNTRAINED,
    Cell,
    HeadKind,
    HeadWeights,
    logit,
    read_weights,
    to_json,
    weights_from,
)
from sidecritic.errors import ConfigError
from sidecritic.types import Approve, Assistant, Flag, Proposal, Revise, ToolCall
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get", "put erase")).user("Change it.")
NOTHING = HeadWeights(name="nothing")


@call_check("weak", policy="Be careful.", risk=0.3)
def weak(case: Case) -> Objection:
    return Objection("This looks odd.")


@call_check("strong", policy="Never do this.", risk=0.8, tools=["put"])
def strong(case: Case) -> Objection:
    return Objection("This is wrong; do that.")


@call_check("broken", policy="Work.", risk=0.9)
def broken(case: Case) -> Objection:
    raise KeyError("record")


@text_check("rude", policy="Be polite.", risk=0.6)
def rude(facts: Facts, draft: str) -> Objection | None:
    return Objection("Say please.") if "please" not in draft else None


def weights(**numbers: object) -> HeadWeights:
    cell = Cell.model_validate({"base": 0.1, "intercept": -2.0, **numbers})
    return HeadWeights(name="test", cells={"p": {"write": cell}})


def batch(*names: str) -> Proposal:
    calls = tuple(
        ToolCall(id=f"{n}{at}", name=n, arguments={}, raw="{}") for at, n in enumerate(names)
    )
    return TALK.says("").model_copy(update={"action": Assistant(calls=calls)})


# --- risk ----------------------------------------------------------------------------------


async def test_in_a_domain_without_data_one_objection_gives_its_own_prior_risk() -> None:
    critic = HeadCritic(Pack("elsewhere", calls=(strong,)), NOTHING)
    judgement = await critic.judge(TALK.calls("put"))
    assert judgement.risk == pytest.approx(0.8)
    assert isinstance(judgement.verdict, Revise)
    assert not judgement.calibrated


async def test_a_check_that_training_has_not_seen_counts_by_its_prior() -> None:
    known = weights(intercept=-2.1972246, against={"strong": 0.5})
    judgement = await HeadCritic(Pack("p", calls=(weak,)), known).judge(TALK.calls("put"))
    assert judgement.risk == pytest.approx(0.3)


def test_what_old_logs_hold_in_favour_of_an_action_counts_for_nothing() -> None:
    part = parts_of(batch("put").action, frozenset())[0]
    assert not flags_of(part, [Flag(name="as agreed", sign=-1, call_id="put0")])


def test_what_fires_twice_counts_once_by_its_surest_case() -> None:
    part = parts_of(batch("put").action, frozenset())[0]
    flags = [Flag(name="odd", risk=risk, call_id="put0") for risk in (0.3, 0.6, 0.4)]
    assert [flag.risk for flag in flags_of(part, flags).values()] == [0.6]


def test_an_action_is_as_risky_as_its_riskiest_call_and_reading_is_no_risk() -> None:
    flags = [Flag(name="x", risk=0.9, call_id="put1"), Flag(name="x", risk=0.9, call_id="get0")]
    parts = parts_of(batch("get", "put", "erase").action, frozenset({"get"}))
    risks = risks_of(NOTHING, "p", parts, flags)
    assert set(risks) == {"put1", "erase2"}
    assert risk_of_action(risks) == risks["put1"] == pytest.approx(0.9)
    assert risk_of_action({}) == 0


FLAGS = st.lists(
    st.builds(
        Flag, name=st.sampled_from("abcdef"), risk=st.floats(0, 1), sign=st.sampled_from([1, -1])
    )
)


@given(FLAGS, st.sampled_from("abcdef"), st.floats(0, 1))
def test_an_objection_more_never_lowers_a_risk(flags: list[Flag], name: str, risk: float) -> None:
    part = parts_of(Assistant(text="Bye."), frozenset())[0]
    more = [*flags, Flag(name=name, risk=risk)]
    cell = UNTRAINED["final"]
    assert cell.risk("", flags_of(part, more)) >= cell.risk("", flags_of(part, flags))


# --- verdict -------------------------------------------------------------------------------


async def test_without_an_objection_nothing_is_refused_however_risky_the_tool() -> None:
    risky = weights(tools={"put": 9.0})
    judgement = await HeadCritic(Pack("p"), risky, threshold=0.01).judge(TALK.calls("put"))
    assert judgement.verdict == Approve()
    assert judgement.risk is not None and judgement.risk > 0.9


async def test_what_training_gave_no_weight_is_no_objection() -> None:
    useless = weights(tools={"put": 9.0}, against={"weak": 0.0})
    judgement = await HeadCritic(Pack("p", calls=(weak,)), useless).judge(TALK.calls("put"))
    assert judgement.verdict == Approve()


async def test_the_weightiest_objection_leads_whatever_its_prior_says() -> None:
    learned = weights(against={"weak": 5.0, "strong": 0.5})
    judgement = await HeadCritic(Pack("p", calls=(strong, weak)), learned).judge(TALK.calls("put"))
    assert isinstance(judgement.verdict, Revise)
    assert judgement.category == "weak"
    feedback = judgement.verdict.feedback
    assert feedback.index("odd") < feedback.index("wrong")


async def test_only_the_calls_that_are_too_risky_are_at_fault() -> None:
    judgement = await HeadCritic(Pack("p", calls=(weak, strong)), NOTHING).judge(
        batch("erase", "put", "get")
    )
    assert isinstance(judgement.verdict, Revise)
    assert judgement.verdict.calls == ("put1",)
    assert set(judgement.call_risks) == {"erase0", "put1"}
    assert judgement.call_risks["erase0"] == pytest.approx(0.3)
    assert judgement.risk == max(judgement.call_risks.values())


async def test_thresholds_of_the_weights_hold_by_kind() -> None:
    cells: dict[HeadKind, Cell] = {
        "write": Cell(base=0.15, intercept=-1.73, threshold=0.9),
        "final": Cell(base=0.3, intercept=-0.85, threshold=0.1),
    }
    pack = Pack("p", calls=(weak,), texts=(rude,))
    critic = HeadCritic(pack, HeadWeights(name="w", cells={"p": cells}), threshold=None)
    assert (await critic.judge(TALK.calls("put"))).verdict == Approve()
    assert isinstance((await critic.judge(TALK.says("Bye."))).verdict, Revise)


async def test_a_low_threshold_sends_back_whatever_has_an_objection() -> None:
    critic = HeadCritic(Pack("p", calls=(weak,)), NOTHING, threshold=0.0)
    assert isinstance((await critic.judge(TALK.calls("put"))).verdict, Revise)


async def test_a_broken_check_costs_itself_only() -> None:
    judgement = await HeadCritic(Pack("p", calls=(broken, strong)), NOTHING).judge(
        TALK.calls("put")
    )
    assert judgement.category == "strong"
    assert [flag.name for flag in judgement.flags] == ["strong", "broken failed"]


# --- weights on file -----------------------------------------------------------------------


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    file.write_text(to_json(weights(against={"weak": 0.25})))
    assert read_weights(file) == weights(against={"weak": 0.25})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"weights": {"schema_version": 1}}, "schema version 1"),
        ({"weights": {"false_alarms": 0.5}}, "not those that were written"),
        ({"weights": {"cells": {"p": {"write": {"base": 2}}}}}, "cells.p.write.base"),
        ({"digest": "0"}, "digest"),
    ],
)
def test_weights_that_cannot_be_used_say_why(
    change: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    kept = json.loads(to_json(weights()))
    for key, value in change.items():
        kept[key] = {**kept[key], **value} if isinstance(value, dict) else value
    with pytest.raises(ConfigError, match=complaint) as caught:
        weights_from(json.dumps(kept), "w.json")
    assert "w.json" in str(caught.value)
    assert "sidecritic train" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"digest": 1}'])
def test_a_file_that_holds_no_weights_is_bad_input(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"w\.json"):
        weights_from(text, "w.json")
    with pytest.raises(ConfigError, match="check the path"):
        read_weights(tmp_path / "none.json")


def test_the_shipped_weights_name_checks_and_tools_and_no_id() -> None:
    shipped = read_weights()
    assert set(shipped.cells) == {"retail", "airline"}
    assert shipped.data.simulated == ("actor", "user"), "own runs are said to be simulated"
    names = {
        name
        for kinds in shipped.cells.values()
        for cell in kinds.values()
        for name in (*cell.tools, *cell.against)
    }
    assert names
    # The only digits are those of a case: its prior risk.
    assert not [n for n in names if re.search(r"[#\d]", n.split(", case")[0])]


async def test_what_records_prove_stands_whatever_was_learned() -> None:
    learned = {"intercept": -9.0, "threshold": 0.5}
    for checks, sent_back in (((strong,), True), ((weak,), False)):
        critic = HeadCritic(Pack("p", calls=checks), weights(**learned), threshold=None)
        judgement = await critic.judge(TALK.calls("put"))
        assert judgement.risk is not None
        assert judgement.risk < 0.5
        assert isinstance(judgement.verdict, Revise) is sent_back


def test_objections_count_as_a_norm_so_that_a_pile_of_hints_is_no_proof() -> None:
    cell = Cell(base=0.1, intercept=0.0, against={str(at): 1.0 for at in range(8)})
    pile = {str(at): Flag(name=str(at)) for at in range(8)}
    assert logit(cell.risk("", pile)) == pytest.approx(4.0)


async def test_a_farewell_that_is_wrong_in_itself_is_sent_back_whatever_the_run_comes_to() -> None:
    unlikely = Cell(base=0.3, intercept=-4.0, against={"rude": 0.0}, threshold=0.9)
    learned = HeadWeights(name="test", cells={"p": {"final": unlikely}})
    critic = HeadCritic(Pack("p", texts=(rude,)), learned, threshold=None)
    judgement = await critic.judge(TALK.says("Bye."))
    assert isinstance(judgement.verdict, Revise)
    assert judgement.category == "rude"
    assert judgement.risk == pytest.approx(0.018, abs=0.001)
