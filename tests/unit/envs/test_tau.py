"""τ-bench, on a stand-in with the same interface: loading, playing, grading, its users."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import JsonValue

from sidecritic.envs.tau.benchmark import CUE, Tau, digest_of
from sidecritic.envs.tau.package import load_package
from sidecritic.episode import briefing_for
from sidecritic.errors import ConfigError, ModelError
from sidecritic.models.scripted import ScriptedModel
from sidecritic.simulation.task_record import reference_of
from sidecritic.strategies.users import with_strategy
from sidecritic.types import (
    Assistant,
    Request,
    System,
    ToolCall,
    ToolResult,
    User,
)
from tests.parties import Says

CHECKOUT = Path(__file__).parents[3] / "recipes" / "tau_stand_in"
RETAIL = Tau("retail", checkout=CHECKOUT)


def calls(name: str, id: str = "c", /, **arguments: JsonValue) -> ToolCall:
    return ToolCall(id=id, name=name, arguments=arguments, raw=json.dumps(arguments))


def doing(*made: ToolCall) -> Assistant:
    return Assistant(calls=made)


def gold_calls(number: int) -> list[ToolCall]:
    actions = reference_of(RETAIL.tasks("test")[number]).actions
    return [calls(a.name, f"g{at}", **a.arguments) for at, a in enumerate(actions)]


# --- the package ------------------------------------------------------------------------------


def test_a_domain_is_loaded_without_importing_the_packages_around_it() -> None:
    package = load_package("retail", CHECKOUT)
    assert [spec.name for spec in package.specs][:2] == [
        "find_user_id_by_email",
        "get_user_details",
    ]
    assert not any(name.startswith("tau_bench") for name in sys.modules)


def test_a_tau_bench_that_was_imported_before_is_left_in_place() -> None:
    own = ModuleType("tau_bench")
    sys.modules["tau_bench"] = own
    try:
        load_package("retail", CHECKOUT)
        assert sys.modules["tau_bench"] is own
    finally:
        del sys.modules["tau_bench"]


def test_without_the_package_one_line_says_how_to_get_it() -> None:
    with pytest.raises(ConfigError) as raised:
        Tau("retail").splits()
    message = str(raised.value)
    assert "\n" not in message
    assert "pip install git+https://github.com/sierra-research/tau-bench" in message
    assert "SIDECRITIC_TAU_BENCH" in message


def test_a_checkout_without_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no τ-bench"):
        Tau("retail", checkout=tmp_path).splits()


def test_a_damaged_checkout_is_named(tmp_path: Path) -> None:
    (tmp_path / "tau_bench/envs/retail").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be used: ModuleNotFoundError"):
        Tau("retail", checkout=tmp_path).splits()


def test_splits_tasks_and_versions() -> None:
    assert RETAIL.splits() == {"test": 4, "dev": 1, "train": 1}
    assert Tau("airline", checkout=CHECKOUT).splits() == {"test": 3}
    assert [task.id for task in RETAIL.tasks("test")] == ["test-0", "test-1", "test-2", "test-3"]
    assert "sha256" in RETAIL.versions["task set"]
    with pytest.raises(ConfigError, match="known: test, dev, train"):
        RETAIL.tasks("base")
    with pytest.raises(ConfigError, match="unknown τ-bench domain 'telecom'"):
        Tau("telecom")


def test_the_effects_of_tools_are_known_by_name() -> None:
    effects = {spec.name: spec.effect for spec in load_package("retail", CHECKOUT).specs}
    assert effects["cancel_pending_order"] == "write"
    assert effects["get_order_details"] == "read"
    assert effects["transfer_to_human_agents"] == "read"


# --- grading ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(4))
def test_every_reference_is_worth_one(number: int) -> None:
    world = RETAIL.world(RETAIL.tasks("test")[number])
    for call in gold_calls(number):
        world.execute(call)
    said = (Assistant(text="It costs 1,234.5 dollars."),)
    assert world.grade(said, stopped=True).reward == 1.0


def test_another_write_is_worth_nothing() -> None:
    world = RETAIL.world(RETAIL.tasks("test")[0])
    world.execute(calls("cancel_pending_order", order_id="#W1000003", reason="no longer needed"))
    outcome = world.grade((), stopped=True)
    assert outcome.reward == 0.0
    assert outcome.parts == {"DB": 0.0, "COMMUNICATE": 1.0}


@pytest.mark.parametrize(
    ("text", "met"),
    [("It is 1,234.5.", True), ("It is $1234.50", True), ("It is 1234", False), ("", False)],
)
def test_outputs_are_looked_for_without_commas(text: str, met: bool) -> None:
    world = RETAIL.world(RETAIL.tasks("test")[1])
    outcome = world.grade((Assistant(text=text),), stopped=True)
    assert outcome.passed is met
    assert outcome.native["communicate"] == [{"info": "1234.5", "met": met}]
    assert outcome.parts["DB"] == 1.0


def test_what_only_a_tool_call_mentions_was_not_said() -> None:
    world = RETAIL.world(RETAIL.tasks("test")[1])
    told = Assistant(text="1234.5", calls=(calls("think", thought="1234.5"),))
    assert world.grade((told,), stopped=True).reward == 0.0


def test_an_episode_that_does_not_end_is_worth_nothing() -> None:
    world = RETAIL.world(RETAIL.tasks("test")[1])
    outcome = world.grade((Assistant(text="1234.5"),), stopped=False)
    assert (outcome.reward, outcome.parts) == (0.0, {})


def test_grading_changes_nothing() -> None:
    world = RETAIL.world(RETAIL.tasks("test")[0])
    assert world.grade((), stopped=True) == world.grade((), stopped=True)
    for call in gold_calls(0):
        world.execute(call)
    assert world.grade((), stopped=True).reward == 1.0


def test_references_that_their_tool_refuses_are_marked() -> None:
    native = RETAIL.world(RETAIL.tasks("test")[3]).grade((), stopped=True).native
    assert native["reference"] == [
        {
            "name": "cancel_pending_order",
            "arguments": {"order_id": "#W1000002", "reason": "no longer needed"},
            "requestor": "assistant",
            "effect": "write",
            "ok": False,
        }
    ]


def test_numbers_that_print_differently_differ() -> None:
    assert digest_of({"a": 1}) != digest_of({"a": 1.0})
    assert digest_of({"a": 1, "b": {2, 3}}) == digest_of({"b": {3, 2}, "a": 1})
    assert digest_of({"a": [1, {"c": 2}]}) != digest_of({"a": [{"c": 2}, 1]})


# --- the world --------------------------------------------------------------------------------


def test_what_a_tool_raises_is_text() -> None:
    world = RETAIL.world(RETAIL.tasks("test")[0])
    failed = world.execute(calls("get_user_details", user_id="nobody"))
    assert failed == ToolResult(
        call_id="c", name="get_user_details", text="Error: 'nobody'", is_error=True
    )
    assert world.execute(calls("no_such_tool")).text == "Unknown action no_such_tool"
    broken = ToolCall(id="c", name="think", arguments=None, raw="{")
    assert world.execute(broken).is_error
    assert world.execute(calls("get_user_details", colour="red")).is_error


def test_forks_share_no_later_write() -> None:
    world = RETAIL.world(RETAIL.tasks("test")[0])
    fork = world.fork()
    for call in gold_calls(0):
        fork.execute(call)
    assert fork.grade((), stopped=True).reward == 1.0
    assert world.grade((), stopped=True).reward == 0.0
    assert fork.fork().grade((), stopped=True).reward == 1.0


# --- the conversation -------------------------------------------------------------------------


async def test_the_user_speaks_first_and_hears_a_greeting_that_the_agent_never_said() -> None:
    with ScriptedModel(["Hi, cancel my order."]) as user:
        env = RETAIL.environment(RETAIL.tasks("test")[0], user)
        observation = await env.start()
    assert observation.messages == (User(text="Hi, cancel my order."),)
    system, cue = user.requests[0].messages
    assert "Odile Brandt" in system.text
    assert cue == User(text=CUE)


async def test_the_agent_is_told_the_policy_alone() -> None:
    env = RETAIL.environment(RETAIL.tasks("test")[0], Says())
    briefing = briefing_for(env)
    assert briefing.system == briefing.policy
    assert briefing.system.startswith("# Retail agent policy")


async def test_only_the_first_call_of_a_message_runs() -> None:
    env = RETAIL.environment(RETAIL.tasks("test")[0], Says())
    await env.start()
    first, second = gold_calls(0)
    observation = await env.step(doing(second, first))
    ran, left = observation.messages
    assert isinstance(left, ToolResult)
    assert '"cancelled"' in ran.text
    assert "not executed" in left.text
    assert (await env.outcome()).native["db_match"] is True


async def test_a_transfer_ends_the_episode() -> None:
    env = RETAIL.environment(RETAIL.tasks("test")[3], Says())
    await env.start()
    observation = await env.step(doing(calls("transfer_to_human_agents", summary="x")))
    assert observation.done
    assert (await env.outcome()).reward == 1.0


async def test_the_users_stop_ends_the_episode() -> None:
    env = RETAIL.environment(RETAIL.tasks("test")[1], Says(["Hello"]))
    await env.start()
    observation = await env.step(Assistant(text="It is 1,234.5."))
    assert observation.done
    assert (await env.outcome()).reward == 1.0


# --- user strategies --------------------------------------------------------------------------

ASKED = Request(messages=(System(text="You are Odile."), User(text="Hi!")))


async def test_the_plain_user_is_the_model_itself() -> None:
    model = ScriptedModel([])
    assert with_strategy(model, "llm") is model


async def test_a_thinking_user_keeps_its_thought_to_itself() -> None:
    with ScriptedModel(["Thought:\nBe brief.\nResponse:\nCancel it."]) as model:
        completion = await with_strategy(model, "react").complete(ASKED)
    assert completion.message.text == "Cancel it."
    assert completion.message.reasoning == "Be brief."
    assert model.requests[0].messages[0].text.startswith("You are Odile.\n\nWrite exactly this")


async def test_a_thinking_user_that_forgets_the_form_is_taken_by_its_words() -> None:
    completion = await with_strategy(ScriptedModel(["Cancel it."]), "react").complete(ASKED)
    assert completion.message.text == "Cancel it."


async def test_a_verifying_user_writes_again_what_does_not_fit() -> None:
    steps = [
        "My order is #W9.",
        '{"fits": false, "problem": "made up"}',
        "I forgot the number.",
        '{"fits": true, "problem": ""}',
    ]
    with ScriptedModel(steps) as model:
        completion = await with_strategy(model, "verify").complete(ASKED)
    assert completion.message.text == "I forgot the number."
    assert model.requests[2] == ASKED
    assert "My order is #W9." in model.requests[1].messages[-1].text


async def test_a_reflecting_user_is_told_what_was_wrong() -> None:
    steps = [
        "My order is #W9.",
        '{"fits": false, "problem": "made up"}',
        "I forgot the number.",
        '{"fits": true, "problem": ""}',
    ]
    with ScriptedModel(steps) as model:
        await with_strategy(model, "reflection").complete(ASKED)
    draft, problem = model.requests[2].messages[-2:]
    assert draft == Assistant(text="My order is #W9.")
    assert "made up" in problem.text


async def test_the_last_answer_stands_unchecked() -> None:
    no = '{"fits": false, "problem": "x"}'
    with ScriptedModel(["a", no, "b", no, "c"]) as model:
        completion = await with_strategy(model, "verify").complete(ASKED)
    assert completion.message.text == "c"


async def test_a_check_in_prose_is_an_error() -> None:
    model = ScriptedModel(["a", "fits well", "I said it fits"])
    with pytest.raises(ModelError, match="the form Check"):
        await with_strategy(model, "verify").complete(ASKED)
