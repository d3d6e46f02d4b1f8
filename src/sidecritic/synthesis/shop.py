"""The shop: what customers may ask for and get, and what its rules refuse."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.plans import Action
from sidecritic.synthesis.drafts import ACCEPTS, Introduction, Maker, Wish
from sidecritic.synthesis.retail_records import item_words
from sidecritic.synthesis.wording import Row, amount

FIRST_DAY = "2025-05-16"
"""Of deliveries that may still be refunded: 30 days before the day in the policy."""

_STREETS = ("Station Road", "Hill Street", "Rose Lane", "Market Square", "Bridge Street")
_PLACES = (("Innsbruck", "6020"), ("Villach", "9500"), ("Wels", "4600"), ("Bregenz", "6900"))


class ShopDesk:
    """Customers and orders of the shop."""

    def __init__(self, records: Mapping[str, Mapping[str, Row]]) -> None:
        self._customers = records["customers"]
        self._orders = records["orders"]

    @property
    def users(self) -> tuple[str, ...]:
        return tuple(sorted(self._customers))

    @property
    def makers(self) -> Mapping[str, Maker]:
        return {"refund": self._refund, "change address": self._address}

    @property
    def refusals(self) -> Mapping[str, Maker]:
        return {
            "final sale": self._refused("final sale", _is_final_sale),
            "too late": self._refused("too late", _is_late),
            "refund elsewhere": self._elsewhere,
            "another customer's order": self._foreign,
        }

    def introduce(self, user_id: str, rng: Random) -> Introduction:
        row = self._customers[user_id]
        known = f"Your name is {row['name']} and your e-mail address is {row['email']}."
        return Introduction(known, looks=self.introduced(user_id))

    def introduced(self, user_id: str) -> tuple[Action, ...]:
        return (Action("find_customer", {"email": self._customers[user_id]["email"]}),)

    def dossier(self, user_id: str) -> dict[str, JsonValue]:
        row = self._customers[user_id]
        return {"customer": dict(row), "orders": [dict(self._orders[id]) for id in row["orders"]]}

    def _own(self, user: str) -> list[Row]:
        return [self._orders[order_id] for order_id in self._customers[user]["orders"]]

    def _refund(self, user: str, rng: Random) -> Wish | None:
        orders = [o for o in self._own(user) if _is_open(o) and _refundable(o)]
        if not orders:
            return None
        order = rng.choice(orders)
        items = rng.sample(_refundable(order), rng.randint(1, len(_refundable(order))))
        paid, card = order["payment_method_id"], self._gift_card(user)
        key = rng.choice((paid, card))
        where = "the way you paid" if key == paid else "your gift card"
        asks = rng.random() < 0.4
        wants = " You also want to know how much you get back." if asks else ""
        total = amount(sum(item["price"] for item in items))
        return Wish(
            kind="refund",
            text=f"You want your money back for {item_words(items)} in order {order['order_id']}, "
            f"{'' if key == paid else 'on '}{where}.{wants}",
            touches=order["order_id"],
            looks=(_look(order),),
            writes=(_refund_of(order, items, key),),
            tells=(total,) if asks else (),
        )

    def _gift_card(self, user: str) -> str:
        return next(k for k in self._customers[user]["payment_methods"] if k.startswith("gift"))

    def _address(self, user: str, rng: Random) -> Wish | None:
        orders = [order for order in self._own(user) if order["status"] == "processing"]
        if not orders:
            return None
        order, (city, postcode) = rng.choice(orders), rng.choice(_PLACES)
        street = f"{rng.randrange(1, 99)} {rng.choice(_STREETS)}"
        who = rng.choice(("to your new address", "to your parents' address", "to your office"))
        call: dict[str, JsonValue] = {
            "order_id": order["order_id"],
            "street": street,
            "city": city,
            "postcode": postcode,
        }
        return Wish(
            kind="change address",
            text=f"You want order {order['order_id']} sent {who}: {street}, {city}, postcode "
            f"{postcode}.",
            touches=order["order_id"],
            looks=(_look(order),),
            writes=(Action("change_address", call),),
        )

    def _refused(self, kind: str, is_so: Callable[[Row, Row], bool]) -> Maker:
        """Return the maker of refunds that a rule about the item or the order refuses."""

        def make(user: str, rng: Random) -> Wish | None:
            cases = [(o, i) for o in self._own(user) for i in o["items"] if is_so(o, i)]
            if not cases:
                return None
            order, item = rng.choice(cases)
            why = rng.choice(("you do not like it", "you never used it", "it is not what you need"))
            return Wish(
                kind=kind,
                text=f"You want a refund for {item_words([item])} in order {order['order_id']}, "
                f"the way you paid; {why}.",
                touches=order["order_id"],
                looks=(_look(order),),
                asides=(ACCEPTS,),
                forbidden=_refund_of(order, [item], order["payment_method_id"]),
            )

        return make

    def _elsewhere(self, user: str, rng: Random) -> Wish | None:
        cases = [
            (order, item, key)
            for order in self._own(user)
            if _is_open(order)
            for item in _refundable(order)
            for key in self._customers[user]["payment_methods"]
            if key != order["payment_method_id"] and not key.startswith("gift")
        ]
        if not cases:
            return None
        order, item, key = rng.choice(cases)
        return Wish(
            kind="refund elsewhere",
            text=f"You want a refund for {item_words([item])} in order {order['order_id']}, to "
            f"your card {key} and not the way you paid.",
            touches=order["order_id"],
            looks=(_look(order),),
            asides=("If it cannot go to that card, you keep what you have.", ACCEPTS),
            forbidden=_refund_of(order, [item], key),
        )

    def _foreign(self, user: str, rng: Random) -> Wish | None:
        other = rng.choice([each for each in self.users if each != user])
        orders = [o for o in self._own(other) if _is_open(o) and _refundable(o)]
        if not orders:
            return None
        order = rng.choice(orders)
        item = _refundable(order)[0]
        return Wish(
            kind="another customer's order",
            text=f"You want a refund for {item_words([item])} in order {order['order_id']}, which "
            "your flatmate has placed, to the card it was paid with.",
            touches=order["order_id"],
            looks=(_look(order),),
            asides=("You do not know your flatmate's e-mail address.", ACCEPTS),
            forbidden=_refund_of(order, [item], order["payment_method_id"]),
        )


def _look(order: Row) -> Action:
    return Action("get_order", {"order_id": order["order_id"]})


def _refund_of(order: Row, items: Sequence[Row], key: str) -> Action:
    ids: list[JsonValue] = [item["item_id"] for item in items]
    call: dict[str, JsonValue] = {
        "order_id": order["order_id"],
        "item_ids": ids,
        "payment_method_id": key,
    }
    return Action("refund_items", call)


def _is_open(order: Row) -> bool:
    return order["status"] == "delivered" and order["delivered_on"] >= FIRST_DAY


def _refundable(order: Row) -> list[Row]:
    return [item for item in order["items"] if not item["final_sale"]]


def _is_final_sale(order: Row, item: Row) -> bool:
    return _is_open(order) and item["final_sale"]


def _is_late(order: Row, item: Row) -> bool:
    delivered = order["status"] == "delivered"
    return delivered and order["delivered_on"] < FIRST_DAY and not item["final_sale"]
