"""Which customers a task is about, by the names, addresses and records that its text mentions."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Customer:
    """A user of a domain, and what identifies them in a text."""

    id: str
    name: str
    email: str
    zip: str = ""
    records: tuple[str, ...] = ()
    """Ids of their orders or reservations."""


_WORD = re.compile(r"#?\w[\w@.+-]*\w")


class Customers:
    """All users of a domain."""

    def __init__(self, customers: Iterable[Customer]) -> None:
        self._customers = tuple(customers)

    def named_in(self, data: Mapping[str, JsonValue]) -> frozenset[str]:
        """Return the ids of the users that a task is about.

        An id, an e-mail address, a name with the zip code and the id of a record each tell who
        it is. A name alone counts where a task has nothing else.
        """
        text = json.dumps(data, ensure_ascii=False)
        words = set(_WORD.findall(text))
        found = {self._by_mark[word] for word in words & self._by_mark.keys()}
        named = [c for c in self._customers if _names(c, text)]
        found |= {c.id for c in named if c.zip and c.zip in words}
        return frozenset(found or {c.id for c in named})

    @cached_property
    def _by_mark(self) -> Mapping[str, str]:
        """Return which customer each identifier belongs to."""
        marks: dict[str, str] = {}
        for customer in self._customers:
            marks |= dict.fromkeys((customer.id, customer.email, *customer.records), customer.id)
            # People leave the `#` of an order out.
            marks |= {record.lstrip("#"): customer.id for record in customer.records}
        return marks


def _names(customer: Customer, text: str) -> bool:
    """Whether first and last name stand in the text, together or as two arguments of a call."""
    if customer.name in text:
        return True
    first, _, last = customer.name.partition(" ")
    return f'"first_name": "{first}", "last_name": "{last}"' in text
