"""The shop: what customers may ask for and get, and what its rules refuse."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.drafts import Domain, Introduction, Maker, Subject, Wish, picked
from sidecritic.synthesis.retail_records import item_words
from sidecritic.synthesis.wording import Row, amount

FIRST_DAY = "2025-05-16"
"""Of deliveries that may still be refunded: 30 days before the day in the policy."""

_STREETS = ("Station Road", "Hill Street", "Rose Lane", "Market Square", "Bridge Street")
_PLACES = (("Innsbruck", "6020"), ("Villach", "9500"), ("Wels", "4600"), ("Bregenz", "6900"))


class ShopDesk(Domain):
    """Customers and orders of the shop."""

    people = "customers"

    @property
    def makers(self) -> Mapping[str, Maker]:
        return {"refund": self._refund, "change address": self._address}

    @property
    def refusals(self) -> Mapping[str, Maker]:
        return {
            "final sale": partial(self._against_a_rule, _is_final_sale),
            "too late": partial(self._against_a_rule, _is_late),
            "refund elsewhere": self._elsewhere,
            "another customer's order": self._foreign,
        }

    def introduce(self, user_id: str, rng: Random) -> Introduction:
        row = self.user(user_id)
        known = f"Your name is {row['name']} and your e-mail address is {row['email']}."
        return Introduction(known, looks=self.introduced(user_id))

    def introduced(self, user_id: str) -> tuple[Action, ...]:
        return (Action("find_customer", {"email": self.user(user_id)["email"]}),)

    def dossier(self, user_id: str) -> dict[str, JsonValue]:
        orders: list[JsonValue] = [dict(order) for order in self._own(user_id)]
        return {"customer": dict(self.user(user_id)), "orders": orders}

    def _own(self, user: str) -> list[Row]:
        return [self.records["orders"][order_id] for order_id in self.user(user)["orders"]]

    def _refund(self, user: str, rng: Random) -> Wish:
        order = picked(rng, [o for o in self._own(user) if _is_open(o) and _refundable(o)])
        items = rng.sample(_refundable(order), rng.randint(1, len(_refundable(order))))
        paid = order["payment_method_id"]
        card = next(key for key in self.methods(user) if key.startswith("gift"))
        key = rng.choice((paid, card))
        where = "the way you paid" if key == paid else "on your gift card"
        wish = _refund_of(
            order,
            items,
            key,
            f"You want your money back for {item_words(items)} in order {order['order_id']}, "
            f"{where}.",
        )
        if rng.random() >= 0.4:
            return wish
        text = f"{wish.text} You also want to know how much you get back."
        return replace(wish, text=text, tells=(amount(sum(item["price"] for item in items)),))

    def _address(self, user: str, rng: Random) -> Wish:
        order = picked(rng, [order for order in self._own(user) if order["status"] == "processing"])
        city, postcode = rng.choice(_PLACES)
        street = f"{rng.randrange(1, 99)} {rng.choice(_STREETS)}"
        who = rng.choice(("to your new address", "to your parents' address", "to your office"))
        return _subject(order).wish(
            f"You want order {order['order_id']} sent {who}: {street}, {city}, postcode "
            f"{postcode}.",
            "change_address",
            {"street": street, "city": city, "postcode": postcode},
        )

    def _against_a_rule(self, is_so: Callable[[Row, Row], bool], user: str, rng: Random) -> Wish:
        """Ask for a refund that a rule about the item or the order refuses."""
        order, item = picked(
            rng, [(o, i) for o in self._own(user) for i in o["items"] if is_so(o, i)]
        )
        why = rng.choice(("you do not like it", "you never used it", "it is not what you need"))
        return _refund_of(
            order,
            [item],
            order["payment_method_id"],
            f"You want a refund for {item_words([item])} in order {order['order_id']}, the way "
            f"you paid; {why}.",
        )

    def _elsewhere(self, user: str, rng: Random) -> Wish:
        cases = [
            (order, item, key)
            for order in self._own(user)
            if _is_open(order)
            for item in _refundable(order)
            for key in self.methods(user)
            if key != order["payment_method_id"] and not key.startswith("gift")
        ]
        order, item, key = picked(rng, cases)
        return _refund_of(
            order,
            [item],
            key,
            f"You want a refund for {item_words([item])} in order {order['order_id']}, to your "
            f"card {key} and not the way you paid.",
            "If it cannot go to that card, you keep what you have.",
        )

    def _foreign(self, user: str, rng: Random) -> Wish:
        other = rng.choice([each for each in self.users if each != user])
        order = picked(rng, [o for o in self._own(other) if _is_open(o) and _refundable(o)])
        item = _refundable(order)[0]
        return _refund_of(
            order,
            [item],
            order["payment_method_id"],
            f"You want a refund for {item_words([item])} in order {order['order_id']}, which your "
            "flatmate has placed, to the card it was paid with.",
            "You do not know your flatmate's e-mail address.",
        )


def _subject(order: Row) -> Subject:
    id_ = order["order_id"]
    return Subject(f"order {id_}", "order_id", id_, (Action("get_order", {"order_id": id_}),))


def _refund_of(order: Row, items: Sequence[Row], key: str, text: str, *asides: str) -> Wish:
    ids: list[JsonValue] = [item["item_id"] for item in items]
    call: dict[str, JsonValue] = {"item_ids": ids, "payment_method_id": key}
    return _subject(order).wish(text, "refund_items", call, asides=asides)


def _is_open(order: Row) -> bool:
    return order["status"] == "delivered" and order["delivered_on"] >= FIRST_DAY


def _refundable(order: Row) -> list[Row]:
    return [item for item in order["items"] if not item["final_sale"]]


def _is_final_sale(order: Row, item: Row) -> bool:
    return _is_open(order) and item["final_sale"]


def _is_late(order: Row, item: Row) -> bool:
    delivered = order["status"] == "delivered"
    return delivered and order["delivered_on"] < FIRST_DAY and not item["final_sale"]
