"""Records, rules and tasks of the shop."""

from collections.abc import Mapping
from typing import Any

from sidecritic.envs.shop.new_customers import Row, stock

VERSION = "shop 1"
"""Changes whenever a score on these tasks would no longer compare with an earlier one."""

POLICY = """\
# Service desk of the shop

Today is 2025-06-15.

You help customers with orders they have placed: you refund delivered items, change the
address of orders that have not left yet, and answer questions about orders.

## In every conversation
- First find the customer by e-mail address. Help nobody with another customer's orders.
- Before a refund or a change of address, list its details (order, items, payment method or
  address) and wait for an explicit yes.
- Say only what the customer or the tools have said.
- Transfer to a person if, and only if, the request cannot be handled with your tools and
  no rule here refuses it. Then write: "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE
  HOLD ON."

## Refunds
- Only delivered items can be refunded, each of them once.
- Items of a final sale are never refunded.
- An order that was delivered more than 30 days ago is not refunded.
- The money goes to the payment method of the order, or to a gift card of the customer.
- The tool checks none of the three rules above: you must.

## Addresses
- Only an order with the status "processing" can be sent elsewhere.
"""


def _customer(customer_id: str, name: str, email: str, *methods: str, orders: list[str]) -> Row:
    return {
        "customer_id": customer_id,
        "name": name,
        "email": email,
        "payment_methods": {method: {"id": method} for method in methods},
        "orders": orders,
    }


def _item(item_id: str, name: str, price: float, *, final_sale: bool = False) -> Row:
    return {"item_id": item_id, "name": name, "price": price, "final_sale": final_sale}


def _order(
    order_id: str, customer_id: str, paid: str, delivered: str | None, *, items: list[Row]
) -> Row:
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "status": "delivered" if delivered else "processing",
        "delivered_on": delivered,
        "payment_method_id": paid,
        "address": {"street": "1 Home Street", "city": "Graz", "postcode": "8010"},
        "items": items,
        "refunds": [],
    }


_OTHER_CUSTOMERS, _OTHER_ORDERS = stock()

CUSTOMERS: Mapping[str, Row] = _OTHER_CUSTOMERS | {
    row["customer_id"]: row
    for row in (
        _customer(
            "C100",
            "Nora Lindt",
            "nora.lindt@example.com",
            "credit_card_4411",
            "gift_card_9020",
            orders=["A1001", "A1002"],
        ),
        _customer(
            "C101",
            "Omar Haddad",
            "omar.haddad@example.com",
            "credit_card_5127",
            "gift_card_3308",
            orders=["A1003"],
        ),
        _customer(
            "C102",
            "Ines Prado",
            "ines.prado@example.com",
            "paypal_7781",
            "gift_card_1145",
            orders=["A1004", "A1005"],
        ),
        _customer(
            "C103",
            "Tom Becker",
            "tom.becker@example.com",
            "credit_card_2266",
            "gift_card_6071",
            orders=["A1006", "A1007"],
        ),
    )
}

ORDERS: Mapping[str, Row] = _OTHER_ORDERS | {
    row["order_id"]: row
    for row in (
        _order(
            "A1001",
            "C100",
            "credit_card_4411",
            "2025-06-02",
            items=[_item("20011", "kettle", 39.0), _item("20012", "toaster", 54.5)],
        ),
        _order("A1002", "C100", "credit_card_4411", None, items=[_item("20031", "fan", 45.0)]),
        _order(
            "A1003",
            "C101",
            "credit_card_5127",
            "2025-06-05",
            items=[
                _item("20041", "rain jacket", 89.0, final_sale=True),
                _item("20042", "wool hat", 24.0),
            ],
        ),
        _order(
            "A1004", "C102", "paypal_7781", "2025-04-20", items=[_item("20051", "blender", 79.0)]
        ),
        _order("A1005", "C102", "paypal_7781", None, items=[_item("20052", "tea set", 62.0)]),
        _order(
            "A1006",
            "C103",
            "credit_card_2266",
            "2025-06-10",
            items=[_item("20061", "desk lamp", 31.0), _item("20062", "rug", 120.0)],
        ),
        _order(
            "A1007",
            "C103",
            "gift_card_6071",
            "2025-06-11",
            items=[_item("20063", "floor lamp", 84.0), _item("20064", "mirror", 58.0)],
        ),
    )
}


