"""The shop: its tools, its copy-on-write records and its grading."""

import json

import pytest
from pydantic import JsonValue

from sidecritic.envs.shop.benchmark import SPECS, Desk, Shop
from sidecritic.errors import ConfigError
from sidecritic.simulation.task_record import Arguments
from sidecritic.types import Assistant, Task, ToolCall, ToolResult

TASKS = {task.id: task for split in ("train", "test") for task in Shop().tasks(split)}
REFUND: dict[str, JsonValue] = {
    "order_id": "A1001",
    "item_ids": ["20012"],
    "payment_method_id": "credit_card_4411",
}
PLACE: dict[str, JsonValue] = {"street": "1 Road", "city": "Wien", "postcode": "1010"}


def run(desk: Desk, name: str, arguments: Arguments | None) -> ToolResult:
    call = ToolCall(
        id="c", name=name, arguments=None if arguments is None else {**arguments}, raw=""
    )
    return desk.execute(call)


def refund(desk: Desk, **changes: JsonValue) -> ToolResult:
    return run(desk, "refund_items", {**REFUND, **changes})


def test_a_refund_is_recorded_in_the_order() -> None:
    desk = Desk(TASKS["0"])
    refund(desk)
    order = json.loads(run(desk, "get_order", {"order_id": "A1001"}).text)
    assert order["refunds"] == [
        {"item_ids": ["20012"], "payment_method_id": "credit_card_4411", "amount": 54.5}
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"order_id": "A9999"}, "no order 'A9999'"),
        ({"order_id": "A1002", "item_ids": ["20031"]}, "not been delivered"),
        ({"item_ids": ["20041"]}, "must belong to the order"),
        ({"item_ids": []}, "must belong to the order"),
        ({"payment_method_id": "paypal_7781"}, "no such payment method"),
    ],
)
def test_a_refund_that_is_impossible_is_an_error_and_changes_nothing(
    changes: dict[str, JsonValue], why: str
) -> None:
    desk = Desk(TASKS["2"])
    result = refund(desk, **changes)
    assert result.is_error
    assert why in result.text
    assert desk.grade((), stopped=True).native["db_match"] is True


def test_an_item_is_refunded_once() -> None:
    desk = Desk(TASKS["0"])
    assert not refund(desk).is_error
    assert refund(desk).is_error


@pytest.mark.parametrize(
    ("order_id", "item_id", "method"),
    [("A1003", "20041", "credit_card_5127"), ("A1004", "20051", "paypal_7781")],
    ids=["final sale", "delivered too long ago"],
)
def test_the_tool_does_not_stop_what_the_policy_forbids_but_the_grade_does(
    order_id: str, item_id: str, method: str
) -> None:
    desk = Desk(TASKS["2"])
    result = refund(desk, order_id=order_id, item_ids=[item_id], payment_method_id=method)
    assert not result.is_error
    assert desk.grade((), stopped=True).reward == 0.0


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("refund_itmes", REFUND, "refund_items"),
        ("refund_items", {"order_id": "A1001"}, "item_ids"),
        ("get_order", None, "arguments"),
        (
            "change_address",
            {"order_id": "A1001", "street": "s", "city": "c", "postcode": "p"},
            "left",
        ),
        ("find_customer", {"email": "nobody@example.com"}, "no customer"),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_with_what_is_wrong(
    name: str, arguments: Arguments | None, why: str
) -> None:
    result = run(Desk(TASKS["0"]), name, arguments)
    assert result.is_error
    assert why in result.text


def test_forks_do_not_see_each_others_writes() -> None:
    desk = Desk(TASKS["0"])
    fork = desk.fork()
    refund(fork)
    assert fork.grade((), stopped=True).reward == 1.0
    assert desk.grade((), stopped=True).reward == 0.0
    assert not refund(desk).is_error


def test_the_user_must_be_told_what_they_asked_for() -> None:
    desk = Desk(TASKS["3"])
    refund(desk, order_id="A1006", item_ids=["20062"], payment_method_id="gift_card_6071")
    silent = desk.grade((Assistant(text="Done."),), stopped=True)
    told = desk.grade((Assistant(text="You get $120.00 back."),), stopped=True)
    assert (silent.parts, silent.reward) == ({"DB": 1.0, "COMMUNICATE": 0.0}, 0.0)
    assert told.passed


def test_an_episode_that_the_user_did_not_end_scores_nothing() -> None:
    assert Desk(TASKS["2"]).grade((), stopped=False).reward == 0.0


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_reference_can_be_carried_out(task: Task) -> None:
    reference = Desk(task).grade((), stopped=True).native["reference"]
    assert isinstance(reference, list)
    assert all(isinstance(action, dict) and action["ok"] for action in reference)


def test_splits_are_counted_and_share_no_task() -> None:
    shop = Shop()
    sizes = {split: len(shop.tasks(split)) for split in shop.splits()}
    assert sizes == shop.splits()
    assert len(TASKS) == sum(sizes.values())


def test_an_unknown_split_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'dev'; known: train, test"):
        Shop().tasks("dev")


def test_tools_say_what_they_need_and_whether_they_write() -> None:
    effects = {spec.name: spec.effect for spec in SPECS}
    assert [name for name, effect in effects.items() if effect == "write"] == [
        "refund_items",
        "change_address",
    ]
    assert all(spec.parameters["required"] for spec in SPECS)
