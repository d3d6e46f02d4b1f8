"""What the parts of a Responses stream say of its items.

Some clients read the deltas, some the end of a part, some the item, some the whole. All of them
read the same where the parts are those that we would write for the items ourselves.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue

from sidecritic.dialects.base import Ambiguous, Body
from sidecritic.dialects.sse import numbered
from sidecritic.values import object_of, objects_of, text_of

IN_ITEM: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "function_call": ("function_call_arguments", "arguments"),
        "custom_tool_call": ("custom_tool_call_input", "input"),
    }
)
"""Kinds of item whose text comes in deltas: what their events are called, and the field."""
_FIELDS: Mapping[str, str] = MappingProxyType(
    {"output_text": "text", "refusal": "refusal", **dict(IN_ITEM.values())}
)
_FRAME = frozenset({"created", "in_progress", "queued", "completed", "incomplete"})


def is_of_items(kind: str, types: Collection[str]) -> bool:
    """Whether an event says nothing but what its items say, or what the model thought.

    `types` are those of items whose own events no critic reads.
    """
    rest = kind.removeprefix("response.")
    what = rest.rpartition(".")[0]
    known = what in ("output_item", "content_part", "output_text.annotation") or what in _FIELDS
    return known or rest in _FRAME or what.startswith(("reasoning", *types))


def said_by_parts(events: Iterable[Body]) -> tuple[list[Any], dict[Any, str]]:
    """Return what begins and ends in a stream, in order, and what its deltas add up to.

    Raises:
        Ambiguous: output begins outside of every item, or has an invalid number.
    """
    marks: list[Any] = []
    pieces: dict[Any, list[str]] = {}
    for event in events:
        _, _, rest = text_of(event, "type").partition("response.")
        what, _, step = rest.rpartition(".")
        if rest in ("created", "in_progress", "queued"):
            if object_of(event, "response").get("output"):
                raise Ambiguous("the stream begins with output that has no item")
            continue
        spot = (what, *(numbered(event, key) for key in ("output_index", "content_index")))
        spot = (*spot, text_of(event, "item_id"))
        if what == "output_item":
            marks.append((step, spot, _told(object_of(event, "item"))))
        elif what == "content_part":
            marks.append((step, spot, _texts(object_of(event, "part"))))
        elif what in _FIELDS and step == "delta":
            pieces.setdefault(spot, []).append(text_of(event, "delta"))
        elif what in _FIELDS:
            marks.append((step, spot, text_of(event, _FIELDS[what])))
    grown = {spot: "".join(texts) for spot, texts in pieces.items()}
    return marks, {spot: text for spot, text in grown.items() if text}


def _told(item: Body) -> list[JsonValue]:
    """Return what tells an item from others, and what it says."""
    content = objects_of(item, "content") if text_of(item, "type") == "message" else ()
    keys = ("type", "id", "call_id", "name", "namespace", "arguments", "input")
    return [*(item.get(key) for key in keys), *map(_texts, content)]


def _texts(part: Body) -> list[JsonValue]:
    return [text_of(part, key) for key in ("type", "text", "refusal")]
