"""τ² retail: its records, as the makers of wishes look at them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.drafts import Domain, Introduction, Subject
from sidecritic.synthesis.wording import Row, enumerated


class RetailRecords(Domain):
    """Users, orders and products."""

    def orders(self, user_id: str, *statuses: str) -> list[Row]:
        """Return the orders of a user in one of the statuses, or all, in the user's order."""
        own = [self.records["orders"][order_id] for order_id in self.user(user_id)["orders"]]
        return [order for order in own if not statuses or order["status"] in statuses]

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
            for v in self.records["products"][item["product_id"]]["variants"].values()
            if v["item_id"] != item["item_id"] and v["available"] is available
        ]
        return sorted(found, key=lambda v: (v["price"], v["item_id"]))

    def order(self, order: Row, rng: Random, about: Sequence[Row] = ()) -> Subject:
        """Return an order as the user names it.

        People know the number, or what else than the items in question was in it, as long as no
        other order holds the same.
        """
        id_ = order["order_id"]
        look = Action("get_order_details", {"order_id": id_})
        telling = self._telling(order, {item["name"] for item in about})
        if telling is None or rng.random() < 0.6:
            return Subject(f"order {id_}", "order_id", id_, (look,))
        own = Action("get_user_details", {"user_id": order["user_id"]})
        words = f"your order with the {plain_name(telling)} in it"
        return Subject(words, "order_id", id_, (own, look))

    def _telling(self, order: Row, about: set[str]) -> str | None:
        """Return the name of an item that no other order of the user holds."""
        others = [each for each in self.orders(order["user_id"]) if each is not order]
        elsewhere = {item["name"] for other in others for item in other["items"]}
        mine = [item["name"] for item in self.single_items(order)]
        return next((name for name in mine if name not in elsewhere | about), None)

    def introduce(self, user_id: str, rng: Random) -> Introduction:
        user = self.user(user_id)
        first, last = user["name"]["first_name"], user["name"]["last_name"]
        zip_ = user["address"]["zip"]
        if rng.random() < 0.5:
            known = f"Your name is {first} {last} and your email address is {user['email']}."
            return Introduction(known, looks=self.introduced(user_id))
        finder = "find_user_id_by_name_zip"
        look = Action(finder, {"first_name": first, "last_name": last, "zip": zip_})
        forgets = "You do not remember your email address."
        return Introduction(
            f"You are {first} {last} and your zip code is {zip_}.", forgets, (look,)
        )

    def introduced(self, user_id: str) -> tuple[Action, ...]:
        return (Action("find_user_id_by_email", {"email": self.user(user_id)["email"]}),)

    def dossier(self, user_id: str) -> dict[str, JsonValue]:
        orders = self.orders(user_id)
        products = {item["product_id"] for order in orders for item in order["items"]}
        return {
            "user": dict(self.user(user_id)),
            "orders": [dict(order) for order in orders],
            "products": {key: dict(self.records["products"][key]) for key in sorted(products)},
        }


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
