"""A pack finds its checks: in modules, in the module that defines it, or one by one."""

from types import ModuleType

from sidecritic.checks import common, statements
from sidecritic.checks.base import (
    CallCheck,
    EndCheck,
    Objection,
    Pack,
    TextCheck,
    call_check,
)
from sidecritic.checks.case import Case
from sidecritic.checks.endings import ENDINGS
from sidecritic.checks.facts import Facts
from sidecritic.types import Assistant, Proposal, ToolCall, ToolSpec, User


def on_call(_: Case) -> Objection | None:
    return None


def on_text(_: Facts, __: str) -> Objection | None:
    return None


def call(name: str) -> CallCheck:
    return CallCheck(name, "A rule.", 0.5, on_call)


END = EndCheck(call("end"), TextCheck("end", "A rule.", 0.5, on_text))


def names(pack: Pack) -> tuple[list[str], list[str]]:
    return [check.name for check in pack.calls], [check.name for check in pack.texts]


def test_the_checks_of_a_module_are_taken_in_the_order_of_their_definition() -> None:
    module = ModuleType("rules")
    vars(module).update(second=call("b"), rule="no check", first=call("a"), end=END)
    assert names(Pack.of("mine", module)) == (["b", "a", "end"], ["end"])
    assert names(Pack.of("mine", vars(module))) == names(Pack.of("mine", module))


def test_a_single_check_may_be_named_and_stands_once() -> None:
    module = ModuleType("rules")
    vars(module).update(mine=call("a"))
    pack = Pack.of("mine", common.repeated, module, call("a"), common.repeated)
    assert names(pack) == (["repeated write", "a"], [])


def test_a_check_may_take_a_case_or_the_facts_and_the_call() -> None:
    rule = "Cards are never deleted."

    @call_check("of a case", risk=0.9, policy=rule)
    def of_a_case(case: Case) -> Objection | None:
        return Objection("Keep it.") if case.tool == "delete_card" else None

    @call_check("of facts", risk=0.9, policy=rule)
    def of_facts(facts: Facts, call: ToolCall) -> Objection | None:
        return Objection(f"Keep it: {facts.said}") if call.name == "delete_card" else None

    pack = Pack("cards", calls=(of_a_case, of_facts))
    action = Assistant(calls=(ToolCall(id="1", name="delete_card", arguments={}, raw="{}"),))
    fired = pack.findings(
        Proposal(
            task_id="",
            turn=0,
            attempt=0,
            action=action,
            history=(User(text="Please delete my card."),),
            policy=rule,
            tools=(ToolSpec(name="delete_card"),),
        )
    )
    assert {(finding.check, finding.feedback) for finding in fired} == {
        ("of a case", "Keep it."),
        ("of facts", "Keep it: please delete my card."),
    }


def test_the_checks_of_every_domain_come_in_without_a_list() -> None:
    calls, texts = names(Pack.of("mine", common, *ENDINGS, statements))
    assert calls[:4] == ["unconfirmed write", "not as listed", "made-up id", "repeated write"]
    assert {"fewer deeds than requests", "premature transfer"} <= set(calls)
    assert {"fewer deeds than requests", "plan not carried out", "nothing said"} <= set(texts)


def test_words_beside_calls_that_only_read_are_checked_as_words() -> None:
    rude = TextCheck("rude", "Be kind.", 0.9, lambda facts, text: Objection(f"Not {text}."))
    tools = (ToolSpec(name="get", effect="read"), ToolSpec(name="put", effect="write"))

    def fired(name: str, said: str) -> int:
        call = ToolCall(id="c", name=name, arguments={}, raw="{}")
        proposal = Proposal(
            task_id="t",
            turn=0,
            attempt=0,
            action=Assistant(text=said, calls=(call,)),
            history=(User(text="Hi"),),
            policy="",
            tools=tools,
        )
        return len(Pack.of("mine", rude).findings(proposal))

    assert (fired("get", "shut up"), fired("put", "shut up"), fired("get", "")) == (1, 0, 0)
