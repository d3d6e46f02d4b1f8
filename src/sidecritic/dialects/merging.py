"""What a stream's deltas add up to, in time that grows with the stream and not with its square.

The rules are those of the provider's own SDK: texts are joined, objects are merged, entries of
lists go by their `index`. Pieces are only collected on the way, and joined once, at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from sidecritic.dialects.base import Body, StreamFailed
from sidecritic.dialects.sse import numbered

_REPLACED = frozenset({"role", "type", "index", "id", "format"})


@dataclass(slots=True)
class Growing:
    """An object that grows by deltas."""

    held: "dict[str, JsonValue | _Texts | _Slots | Growing]" = field(
        default_factory=lambda: dict[str, "JsonValue | _Texts | _Slots | Growing"]()
    )

    def add(self, delta: Mapping[str, JsonValue]) -> None:
        """Add a delta.

        Raises:
            StreamFailed: an entry of a list has an invalid index.
        """
        for key, value in delta.items():
            held = self.held.get(key)
            match held, value:
                case _, None:
                    self.held.setdefault(key, None)
                case _Texts(), str() if key not in _REPLACED:
                    held.pieces.append(value)
                case Growing(), dict():
                    held.add(value)
                case _Slots(), list():
                    held.add(value)
                case _:
                    if held is not None and _kind(held) is not _kind(value):
                        raise StreamFailed(
                            "a delta of the stream is of another type than those before"
                        )
                    self.held[key] = _begun(value)

    def whole(self) -> Body:
        """Return the whole object."""
        return {key: _plain(value) for key, value in self.held.items()}


@dataclass(slots=True)
class _Texts:
    pieces: list[str]


@dataclass(slots=True)
class _Slots:
    """A list whose entries may say which one they belong to."""

    entries: "list[JsonValue | Growing]" = field(
        default_factory=lambda: list["JsonValue | Growing"]()
    )
    by_index: dict[int, Growing] = field(default_factory=dict[int, Growing])

    def add(self, added: list[JsonValue]) -> None:
        for entry in added:
            if not isinstance(entry, dict) or entry.get("index") is None:
                self.entries.append(entry)
                continue
            index = numbered(entry, "index")
            if index not in self.by_index:
                self.by_index[index] = Growing()
                self.entries.append(self.by_index[index])
            self.by_index[index].add(entry)


def _begun(value: JsonValue) -> "JsonValue | _Texts | _Slots | Growing":
    match value:
        case str():
            return _Texts([value])
        case dict():
            grown = Growing()
            grown.add(value)
            return grown
        case list():
            slots = _Slots()
            slots.add(value)
            return slots
        case _:
            return value


def _kind(value: "JsonValue | _Texts | _Slots | Growing") -> type:
    match value:
        case _Texts() | str():
            return str
        case _Slots() | list():
            return list
        case Growing() | dict():
            return dict
        case _:
            return float  # numbers and truth values replace each other


def _plain(value: "JsonValue | _Texts | _Slots | Growing") -> JsonValue:
    match value:
        case _Texts():
            return "".join(value.pieces)
        case _Slots():
            return [_plain(entry) for entry in value.entries]
        case Growing():
            return value.whole()
        case _:
            return value
