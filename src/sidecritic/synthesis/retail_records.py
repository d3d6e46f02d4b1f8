"""τ² retail: its records, as the makers of wishes look at them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.plans import Action
from sidecritic.synthesis.drafts import Introduction
from sidecritic.synthesis.wording import Row, enumerated


class RetailRecords:
    """Users, orders and products."""

    def __init__(self, records: Mapping[str, Mapping[str, Row]]) -> None:
        self._users = records["users"]
        self._orders = records["orders"]
        self._products = records["products"]

    @property
    def users(self) -> tuple[str, ...]:
        return tuple(sorted(self._users))

    def user(self, user_id: str) -> Row:
        return self._users[user_id]

    def orders(self, user_id: str, status: str) -> list[Row]:
        """Return the orders of a user in that status, in the user's order."""
        own = (self._orders[order_id] for order_id in self._users[user_id]["orders"])
        return [order for order in own if order["status"] == status]

    def methods(self, user_id: str) -> Mapping[str, Row]:
        return self._users[user_id]["payment_methods"]

    def paid_with(self, order: Row) -> str:
        return str(order["payment_history"][0]["payment_method_id"])

    def total(self, order: Row) -> float:
        return float(order["payment_history"][0]["amount"])

    def single_items(self, order: Row) -> list[Row]:
        """Return the items that a name tells apart: the order holds no other of the product."""
        count = Counter(item["name"] for item in order["items"])
        return [item for item in order["items"] if count[item["name"]] == 1]

    def variants(self, item: Row, *, available: bool = True) -> list[Row]:
        """Return the other variants of an item's product, cheapest first."""
        found = [
            v
            for v in self._products[item["product_id"]]["variants"].values()
            if v["item_id"] != item["item_id"] and v["available"] is available
        ]
        return sorted(found, key=lambda v: (v["price"], v["item_id"]))

    def order_words(
        self, order: Row, rng: Random, about: Sequence[Row] = ()
    ) -> tuple[str, tuple[Action, ...]]:
        """Return how the user names an order, and the look-ups that this makes necessary.

        People know the number, or what else than the items in question was in it, as long as no
        other order holds the same.
        """
        look = Action("get_order_details", {"order_id": order["order_id"]})
        telling = self._telling(order, {item["name"] for item in about})
        if telling is None or rng.random() < 0.6:
            return f"order {order['order_id']}", (look,)
        own = Action("get_user_details", {"user_id": order["user_id"]})
        return f"your order with the {plain_name(telling)} in it", (own, look)

    def _telling(self, order: Row, about: set[str]) -> str | None:
        """Return the name of an item that no other order of the user holds."""
        others = {
            item["name"]
            for order_id in self._users[order["user_id"]]["orders"]
            if order_id != order["order_id"]
            for item in self._orders[order_id]["items"]
        }
        mine = [item["name"] for item in self.single_items(order)]
        return next((name for name in mine if name not in others | about), None)

    def introduce(self, user_id: str, rng: Random) -> Introduction:
        user = self._users[user_id]
        first, last = user["name"]["first_name"], user["name"]["last_name"]
        zip_ = user["address"]["zip"]
        if rng.random() < 0.5:
            known = f"Your name is {first} {last} and your email address is {user['email']}."
            return Introduction(known, looks=(by_email(user),))
        finder = "find_user_id_by_name_zip"
        look = Action(finder, {"first_name": first, "last_name": last, "zip": zip_})
        forgets = "You do not remember your email address."
        return Introduction(
            f"You are {first} {last} and your zip code is {zip_}.", forgets, (look,)
        )

    def introduced(self, user_id: str) -> tuple[Action, ...]:
        return (by_email(self._users[user_id]),)

    def dossier(self, user_id: str) -> dict[str, JsonValue]:
        user = self._users[user_id]
        orders = [self._orders[order_id] for order_id in user["orders"]]
        products = {item["product_id"] for order in orders for item in order["items"]}
        return {
            "user": dict(user),
            "orders": [dict(order) for order in orders],
            "products": {key: dict(self._products[key]) for key in sorted(products)},
        }


def by_email(user: Row) -> Action:
    return Action("find_user_id_by_email", {"email": user["email"]})


def item_words(items: Sequence[Row]) -> str:
    """Return `the kettle and the fan`."""
    return enumerated([f"the {plain_name(item['name'])}" for item in items])


def plain_name(name: str) -> str:
    """Return `Water Bottle` as people write it; abbreviations keep their capitals."""
    return " ".join(word.lower() if word[1:].islower() else word for word in name.split())


def options(row: Row) -> Mapping[str, str]:
    return row["options"]


def changed_words(item: Row, variant: Row) -> str:
    """Return the options in which a variant differs: `color black and size M`."""
    old, new = options(item), options(variant)
    changed = [name for name in new if new[name] != old.get(name)]
    return enumerated([f"no {n}" if new[n] == "none" else f"{n} {new[n]}" for n in changed])
