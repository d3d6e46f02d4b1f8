"""The digest chain of released turns: history that never happened cannot pass as history.

    link 0 ── HMAC(key, tenant, link 0, messages, turn 1) ── link 1 ── ...

A link covers the link before it, what was said since, and the turn that was released. Clients
choose ids, so a result is covered with the place of the call that it answers. If a client
inserts, drops or edits a turn, or what lies between two turns, the last link of its chain is
unknown. What follows the last turn is new and is not covered.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from sidecritic.dialects.parts import substance
from sidecritic.gateway.store.decisions import canonical
from sidecritic.types import Assistant, Message, ToolResult

_SLOTS = 2**18
"""Links that are remembered: four megabytes, however many there were."""
_KEPT = 16
"""Bytes of a link that are remembered: enough, and a third of the memory of its text."""
_NONE = bytes(_KEPT)
MEMORY = _SLOTS * _KEPT + 1
"""Bytes of what is remembered; the last one says whether anything was forgotten."""


class Memory(Protocol):
    """Bytes that are this process's own, or that several workers share."""

    def __getitem__(self, at: slice, /) -> bytes | bytearray: ...

    def __setitem__(self, at: slice, kept: bytes, /) -> None: ...


@dataclass
class HistoryDigest:
    """Computes links, and remembers the latest."""

    key: bytes = field(repr=False)
    is_private: bool = False
    """Whether only those who share the memory have the key, so that no other can have made a link
    with it."""
    memory: Memory = field(default_factory=lambda: bytearray(MEMORY), repr=False)

    def __post_init__(self) -> None:
        # Copied for each link: `hmac.digest` releases the interpreter's lock every time, and
        # under load another thread keeps it for milliseconds.
        self._keyed = hmac.new(self.key, digestmod="sha256")

    def head(self, tenant: str, history: Sequence[Message]) -> tuple[str, list[JsonValue]]:
        """Return the last link of a history, empty without a turn, and what was said since."""
        link, since = "", list[JsonValue]()
        calls = _Calls()
        for message in history:
            if isinstance(message, Assistant):
                link, since = self._link(tenant, link, since, message), []
            elif isinstance(message, ToolResult):
                since.append([message.role, calls.answered_by(message), message.text])
            else:
                since.append([message.role, message.text])
            calls.hear(message)
        return link, since

    def next(self, tenant: str, head: tuple[str, list[JsonValue]], turn: Assistant) -> str:
        """Return the link of a turn that is released after a history."""
        link, since = head
        return self._link(tenant, link, since, turn)

    def remember(self, link: str) -> None:
        kept, at = _placed(link)
        before = bytes(self.memory[at : at + _KEPT])
        if before not in (_NONE, kept):
            self.memory[MEMORY - 1 : MEMORY] = b"\1"
        self.memory[at : at + _KEPT] = kept

    def is_remembered(self, link: str) -> bool:
        kept, at = _placed(link)
        return bytes(self.memory[at : at + _KEPT]) == kept

    @property
    def has_forgotten(self) -> bool:
        """Whether a link has taken the slot of another."""
        return bytes(self.memory[MEMORY - 1 : MEMORY]) != b"\0"

    @property
    def remembers_all(self) -> bool:
        """Whether a link that is not remembered was never made."""
        return self.is_private and not self.has_forgotten

    def _link(self, tenant: str, before: str, since: list[JsonValue], turn: Assistant) -> str:
        said = canonical([tenant, before, since, substance(turn)])
        made = self._keyed.copy()
        made.update(said)
        return made.hexdigest()


def _placed(link: str) -> tuple[bytes, int]:
    """Return what is remembered of a link, and where; digests spread evenly."""
    kept = bytes.fromhex(link)[:_KEPT]
    return kept, int.from_bytes(kept[:4]) % _SLOTS * _KEPT


def answers_nothing(history: Sequence[Message]) -> bool:
    """Whether a result stands in a history that answers no call of the turn before it."""
    calls = _Calls()
    for message in history:
        if isinstance(message, ToolResult) and calls.answered_by(message) < 0:
            return True
        calls.hear(message)
    return False


@dataclass(slots=True)
class _Calls:
    """The calls that results may answer: those of the latest turn, however it is split."""

    places: dict[str, int] = field(default_factory=dict[str, int])
    is_open: bool = False
    """Whether nothing else has been said since."""

    def hear(self, message: Message) -> None:
        is_turn = isinstance(message, Assistant)
        if is_turn:
            if not self.is_open:
                self.places = {}
            for call in message.calls:
                self.places[call.id] = len(self.places)
        self.is_open = is_turn

    def answered_by(self, result: ToolResult) -> int:
        """Return the place of the call that a result answers; -1 when there is none."""
        return self.places.get(result.call_id, -1)
