"""The digest chain of released turns: history that never happened cannot pass as history.

    link 0 ── HMAC(key, tenant, link 0, messages, turn 1) ── link 1 ── ...

A link covers the link before it, what was said since, and the turn that was released. A
client that inserts, drops or edits a turn, or what lies between two turns, comes with a chain
whose last link nobody knows. What follows the last turn is new and is not covered.
"""

import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import JsonValue

from sidecritic.gateway.decisions import canonical, substance
from sidecritic.types import Assistant, Message

_MEMORY = 50_000
"""Links that are known without asking the database."""


@dataclass
class Chain:
    """Makes links, and remembers the latest."""

    key: bytes = field(repr=False)
    is_private: bool = False
    """Whether the key was made for this process, so that no other can have made a link with it."""
    has_forgotten: bool = False
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None], repr=False)

    def head(self, tenant: str, history: Sequence[Message]) -> tuple[str, list[JsonValue]]:
        """Return the last link of a history, empty without a turn, and what was said since."""
        link, since = "", list[JsonValue]()
        for message in history:
            if isinstance(message, Assistant):
                link, since = self._link(tenant, link, since, message), []
            else:
                since.append([message.role, message.text])
        return link, since

    def next(self, tenant: str, head: tuple[str, list[JsonValue]], turn: Assistant) -> str:
        """Return the link of a turn that is released after a history."""
        link, since = head
        return self._link(tenant, link, since, turn)

    def remember(self, link: str) -> None:
        self._known[link] = None
        if len(self._known) > _MEMORY:
            self._known.popitem(last=False)
            self.has_forgotten = True

    def is_remembered(self, link: str) -> bool:
        return link in self._known

    @property
    def remembers_all(self) -> bool:
        """Whether a link that is not remembered was never made."""
        return self.is_private and not self.has_forgotten

    def _link(self, tenant: str, before: str, since: list[JsonValue], turn: Assistant) -> str:
        said = canonical([tenant, before, since, substance(turn)])
        return hmac.new(self.key, said, sha256).hexdigest()
