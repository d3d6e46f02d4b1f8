"""What happens to calls, and what forks have to do with each other."""

import json
from typing import Any, cast

import pytest

from sidecritic.envs.base import Look
from sidecritic.envs.tau2.benchmark import Tau2, Tau2World
from sidecritic.envs.tau2.package import import_tau2, load_domain
from sidecritic.types import Task, ToolCall, ToolResult


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id="c1", name=name, arguments=arguments, raw=json.dumps(arguments))


@pytest.fixture(scope="module")
def retail() -> Tau2:
    return Tau2("retail")


@pytest.fixture
def task(retail: Tau2) -> Task:
    return retail.tasks("base")[0]


@pytest.fixture
def world(retail: Tau2, task: Task) -> Tau2World:
    return retail.world(task)


PENDING = "#W4284542"


def address(world: Tau2World) -> dict[str, Any]:
    order = json.loads(world.execute(call("get_order_details", order_id=PENDING)).text)
    return order["address"]


def move(city: str) -> ToolCall:
    return call(
        "modify_pending_order_address",
        order_id=PENDING,
        address1="1 Main St",
        address2="",
        city=city,
        state="CA",
        country="USA",
        zip="94105",
    )


def test_a_write_is_seen_by_the_next_read(world: Tau2World) -> None:
    assert not world.execute(move("Oakland")).is_error
    assert address(world)["city"] == "Oakland"


def test_a_fork_and_its_origin_never_see_each_others_later_writes(world: Tau2World) -> None:
    world.execute(move("Oakland"))
    fork = world.fork()
    assert address(fork)["city"] == "Oakland"
    world.execute(move("Fresno"))
    fork.execute(move("San Jose"))
    assert address(world)["city"] == "Fresno"
    assert address(fork)["city"] == "San Jose"


def test_episodes_of_a_task_do_not_see_each_other(retail: Tau2, task: Task) -> None:
    before = address(retail.world(task))
    retail.world(task).execute(move("Oakland"))
    assert address(retail.world(task)) == before


def test_unreadable_arguments_are_an_error_result(world: Tau2World) -> None:
    broken = ToolCall(id="c7", name="get_order_details", arguments=None, raw="{oops")
    result = world.execute(broken)
    assert result == ToolResult(
        call_id="c7",
        name="get_order_details",
        text="Error: the arguments are not a JSON object",
        is_error=True,
    )


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (call("teleport"), "Error: Tool 'teleport' not found."),
        (call("get_order_details", order_id="#W0"), "Error: Order not found"),
        (call("get_order_details", order="#W0"), "unexpected keyword argument"),
        (call("get_order_details", tool_name="x"), "multiple values"),
        (call("check_network_status"), "not found"),
    ],
)
def test_what_a_tool_refuses_is_an_error_result(
    world: Tau2World, wrong: ToolCall, text: str
) -> None:
    result = world.execute(wrong)
    assert result.is_error
    assert result.text.startswith("Error: ")
    assert text in result.text


def test_a_user_without_tools_gets_an_error_result(world: Tau2World) -> None:
    assert world.user_tools == ()
    assert world.execute_for_user(call("toggle_data")).is_error


async def test_a_look_reads_the_episode_and_cannot_write(world: Tau2World) -> None:
    world.execute(move("Oakland"))
    look = Look(world.fork(), budget=1)
    refused = await look.call("modify_pending_order_address", {"order_id": PENDING})
    seen = await look.call("get_order_details", {"order_id": PENDING})
    assert refused.is_error
    assert json.loads(seen.text)["address"]["city"] == "Oakland"


@pytest.mark.parametrize("domain", ["retail", "airline"])
def test_results_are_those_of_the_package_and_the_parsed_databases_stay_as_they_were(
    domain: str,
) -> None:
    benchmark = Tau2(domain)
    fresh = import_tau2(f"domains.{domain}.environment").get_environment
    for number, task in enumerate(benchmark.tasks("base")):
        world, case = benchmark.world(task), benchmark.case(task)
        package = fresh() if number % 12 == 0 else None
        for action in case.gold.reference:
            made = call(action.name, **action.arguments)
            result = world.execute(made)
            assert result.is_error != action.ok
            if package is not None:
                message = case.domain.messages.ToolCall(**made.model_dump(exclude={"raw"}))
                assert result.text == package.get_response(message).content
    used = benchmark.case(benchmark.tasks("base")[0]).domain.pristine.tools
    assert used.get_db_hash() == load_domain(domain).pristine.tools.get_db_hash()


# --- telecom: the user has tools, and the databases are synchronised ------------------------


@pytest.fixture(scope="module")
def telecom() -> Tau2:
    return Tau2("telecom")


def airplane_mode(world: Tau2World) -> bool:
    return "Airplane Mode" in world.execute_for_user(call("check_status_bar")).text


def test_a_telecom_fork_is_independent_whichever_side_acts_first(telecom: Tau2) -> None:
    task = next(task for task in telecom.tasks("base") if "airplane_mode_on" in task.id)
    world = telecom.world(task)
    assert airplane_mode(world)
    fork = world.fork()
    world.execute_for_user(call("toggle_airplane_mode"))
    assert not airplane_mode(world)
    assert airplane_mode(fork)
    second = fork.fork()
    second.execute_for_user(call("toggle_airplane_mode"))
    assert airplane_mode(fork)
    assert not airplane_mode(second)
    assert airplane_mode(telecom.world(task))


def test_a_write_of_the_agent_reaches_the_users_phone(telecom: Tau2) -> None:
    task = next(task for task in telecom.tasks("base") if "user_abroad_roaming_disabled" in task.id)
    world = telecom.world(task)
    action = next(
        action
        for action in telecom.case(task).gold.reference
        if action.name == "enable_roaming" and action.requestor == "assistant"
    )
    surroundings = cast("Any", world.state.ready(writing=False)).user_tools.db.surroundings
    assert surroundings.roaming_allowed is False
    world.execute(call(action.name, **action.arguments))
    surroundings = cast("Any", world.state.ready(writing=False)).user_tools.db.surroundings
    assert surroundings.roaming_allowed is True