# --- tasks --------------------------------------------------------------------------------


def _task(
    number: int,
    customer: str,
    reason: str,
    *actions: tuple[str, Row],
    tells: list[str] | None = None,
) -> dict[str, Any]:
    known = CUSTOMERS[customer]
    return {
        "id": str(number),
        "user_scenario": {
            "instructions": {
                "domain": "shop",
                "reason_for_call": reason,
                "known_info": f"Your name is {known['name']} and your e-mail address is "
                f"{known['email']}.",
                "unknown_info": None,
                "task_instructions": "You are friendly and brief.",
            }
        },
        "evaluation_criteria": {
            "actions": [
                {"action_id": f"{number}_{at}", "name": name, "arguments": dict(arguments)}
                for at, (name, arguments) in enumerate(actions)
            ],
            "communicate_info": tells or [],
        },
    }


def _refund(order_id: str, item_ids: list[str], payment_method_id: str) -> tuple[str, Row]:
    return "refund_items", {
        "order_id": order_id,
        "item_ids": item_ids,
        "payment_method_id": payment_method_id,
    }


def _move(order_id: str, street: str, city: str, postcode: str) -> tuple[str, Row]:
    return "change_address", {
        "order_id": order_id,
        "street": street,
        "city": city,
        "postcode": postcode,
    }


TASKS: Mapping[str, list[dict[str, Any]]] = {
    "train": [
        _task(
            0,
            "C100",
            "You want your money back for the toaster in order A1001, to the card you paid with.",
            _refund("A1001", ["20012"], "credit_card_4411"),
        ),
        _task(
            1,
            "C100",
            "You are moving. Order A1002 should go to 12 Mill Lane, Linz, postcode 4020.",
            _move("A1002", "12 Mill Lane", "Linz", "4020"),
        ),
        _task(2, "C101", "You want a refund for the rain jacket in order A1003; it is too small."),
        _task(
            3,
            "C103",
            "You want a refund for the rug in order A1006 to your gift card, and you want to "
            "know how much you will get.",
            _refund("A1006", ["20062"], "gift_card_6071"),
            tells=["120"],
        ),
        _task(
            4,
            "C103",
            "You need an invoice in your company's name for order A1006.",
            ("transfer_to_human", {"summary": "Needs an invoice in the name of a company."}),
        ),
    ],
    "test": [
        _task(
            5,
            "C101",
            "You want to return the wool hat in order A1003 and get the money on your card.",
            _refund("A1003", ["20042"], "credit_card_5127"),
        ),
        _task(6, "C102", "You want a refund for the blender in order A1004; you never used it."),
        _task(
            7,
            "C100",
            "You want your money back for kettle and toaster of order A1001, on your gift card, "
            "and order A1002 sent to 7 Harbour Road, Wien, postcode 1020. You want to know the "
            "sum of the refund.",
            _refund("A1001", ["20011", "20012"], "gift_card_9020"),
            _move("A1002", "7 Harbour Road", "Wien", "1020"),
            tells=["93.5"],
        ),
        _task(
            8,
            "C102",
            "You want order A1005 delivered to your sister at 3 Park Row, Salzburg, postcode 5020.",
            _move("A1005", "3 Park Row", "Salzburg", "5020"),
        ),
        _task(
            9,
            "C103",
            "You want a refund for the floor lamp, which was in the order paid by gift card.",
            _refund("A1007", ["20063"], "gift_card_6071"),
        ),
    ],
}
