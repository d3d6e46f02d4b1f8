"""The parts of a Responses stream have to say what its items say.

Some clients read the deltas, some the end of a part, some the item, some the whole, and all have to
read the same. Servers number items and parts differently, so texts are looked up among those of the
items, and arguments together with the name of the call that they began with.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from sidecritic.dialects.base import Ambiguous, Body
from sidecritic.dialects.sse import numbered
from sidecritic.dialects.strict_json import read_object
from sidecritic.values import object_of, objects_of, text_of

_IN_CONTENT: Mapping[str, str] = MappingProxyType({"output_text": "text", "refusal": "refusal"})
_IN_ITEM: Mapping[str, str] = MappingProxyType(
    {"function_call_arguments": "arguments", "custom_tool_call_input": "input"}
)


class _Place(NamedTuple):
    """An item, by what the server says of it: some omit its number, and some its id."""

    id: str
    number: int


class _Spot(NamedTuple):
    """One text of an answer."""

    item: _Place
    content: int
    """Part of the item; -1 for a field of the item itself."""
    name: str


@dataclass(slots=True)
class Deltas:
    """The texts of a stream, as clients read them that go by its parts."""

    _grown: dict[_Spot, list[str]] = field(default_factory=dict[_Spot, list[str]])
    _ended: list[tuple[_Spot, str]] = field(default_factory=list[tuple[_Spot, str]])
    _opened: dict[_Place, Body] = field(default_factory=dict[_Place, Body])
    """With the item's own id, with that of its call, and without any."""
    _begun: list[Body] = field(default_factory=list[Body])
    _ids: set[str] = field(default_factory=set[str])
    _done: list[int] = field(default_factory=list[int])
    _is_plain: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether numbers and ids tell all items apart, each opened once and done once."""
        return self._is_plain and sorted(self._done) == list(range(len(self._begun)))

    def take(self, event: Body) -> None:
        """Read an event.

        Raises:
            Ambiguous: it has output that belongs into later events, or an invalid index.
        """
        _, _, rest = text_of(event, "type").partition("response.")
        what, _, step = rest.rpartition(".")
        if rest in ("created", "in_progress", "queued"):
            if object_of(event, "response").get("output"):
                raise Ambiguous("the stream begins with output that has no item")
        elif what == "output_item":
            (self._open if step == "added" else self._close)(event, object_of(event, "item"))
        elif what == "content_part":
            self._part(event, step)
        elif what in _IN_CONTENT or what in _IN_ITEM:
            name = _IN_CONTENT.get(what) or _IN_ITEM[what]
            spot = self._spot(event, name, in_item=what in _IN_ITEM)
            if step == "delta":
                self._grown.setdefault(spot, []).append(text_of(event, "delta"))
            elif step == "done":
                self._ended.append((spot, text_of(event, name)))

    def require_agree(self, items: Sequence[Body]) -> None:
        """Check the parts against the items.

        Raises:
            Ambiguous: they say what no item says.
        """
        said = _Said.of(items)
        told = [(spot, "".join(pieces)) for spot, pieces in self._grown.items()]
        for spot, text in (*told, *self._ended):
            if not said.holds(spot, text, self._name(spot.item)):
                raise Ambiguous("the parts of the stream contradict its items")
        ended = {(text_of(item, "type"), text_of(item, "name")) for item in items}
        for opened in self._begun:
            if (text_of(opened, "type"), text_of(opened, "name")) not in ended:
                raise Ambiguous("an item of the stream ends as another one than it began")

    def _name(self, place: _Place) -> str | None:
        """Return the name of the call that a place was opened for, if that can be told."""
        opened = self._opened.get(place) or self._opened.get(_Place("", place.number), {})
        return text_of(opened, "name") or None

    def _open(self, event: Body, item: Body) -> None:
        number = numbered(event, "output_index")
        ids = [id for id in (text_of(item, "id"), text_of(item, "call_id")) if id]
        self._is_plain = self._is_plain and number == len(self._begun) and self._ids.isdisjoint(ids)
        self._begun.append(item)
        self._ids.update(ids)
        for place in (_Place(id, number) for id in ("", *ids)):
            # A number that two items share identifies neither.
            self._opened[place] = {} if place in self._opened else item
        place = _Place(ids[0] if ids else "", number)
        for name in _IN_ITEM.values():
            self._begin(_Spot(place, -1, name), text_of(item, name))
        for at, part in enumerate(objects_of(item, "content")):
            for name in _IN_CONTENT.values():
                self._begin(_Spot(place, at, name), text_of(part, name))

    def _close(self, event: Body, item: Body) -> None:
        begun = self._known(event, text_of(item, "id"))
        if any(begun.get(key) != item.get(key) for key in ("type", "name", "call_id")):
            self._is_plain = False
        self._done.append(numbered(event, "output_index"))

    def _known(self, event: Body, id: str) -> Body:
        """Return the item that has both the number of an event and this id."""
        at = numbered(event, "output_index")
        begun = self._begun[at] if at < len(self._begun) else {}
        self._is_plain = self._is_plain and id != "" and text_of(begun, "id") == id
        return begun

    def _spot(self, event: Body, name: str, *, in_item: bool) -> _Spot:
        id = text_of(event, "item_id")
        self._known(event, id)
        place = _Place(id, numbered(event, "output_index"))
        return _Spot(place, -1 if in_item else numbered(event, "content_index"), name)

    def _part(self, event: Body, step: str) -> None:
        part = object_of(event, "part")
        name = _IN_CONTENT.get(text_of(part, "type"))
        if name is not None and step == "done":
            self._ended.append((self._spot(event, name, in_item=False), text_of(part, name)))
        elif name is not None:
            self._begin(self._spot(event, name, in_item=False), text_of(part, name))

    def _begin(self, spot: _Spot, text: str) -> None:
        if text:
            self._grown.setdefault(spot, []).append(text)


@dataclass(slots=True)
class _Said:
    """What the items say, by field; fields of a call by its name as well."""

    texts: set[tuple[str, str | None, str]]

    @staticmethod
    def of(items: Iterable[Body]) -> "_Said":
        texts: set[tuple[str, str | None, str]] = set()
        for item in items:
            for part in objects_of(item, "content"):
                texts.update((name, None, text_of(part, name)) for name in _IN_CONTENT.values())
            for name in _IN_ITEM.values():
                for text in _writings(text_of(item, name)):
                    texts.update({(name, None, text), (name, text_of(item, "name"), text)})
        return _Said(texts)

    def holds(self, spot: _Spot, text: str, call: str | None) -> bool:
        """Whether an item says this; of a field of a call, whether a call of that name does."""
        if spot.content >= 0:
            return (spot.name, None, text) in self.texts
        return any((spot.name, call, written) in self.texts for written in _writings(text))


def _writings(text: str) -> Iterator[str]:
    """Walk over a text and, for arguments that all parsers read alike, their canonical form."""
    yield text
    read, repeats = read_object(text.encode(errors="replace"))
    if read is not None and not repeats:
        yield json.dumps(read, sort_keys=True)
