"""Expressions that would stop the process are refused, all others answered by the package."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from sidecritic.envs.tau2.benchmark import Tau2, Tau2World
from sidecritic.envs.tau2.official_grading import messages_of
from sidecritic.envs.tau2.package import Domain, PackageEnvironment, import_tau2, load_domain
from sidecritic.envs.tau2.prepared_task import PreparedTask
from sidecritic.envs.tau2.refused_calls import LONGEST, refusal
from sidecritic.envs.tau2.states import state_over
from sidecritic.types import Assistant, ToolCall, ToolResult


@pytest.fixture(scope="module")
def retail() -> Domain:
    return load_domain("retail")


@pytest.fixture(scope="module")
def package() -> PackageEnvironment:
    return import_tau2("domains.retail.environment").get_environment()


def answer(retail: Domain, package: PackageEnvironment, call: ToolCall) -> str:
    message = retail.messages.ToolCall(**call.model_dump(exclude={"raw"}))
    return package.get_response(message).content


def calculation(expression: str) -> ToolCall:
    arguments: dict[str, JsonValue] = {"expression": expression}
    return ToolCall(id="c1", name="calculate", arguments=arguments, raw=json.dumps(arguments))


@pytest.fixture
def world() -> Tau2World:
    benchmark = Tau2("retail")
    return benchmark.world(benchmark.tasks("base")[0])


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("9**9**9**9", "Exponents must be plain numbers up to 100, and powers not nested"),
        ("  9 ** 9 ** 9 ** 9", "Exponents must be"),
        ("(9**99)**99", "Exponents must be"),
        ("(1 + 9**99)**99", "Exponents must be"),
        ("9**(9*9999999999)", "Exponents must be"),
        ("9**101", "Exponents must be"),
        ("9**-(-999999999)", "Exponents must be"),
        ("1" + " + 1" * 250, f"Expression too long: 1001 characters, at most {LONGEST}"),
        ("9**9" + "**9" * 300, "Exponents must be"),
    ],
)
def test_what_might_never_end_is_an_error_result(
    world: Tau2World, expression: str, why: str
) -> None:
    result = world.execute(calculation(expression))
    assert isinstance(result, ToolResult)
    assert result.is_error
    assert result.text.startswith(f"Error: {why}")


ALL_ARITHMETIC = [
    "(544.29 - 471.82) + (208.07 - 188.67)",
    " 1 + 1",
    "7 // 2",
    "1.05 ** 2 + 1.05 ** 3",
    "100 * 1.05**-2",
    "(" + "9" * 990 + ")**99",
    "*".join(["9" * 9] * 100),
    "(-8)**0.5",
    "2 * * 3",
    "2***3",
    "9**9**x",
    "(" * 900,
    "9**9" + "(" * 900,
    "()",
    "1/0",
    "",
    "**" * 600 + "x",
]


@pytest.mark.parametrize("expression", ALL_ARITHMETIC)
def test_other_arithmetic_is_answered_as_by_the_package(
    world: Tau2World, retail: Domain, package: PackageEnvironment, expression: str
) -> None:
    call = calculation(expression)
    assert world.execute(call).text == answer(retail, package, call)


@settings(deadline=2000, max_examples=200)
@given(st.text("0189+-*/(). ", max_size=60))
def test_only_powers_are_refused_and_whatever_is_let_through_ends(
    retail: Domain, package: PackageEnvironment, expression: str
) -> None:
    call = calculation(expression)
    if refusal(retail, call.name, call.arguments) is None:
        assert answer(retail, package, call)
    else:
        assert "**" in expression


def test_a_domain_without_the_tool_says_so_itself() -> None:
    mock = Tau2("mock")
    result = mock.world(mock.tasks("base")[0]).execute(calculation("9**9**9**9"))
    assert result.text == "Error: Tool 'calculate' not found."


def test_an_expression_that_is_no_text_is_the_packages_to_refuse(retail: Domain) -> None:
    assert refusal(retail, "calculate", {"expression": ["9"]}) is None
    assert refusal(retail, "calculate", {}) is None


def test_neither_grader_sees_a_refused_call(world: Tau2World, retail: Domain) -> None:
    bomb = calculation("9**9**9**9")
    transcript = (Assistant(calls=(bomb,)), world.execute(bomb))
    assert [message.role for message in messages_of(retail, transcript)] == ["assistant"]
    action = {"action_id": "0", "name": "calculate", "arguments": bomb.arguments}
    data = {"id": "x", "evaluation_criteria": {"actions": [action], "reward_basis": ["ACTION"]}}
    case = PreparedTask(retail, state_over(retail.pristine), data)
    assert [reference.ok for reference in case.gold.reference] == [False]
    outcome = Tau2World(case, case.start.fork()).grade(transcript, stopped=True)
    assert outcome.parts == {"ACTION": 0.0}
