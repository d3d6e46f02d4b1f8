"""A small built-in shop: orders, refunds, and rules that its tools do not enforce.

It needs no other package and no key, is the same on every machine, and is graded like
τ²-bench: by the records that an episode leaves and by what the user was told.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sidecritic.envs.base import Conversation, Script, Transcript
from sidecritic.envs.customer_index import Customer, Customers
from sidecritic.envs.record_worlds import RecordTool, RecordWorld, Refused, graded, specs_of
from sidecritic.envs.shop.data import CUSTOMERS, ORDERS, POLICY, TASKS, VERSION, Row
from sidecritic.envs.task_files import in_split
from sidecritic.errors import ConfigError, first_problem
from sidecritic.ports import Environment, Model
from sidecritic.simulation.task_record import reference_of, scenario_of
from sidecritic.types import (
    Assistant,
    Outcome,
    Record,
    Task,
    ToolCall,
)

GREETING = "Hello, this is the service desk of the shop. How can I help you?"
STOP = ("###STOP###", "###TRANSFER###")
GUIDELINES = """\
You are a customer of a shop, in a chat with its service desk. Write one message at a time
and follow your instructions. Do not make anything up. When everything is settled, write
###STOP###; when you are being transferred to a person, write ###TRANSFER###."""

Orders = dict[str, Row]
"""The orders that an episode has changed; the others are as they were."""


# --- tools --------------------------------------------------------------------------------


class FindCustomer(Record):
    email: str


class GetOrder(Record):
    order_id: str


class RefundItems(Record):
    order_id: str
    item_ids: list[str]
    payment_method_id: str


class ChangeAddress(Record):
    order_id: str
    street: str
    city: str
    postcode: str


class TransferToHuman(Record):
    summary: str


def _find_customer(asked: FindCustomer, _changed: Orders) -> Any:
    for customer in CUSTOMERS.values():
        if customer["email"] == asked.email.strip().lower():
            return customer
    raise Refused("no customer has this e-mail address")


def _get_order(asked: GetOrder, changed: Orders) -> Any:
    return _order(asked.order_id, changed)


def _refund_items(asked: RefundItems, changed: Orders) -> Any:
    order = _order(asked.order_id, changed)
    if order["status"] != "delivered":
        raise Refused(f"order {asked.order_id} has not been delivered")
    if asked.payment_method_id not in CUSTOMERS[order["customer_id"]]["payment_methods"]:
        raise Refused("the customer has no such payment method")
    refunded = {item_id for refund in order["refunds"] for item_id in refund["item_ids"]}
    left = {item["item_id"] for item in order["items"]} - refunded
    if not asked.item_ids or not left.issuperset(asked.item_ids):
        raise Refused("each item must belong to the order and not be refunded yet")
    refund = {
        "item_ids": sorted(asked.item_ids),
        "payment_method_id": asked.payment_method_id,
        "amount": sum(i["price"] for i in order["items"] if i["item_id"] in asked.item_ids),
    }
    changed[asked.order_id] = {**order, "refunds": [*order["refunds"], refund]}
    return changed[asked.order_id]


def _change_address(asked: ChangeAddress, changed: Orders) -> Any:
    order = _order(asked.order_id, changed)
    if order["status"] != "processing":
        raise Refused(f"order {asked.order_id} has left already")
    address = asked.model_dump(exclude={"order_id"})
    changed[asked.order_id] = {**order, "address": address}
    return changed[asked.order_id]


def _transfer_to_human(_asked: TransferToHuman, _changed: Orders) -> Any:
    return "Transferred."


def _order(order_id: str, changed: Orders) -> Row:
    order = changed.get(order_id) or ORDERS.get(order_id)
    if order is None:
        raise Refused(f"there is no order {order_id!r}")
    return order


TOOLS: Mapping[str, RecordTool] = {
    "find_customer": RecordTool(
        FindCustomer,
        _find_customer,
        "read",
        "Find a customer, with payment methods and order ids, by e-mail address.",
    ),
    "get_order": RecordTool(GetOrder, _get_order, "read", "Look up an order."),
    "refund_items": RecordTool(
        RefundItems, _refund_items, "write", "Refund delivered items of an order."
    ),
    "change_address": RecordTool(
        ChangeAddress, _change_address, "write", "Send an order that has not left elsewhere."
    ),
    "transfer_to_human": RecordTool(
        TransferToHuman, _transfer_to_human, "read", "Hand the conversation to a person."
    ),
}

SPECS = specs_of(TOOLS)


# --- the world ----------------------------------------------------------------------------


class Desk(RecordWorld):
    """The shop in one episode: the orders that it changed, over all others."""

    def __init__(self, task: Task, changed: Orders | None = None) -> None:
        super().__init__(POLICY, SPECS)
        self._task = task
        self._changed: Orders = dict(changed or {})

    def fork(self) -> "Desk":
        return Desk(self._task, self._changed)

    def grade(self, transcript: Transcript, *, stopped: bool) -> Outcome:
        reference = reference_of(self._task)
        gold = Desk(self._task)
        performed = [gold.perform(action) for action in reference.actions]
        said = [e.text.replace(",", "") for e in transcript if isinstance(e, Assistant)]
        return graded(
            "shop",
            termination="user_stop" if stopped else "max_steps",
            stopped=stopped,
            db_match=self._changed == gold._changed,
            reference=performed,
            told=[(i, any(i in text for text in said)) for i in reference.communicate],
        )

    def answered(self, call: ToolCall) -> Any:
        tool = TOOLS[call.name]
        return tool.answer(tool.asks.model_validate(call.arguments), self._changed)


class Shop:
    """The benchmark `shop`."""

    @property
    def name(self) -> str:
        return "shop"

    @property
    def versions(self) -> dict[str, str]:
        return {"task set": VERSION, "grader": VERSION}

    def splits(self) -> dict[str, int]:
        return {split: len(tasks) for split, tasks in TASKS.items()}

    def tasks(self, split: str) -> tuple[Task, ...]:
        return tuple(
            Task(id=data["id"], env=self.name, split=split, data=data)
            for data in in_split(split, TASKS, self.name)
        )

    @property
    def records(self) -> Mapping[str, Mapping[str, Row]]:
        """Customers and orders as they are before an episode, by id."""
        return {"customers": CUSTOMERS, "orders": ORDERS}

    def users_of(self, task: Task) -> frozenset[str]:
        return Customers(
            Customer(row["customer_id"], row["name"], row["email"], records=tuple(row["orders"]))
            for row in CUSTOMERS.values()
        ).named_in(task.data)

    def check(self, task: Task, where: str) -> None:
        """Check a task that comes from `where`.

        Raises:
            ConfigError: it could not be played or graded.
        """
        if not scenario_of(task).text:
            raise ConfigError(f"{where} has no user_scenario.instructions; say what the user wants")
        for action in reference_of(task).actions:
            if action.name not in TOOLS:
                raise ConfigError(
                    f"{where} has a reference action {action.name!r}, which is not a tool of "
                    f"the shop; known: {', '.join(TOOLS)}"
                )
            try:
                TOOLS[action.name].asks.model_validate(action.arguments)
            except ValidationError as cause:
                raise ConfigError(
                    f"{where} has a reference action {action.name!r} that is never run: "
                    f"{first_problem(cause)}"
                ) from cause

    def environment(self, task: Task, user: Model) -> Environment:
        scenario = scenario_of(task)
        script = Script(
            scenario=f"{GUIDELINES}\n\n<scenario>\n{scenario.text}\n</scenario>",
            opening=(Assistant(text=GREETING),),
            stop=STOP,
        )
        return Conversation(Desk(task), user, script)
