"""What the parts of a Responses stream say has to be what its items say.

Some clients print the deltas as they come, some wait for the end of a part, some for the item, some
for the whole. All of them have to be told the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from sidecritic.gateway.dialects.base import Body, StreamFailed
from sidecritic.gateway.dialects.sse import numbered
from sidecritic.models.parsing import parse_object
from sidecritic.policies.values import object_of, objects_of, text_of

_IN_CONTENT: Mapping[str, str] = MappingProxyType({"output_text": "text", "refusal": "refusal"})
_IN_ITEM: Mapping[str, str] = MappingProxyType(
    {"function_call_arguments": "arguments", "custom_tool_call_input": "input"}
)


class _Spot(NamedTuple):
    """One text of an answer."""

    item: int
    content: int
    """Part of the item; -1 for a field of the item itself."""
    name: str


@dataclass(slots=True)
class Deltas:
    """The texts of a stream, as those read them who go by its parts."""

    _grown: dict[_Spot, list[str]] = field(default_factory=dict[_Spot, list[str]])
    _ended: list[tuple[_Spot, str]] = field(default_factory=list[tuple[_Spot, str]])
    _opened: dict[int, Body] = field(default_factory=dict[int, Body])

    def take(self, event: Body) -> None:
        """Take in an event.

        Raises:
            StreamFailed: it begins with what belongs into later ones, or says of nothing.
        """
        _, _, rest = text_of(event, "type").partition("response.")
        what, _, step = rest.rpartition(".")
        if rest in ("created", "in_progress", "queued"):
            if object_of(event, "response").get("output"):
                raise StreamFailed("the stream begins with output that has no item")
        elif rest == "output_item.added":
            self._open(numbered(event, "output_index"), object_of(event, "item"))
        elif what == "content_part":
            self._part(event, step)
        elif what in _IN_CONTENT or what in _IN_ITEM:
            name = _IN_CONTENT.get(what) or _IN_ITEM[what]
            spot = _spot(event, name, in_item=what in _IN_ITEM)
            if step == "delta":
                self._grown.setdefault(spot, []).append(text_of(event, "delta"))
            elif step == "done":
                self._ended.append((spot, text_of(event, name)))

    def require_agree(self, items: Mapping[int, Body], output: Sequence[Body]) -> None:
        """Check the parts against the items.

        Raises:
            StreamFailed: they say something else, or are of no item.
        """
        told = [(spot, "".join(pieces)) for spot, pieces in self._grown.items()]
        for spot, text in (*told, *self._ended):
            if not _is_same(text, _said(_item(spot.item, items, output), spot)):
                raise StreamFailed("the parts of the stream contradict its items")
        for at, opened in self._opened.items():
            item = _item(at, items, output)
            for name in ("type", "name", "call_id"):
                if opened.get(name) and opened.get(name) != item.get(name):
                    raise StreamFailed("an item of the stream ends as another than it began")

    def _open(self, at: int, item: Body) -> None:
        if at in self._opened:
            raise StreamFailed("the stream holds two items of one number")
        self._opened[at] = item
        for name in _IN_ITEM.values():
            self._begin(_Spot(at, -1, name), text_of(item, name))
        for number, part in enumerate(objects_of(item, "content")):
            for name in _IN_CONTENT.values():
                self._begin(_Spot(at, number, name), text_of(part, name))

    def _part(self, event: Body, step: str) -> None:
        part = object_of(event, "part")
        name = _IN_CONTENT.get(text_of(part, "type"))
        if name is not None and step == "done":
            self._ended.append((_spot(event, name, in_item=False), text_of(part, name)))
        elif name is not None:
            self._begin(_spot(event, name, in_item=False), text_of(part, name))

    def _begin(self, spot: _Spot, text: str) -> None:
        if text:
            self._grown.setdefault(spot, []).append(text)


def _spot(event: Body, name: str, *, in_item: bool) -> _Spot:
    at = numbered(event, "output_index")
    return _Spot(at, -1 if in_item else numbered(event, "content_index"), name)


def _item(at: int, items: Mapping[int, Body], output: Sequence[Body]) -> Body:
    if at in items:
        return items[at]
    if at < len(output):
        return output[at]
    raise StreamFailed("a part of the stream belongs to no item")


def _said(item: Body, spot: _Spot) -> str:
    parts = objects_of(item, "content")
    if spot.content < 0:
        return text_of(item, spot.name)
    return text_of(parts[spot.content], spot.name) if spot.content < len(parts) else ""


def _is_same(one: str, other: str) -> bool:
    if one == other:
        return True
    parsed = parse_object(one)
    return parsed is not None and parsed == parse_object(other)
