"""Adding up the deltas of a stream, in one pass over what arrives.

A text that grows by concatenation is copied with every delta, and a list that is searched for
its slot is read with every delta: an answer of a megabyte would hold up every other request.
So texts are kept in pieces, slots by index, and both are put together once, at the end.
"""

from collections.abc import Mapping

from pydantic import JsonValue

_REPLACED = frozenset({"role", "type", "index"})


class _Text:
    """A text in pieces."""

    def __init__(self, first: str) -> None:
        self._first = first
        self._pieces = [first]

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    def repeats(self, piece: str) -> bool:
        return len(self._pieces) == 1 and self._first == piece

    def made(self) -> JsonValue:
        return "".join(self._pieces)


class _Slots:
    """A list whose entries say where they belong; those that do not are appended."""

    def __init__(self) -> None:
        self._entries: list[Merged | JsonValue] = []
        self._at: dict[int, Merged] = {}

    def add(self, entries: list[JsonValue]) -> None:
        for entry in entries:
            index = entry.get("index") if isinstance(entry, dict) else None
            if not isinstance(entry, dict) or not isinstance(index, int):
                self._entries.append(entry)
                continue
            if index not in self._at:
                self._at[index] = Merged()
                self._entries.append(self._at[index])
            self._at[index].add(entry)

    def made(self) -> JsonValue:
        return [e.made() if isinstance(e, Merged) else e for e in self._entries]


class Merged:
    """An object made of deltas, the way the provider's SDK adds them up."""

    def __init__(self) -> None:
        self._held: dict[str, _Text | _Slots | Merged | JsonValue] = {}

    def add(self, delta: Mapping[str, JsonValue]) -> None:
        """Take a delta in: texts are joined, lists go by index, null says nothing new."""
        for key, value in delta.items():
            held = self._held.get(key)
            if key in _REPLACED:
                self._held[key] = value
                continue
            match held, value:
                case _Text(), str():
                    if key != "id" or not held.repeats(value):
                        held.add(value)
                case Merged(), dict():
                    held.add(value)
                case _Slots(), list():
                    held.add(value)
                case _, None:
                    self._held.setdefault(key, None)
                case _:
                    self._held[key] = _begun(value)

    def put(self, key: str, value: JsonValue) -> None:
        """Set a field to what was said of it last."""
        self._held[key] = value

    def made(self) -> dict[str, JsonValue]:
        """Return the whole object."""
        return {
            key: held.made() if isinstance(held, _Text | _Slots | Merged) else held
            for key, held in self._held.items()
        }


def _begun(value: JsonValue) -> _Text | _Slots | Merged | JsonValue:
    match value:
        case str():
            return _Text(value)
        case list():
            slots = _Slots()
            slots.add(value)
            return slots
        case dict():
            merged = Merged()
            merged.add(value)
            return merged
        case _:
            return value
