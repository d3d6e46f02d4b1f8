"""τ² retail: what users may ask for and get."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.drafts import Maker, NoWish, Subject, Wish, picked
from sidecritic.synthesis.places import place
from sidecritic.synthesis.retail_records import changed_words, item_words, options, plain_name
from sidecritic.synthesis.retail_refusals import RetailRefusals
from sidecritic.synthesis.wording import Row, amount, enumerated


class Retail(RetailRefusals):
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

    def _cancel(self, user: str, rng: Random) -> Wish:
        order = picked(rng, self.orders(user, "pending"))
        it = self.order(order, rng)
        reason, words = rng.choice(
            (
                ("no longer needed", "you no longer need it"),
                ("ordered by mistake", "you ordered it by mistake"),
            )
        )
        wish = it.wish(
            f"You want to cancel {it.words}, because {words}.",
            "cancel_pending_order",
            {"reason": reason},
        )
        if rng.random() >= 0.3:
            return wish
        text = f"{wish.text} You also want to know how much money you get back in total."
        return replace(wish, text=text, tells=(amount(self.total(order)),))

    def _modify_items(self, user: str, rng: Random) -> Wish:
        order = picked(rng, self.orders(user, "pending"))
        return self._swap(user, rng, order, "modify_pending_order_items", "swap")

    def _exchange(self, user: str, rng: Random) -> Wish:
        order = picked(rng, self.orders(user, "delivered"))
        return self._swap(user, rng, order, "exchange_delivered_order_items", "exchange")

    def _swap(self, user: str, rng: Random, order: Row, tool: str, verb: str) -> Wish:
        """Change items of a pending order, or exchange those of a delivered one."""
        candidates = [i for i in self.single_items(order) if self.variants(i)]
        items = rng.sample(candidates, min(len(candidates), rng.choice((1, 1, 2))))
        if not items:
            raise NoWish
        pairs = [(item, *self._wanted(item, rng)) for item in items]
        it = self.order(order, rng, items)
        paying = rng.choice(sorted(self.methods(user)))
        changes = enumerated([f"the {plain_name(i['name'])} {words}" for i, _, words in pairs])
        some = len(items) < len(order["items"])
        return it.wish(
            f"In {it.words}, you want to {verb} {changes}. For any difference in price you use "
            f"{self.way(user, paying)}.",
            tool,
            {
                "item_ids": [item["item_id"] for item in items],
                "new_item_ids": [variant["item_id"] for _, variant, _ in pairs],
                "payment_method_id": paying,
            },
            looks=tuple(
                Action("get_product_details", {"product_id": item["product_id"]}) for item in items
            ),
            asides=(f"Nothing else in {it.words} changes.",) if some else (),
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

    def _modify_payment(self, user: str, rng: Random) -> Wish:
        order = picked(rng, self.orders(user, "pending"))
        total = self.total(order)
        able = [
            key
            for key, row in sorted(self.methods(user).items())
            if key != self.paid_with(order) and row.get("balance", total) >= total
        ]
        key = picked(rng, able)
        return self.paying(self.order(order, rng), user, key)

    def _order_address(self, user: str, rng: Random) -> Wish:
        it = self.order(picked(rng, self.orders(user, "pending")), rng)
        new = place(rng)
        wish = it.wish(
            f"You want {it.words} to be sent to another address: {new.text}.",
            "modify_pending_order_address",
            new._asdict(),
            asides=(f"Only {it.words} goes there; the address in your profile stays as it is.",),
        )
        return replace(wish, topic="address")

    def _user_address(self, user: str, rng: Random) -> Wish:
        new = place(rng)
        look = Action("get_user_details", {"user_id": user})
        wish = Subject("your profile", "user_id", user, (look,)).wish(
            f"You have moved and want the address in your profile changed to {new.text}.",
            "modify_user_address",
            new._asdict(),
            asides=("The addresses of orders that you have placed stay as they are.",),
        )
        return replace(wish, topic="address")

    def _return(self, user: str, rng: Random) -> Wish:
        order = picked(rng, self.orders(user, "delivered"))
        single = self.single_items(order)
        whole = rng.random() < 0.2
        number = rng.choice((1, 1, 2, 3))
        items = order["items"] if whole else rng.sample(single, min(len(single), number))
        if not items:
            raise NoWish
        methods, paid = self.methods(user), self.paid_with(order)
        cards = [k for k, row in sorted(methods.items()) if row["source"] == "gift_card"]
        key = rng.choice([paid, *(card for card in cards if card != paid)])
        it = self.order(order, rng, () if whole else items)
        what = f"everything in {it.words}" if whole else f"{item_words(items)} from {it.words}"
        wish = it.wish(
            f"You want to return {what} and have the money refunded to {self.way(user, key)}.",
            "return_delivered_order_items",
            {"item_ids": [item["item_id"] for item in items], "payment_method_id": key},
        )
        if rng.random() >= 0.4:
            return wish
        text = f"{wish.text} You also want to know how much money you get back."
        return replace(wish, text=text, tells=(amount(sum(item["price"] for item in items)),))


def _distance(item: Row, variant: Row) -> int:
    old, new = options(item), options(variant)
    return sum(new[name] != old.get(name) for name in new)
