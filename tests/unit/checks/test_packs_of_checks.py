"""A pack finds its checks: in modules, in the module that defines it, or one by one."""

from types import ModuleType

from sidecritic.checks import common, statements
from sidecritic.checks.base import CallCheck, EndCheck, Objection, Pack, TextCheck
from sidecritic.checks.case import Case
from sidecritic.checks.endings import ENDINGS
from sidecritic.checks.facts import Facts


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


def test_the_checks_of_every_domain_come_in_without_a_list() -> None:
    calls, texts = names(Pack.of("mine", common, *ENDINGS, statements))
    assert calls[:4] == ["unconfirmed write", "not as listed", "made-up id", "repeated write"]
    assert {"nothing done", "premature transfer"} <= set(calls)
    assert {"nothing done", "plan not carried out", "claim without a write"} <= set(texts)
