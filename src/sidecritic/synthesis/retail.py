"""τ² retail: what users may ask for and get."""

from collections.abc import Mapping, Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.plans import Action
from sidecritic.synthesis.drafts import Maker, Wish
from sidecritic.synthesis.places import place
from sidecritic.synthesis.retail_records import (
    RetailRecords,
    changed_words,
    item_words,
    options,
    plain_name,
)
from sidecritic.synthesis.retail_refusals import Refusals
from sidecritic.synthesis.wording import Row, amount, enumerated, method


class Retail(RetailRecords):
    """The desk of the retail store."""

    @property
    def makers(self) -> Mapping[str, Maker]:
        return {
            "cancel order": self._cancel,
            "modify items": self._modify_items,
            "modify payment": self._modify_payment,
            "modify order address": self._order_address,
            "modify user address": self._user_address,
            "return": self._return,
            "exchange": self._exchange,
        }

    @property
    def refusals(self) -> Mapping[str, Maker]:
        return Refusals(self).makers

    def _cancel(self, user: str, rng: Random) -> Wish | None:
        order = _any(self.orders(user, "pending"), rng)
        if order is None:
            return None
        named, looks = self.order_words(order, rng)
        reason, words = rng.choice(
            (
                ("no longer needed", "you no longer need it"),
                ("ordered by mistake", "you ordered it by mistake"),
            )
        )
        asks = rng.random() < 0.3
        total = amount(self.total(order))
        wants = " You also want to know how much money you get back in total." if asks else ""
        call = Action("cancel_pending_order", {"order_id": order["order_id"], "reason": reason})
        return Wish(
            kind="cancel order",
            text=f"You want to cancel {named}, because {words}.{wants}",
            touches=order["order_id"],
            looks=looks,
            writes=(call,),
            tells=(total,) if asks else (),
        )

    def _modify_items(self, user: str, rng: Random) -> Wish | None:
        return self._swap(user, rng, "modify items")

    def _exchange(self, user: str, rng: Random) -> Wish | None:
        return self._swap(user, rng, "exchange")

    def _swap(self, user: str, rng: Random, kind: str) -> Wish | None:
        """Change items of a pending order, or exchange those of a delivered one."""
        status, tool, verb = _SWAPS[kind]
        order = _any(self.orders(user, status), rng)
        if order is None:
            return None
        candidates = [i for i in self.single_items(order) if self.variants(i)]
        items = rng.sample(candidates, min(len(candidates), rng.choice((1, 1, 2))))
        if not items:
            return None
        pairs = [(item, *self._wanted(item, rng)) for item in items]
        named, looks = self.order_words(order, rng, items)
        paying = rng.choice(sorted(self.methods(user)))
        way = method(self.methods(user)[paying], self.methods(user))
        products = tuple(
            Action("get_product_details", {"product_id": item["product_id"]}) for item in items
        )
        changes = enumerated([f"the {plain_name(i['name'])} {words}" for i, _, words in pairs])
        return Wish(
            kind=kind,
            text=f"In {named}, you want to {verb} {changes}. For any difference in price you use "
            f"{way}.",
            touches=order["order_id"],
            looks=(*looks, *products),
            writes=(
                Action(
                    tool,
                    {
                        "order_id": order["order_id"],
                        "item_ids": [item["item_id"] for item, _, _ in pairs],
                        "new_item_ids": [variant["item_id"] for _, variant, _ in pairs],
                        "payment_method_id": paying,
                    },
                ),
            ),
            asides=(f"Nothing else in {named} changes.",)
            if len(items) < len(order["items"])
            else (),
        )

    def _wanted(self, item: Row, rng: Random) -> tuple[Row, str]:
        """Return another variant of an item's product, and words that no other one fits."""
        others = self.variants(item)
        cheapest = others[0]
        if len(others) > 2 and others[1]["price"] > cheapest["price"] and rng.random() < 0.25:
            return cheapest, "for the cheapest other version that is available"
        # People change one thing, rarely everything.
        near = sorted(others, key=lambda v: (_distance(item, v), v["item_id"]))
        variant = rng.choice(near[:2])
        same = len(options(variant)) - _distance(item, variant)
        rest = " but otherwise the same" if same else ""
        return variant, f"for the version with {changed_words(item, variant)}{rest}"

    def _modify_payment(self, user: str, rng: Random) -> Wish | None:
        methods = self.methods(user)
        order = _any(self.orders(user, "pending"), rng)
        if order is None:
            return None
        total = self.total(order)
        able = [
            key
            for key, row in sorted(methods.items())
            if key != self.paid_with(order) and row.get("balance", total) >= total
        ]
        if not able:
            return None
        key = rng.choice(able)
        named, looks = self.order_words(order, rng)
        call: dict[str, JsonValue] = {"order_id": order["order_id"], "payment_method_id": key}
        return Wish(
            kind="modify payment",
            text=f"You want to pay for {named} with {method(methods[key], methods)} instead.",
            touches=order["order_id"],
            looks=looks,
            writes=(Action("modify_pending_order_payment", call),),
        )

    def _order_address(self, user: str, rng: Random) -> Wish | None:
        order = _any(self.orders(user, "pending"), rng)
        if order is None:
            return None
        named, looks = self.order_words(order, rng)
        new = place(rng)
        call = Action(
            "modify_pending_order_address", {"order_id": order["order_id"], **new.arguments}
        )
        return Wish(
            kind="modify order address",
            topic="address",
            text=f"You want {named} to be sent to another address: {new.text}.",
            touches=order["order_id"],
            looks=looks,
            writes=(call,),
            asides=(f"Only {named} goes there; the address in your profile stays as it is.",),
        )

    def _user_address(self, user: str, rng: Random) -> Wish | None:
        new = place(rng)
        return Wish(
            kind="modify user address",
            topic="address",
            text=f"You have moved and want the address in your profile changed to {new.text}.",
            touches=user,
            looks=(Action("get_user_details", {"user_id": user}),),
            writes=(Action("modify_user_address", {"user_id": user, **new.arguments}),),
            asides=("The addresses of orders that you have placed stay as they are.",),
        )

    def _return(self, user: str, rng: Random) -> Wish | None:
        order = _any(self.orders(user, "delivered"), rng)
        if order is None:
            return None
        single = self.single_items(order)
        whole = rng.random() < 0.2
        number = rng.choice((1, 1, 2, 3))
        items = order["items"] if whole else rng.sample(single, min(len(single), number))
        if not items:
            return None
        methods, paid = self.methods(user), self.paid_with(order)
        cards = [k for k, row in sorted(methods.items()) if row["source"] == "gift_card"]
        key = rng.choice([paid, *(card for card in cards if card != paid)])
        named, looks = self.order_words(order, rng, () if whole else items)
        what = f"everything in {named}" if whole else f"{item_words(items)} from {named}"
        asks = rng.random() < 0.4
        price = amount(sum(item["price"] for item in items))
        wants = " You also want to know how much money you get back." if asks else ""
        call: dict[str, JsonValue] = {
            "order_id": order["order_id"],
            "item_ids": [item["item_id"] for item in items],
            "payment_method_id": key,
        }
        return Wish(
            kind="return",
            text=f"You want to return {what} and have the money refunded to "
            f"{method(methods[key], methods)}.{wants}",
            touches=order["order_id"],
            looks=looks,
            writes=(Action("return_delivered_order_items", call),),
            tells=(price,) if asks else (),
        )


_SWAPS: Mapping[str, tuple[str, str, str]] = {
    "modify items": ("pending", "modify_pending_order_items", "swap"),
    "exchange": ("delivered", "exchange_delivered_order_items", "exchange"),
}


def _any(rows: Sequence[Row], rng: Random) -> Row | None:
    return rng.choice(rows) if rows else None


def _distance(item: Row, variant: Row) -> int:
    old, new = options(item), options(variant)
    return sum(new[name] != old.get(name) for name in new)
