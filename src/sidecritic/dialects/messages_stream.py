"""Streams of Messages: one reading of them, and an answer as a stream."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import JsonValue

from sidecritic.dialects.base import Ambiguous, Assembled, Body, StreamFailed
from sidecritic.dialects.parts import listed
from sidecritic.dialects.sse import numbered, read_stream
from sidecritic.dialects.strict_json import read_object
from sidecritic.values import object_of, objects_of, text_of

_THINKING = ("thinking",)
_DELTAS: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "text_delta": ("text", "text", ("text",)),
        "thinking_delta": ("thinking", "thinking", _THINKING),
        "signature_delta": ("signature", "signature", _THINKING),
        "input_json_delta": (
            "partial_json",
            "input",
            ("tool_use", "server_tool_use", "mcp_tool_use"),
        ),
    }
)
"""What a kind of delta adds to: its own field, that of the block, and types of blocks."""
_TEXT_FIELDS = ("text", "thinking", "signature")


def assembled(raw: bytes) -> Assembled:
    """Return the complete answer that a stream adds up to.

    Raises:
        StreamFailed: it was cut off, or carries an error.
        Ambiguous: nothing settles how it is to be read.
    """
    reading, stream = _Reading(), read_stream(raw)
    for name, event in stream.events:
        reading.take(name, event)
    if not reading.is_over:
        raise StreamFailed("the stream was cut off before its end")
    blocks = reading.blocks
    _fill(blocks, reading.pieces)
    is_plain = stream.is_plain and reading.is_plain and reading.ended == blocks.keys()
    return Assembled({**reading.answer, "content": list[JsonValue](blocks.values())}, is_plain)


@dataclass(slots=True)
class _Reading:
    """What the events of a stream have said so far."""

    answer: Body = field(default_factory=dict[str, JsonValue])
    blocks: dict[int, Body] = field(default_factory=dict[int, Body])
    """By their number, in the order in which they began."""
    pieces: dict[tuple[int, str], list[str]] = field(
        default_factory=dict[tuple[int, str], list[str]]
    )
    started: dict[int, JsonValue] = field(default_factory=dict[int, JsonValue])
    ended: set[int] = field(default_factory=set[int])
    is_over: bool = False
    is_plain: bool = True

    def take(self, name: str, event: Body) -> None:
        kind = text_of(event, "type")
        if name not in ("", "error", kind):
            raise Ambiguous("an event of the stream is not named by its type")
        if self.is_over:
            raise Ambiguous("the stream continues after its end")
        self.is_plain = self.is_plain and name != ""
        if "error" in (name, kind):
            error = {"type": "error", "error": event.get("error")}
            raise StreamFailed("the stream ended with an error", error)
        match kind:
            case "message_start" | "message_delta":
                self._frame(event)
            case "content_block_start":
                self._begin(event)
            case "content_block_delta":
                self._collect(event)
            case "content_block_stop":
                self.ended.add(self._number(event))
            case _:
                self.is_over = kind == "message_stop"
                # What another event says, nobody has judged.
                self.is_plain = self.is_plain and self.is_over

    def _frame(self, event: Body) -> None:
        """Read what an event says of the message as a whole."""
        message = object_of(event, "message")
        if message.get("content"):
            raise Ambiguous("the stream begins with content that has no block")
        if message and self.answer:
            self.is_plain = False
            if message.get("id") != self.answer.get("id"):
                raise Ambiguous("the stream begins twice")
            return
        self.answer.update(message)
        self.answer.update(object_of(event, "delta"))
        usage = {**object_of(self.answer, "usage"), **object_of(event, "usage")}
        self.answer["usage"] = usage

    def _number(self, event: Body, *, begins: bool = False) -> int:
        """Return the number of a block; one that is missing is that of the latest."""
        if event.get("index") is not None:
            return numbered(event, "index")
        self.is_plain = False
        return max(self.blocks, default=-1) + begins

    def _begin(self, event: Body) -> None:
        at, block = self._number(event, begins=True), object_of(event, "content_block")
        if at in self.blocks:
            self.is_plain = False
            if block != self.started[at] or any(spot[0] == at for spot in self.pieces):
                raise Ambiguous("two blocks of the stream have one number")
            return
        if at < max(self.blocks, default=0):
            raise Ambiguous("the blocks of the stream are not numbered in order")
        # Some clients read the beginning of a block, and some only its deltas; some give a delta to
        # the block that began last, whatever its number.
        begun = any(block.get(key) for key in ("input", *_TEXT_FIELDS))
        follows = at == len(self.blocks) and self.ended == self.blocks.keys()
        self.is_plain = self.is_plain and follows and not begun
        self.started[at], self.blocks[at] = block, dict(block)
        if block.get("input") == "":  # a server's way to begin, which is no object to every client
            self.is_plain, self.blocks[at]["input"] = False, {}

    def _collect(self, event: Body) -> None:
        at, delta = self._number(event), object_of(event, "delta")
        kind, block = text_of(delta, "type"), self.blocks.get(at)
        if block is None or at in self.ended:
            raise Ambiguous("a delta of the stream belongs to no block")
        source, target, types = _DELTAS.get(kind, ("", "", ()))
        if types and text_of(block, "type") not in types:
            raise Ambiguous("a delta of the stream belongs to a block of another type")
        if types and not isinstance(delta.get(source), str):
            raise Ambiguous("a delta of the stream is not a text")
        if types:
            self.pieces.setdefault((at, target), []).append(text_of(delta, source))
        elif kind == "citations_delta":
            block["citations"] = [*listed(block.get("citations")), delta.get("citation")]
        else:
            block["type"] = kind  # what no dialect knows


def _fill(blocks: dict[int, Body], pieces: dict[tuple[int, str], list[str]]) -> None:
    for (at, target), texts in pieces.items():
        block, whole = blocks[at], "".join(texts)
        if target == "input":
            begun = block.setdefault("input", {})
            if not whole.strip():
                continue
            parsed, repeats = read_object(whole.encode(errors="replace"))
            # Of a repeated key the critic would see one value, and the client another.
            block["input"] = whole if parsed is None or repeats else parsed
            if begun and begun != parsed:
                raise Ambiguous("a block of the stream has two inputs")
        else:
            # A signature is said anew.
            block[target] = texts[-1] if target == "signature" else text_of(block, target) + whole


def events_of(answer: Body) -> Iterator[Body]:
    usage = object_of(answer, "usage")
    start: Body = {**answer, "content": [], "stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": start}
    for at, block in enumerate(objects_of(answer, "content")):
        where: Body = {"index": at}
        deltas = list(_block_deltas(block))
        opened: Body = {**block, **dict.fromkeys(block.keys() & set(_TEXT_FIELDS), "")}
        opened |= {"input": {}} if "input" in block else {}
        opened |= {"citations": []} if block.get("citations") else {}
        yield {"type": "content_block_start", **where, "content_block": opened}
        for delta in deltas:
            yield {"type": "content_block_delta", **where, "delta": delta}
        yield {"type": "content_block_stop", **where}
    delta: Body = {key: answer.get(key) for key in ("stop_reason", "stop_sequence")}
    out = {"output_tokens": usage.get("output_tokens", 0)}
    yield {"type": "message_delta", "delta": delta, "usage": out}
    yield {"type": "message_stop"}


def _block_deltas(block: Body) -> Iterator[Body]:
    for kind, (source, target, types) in _DELTAS.items():
        if target in block and text_of(block, "type") in types:
            yield {"type": kind, source: _written(block[target])}
    for citation in listed(block.get("citations")):
        yield {"type": "citations_delta", "citation": citation}


def _written(given: JsonValue) -> str:
    """Return arguments as text; what was not an object is still as it came."""
    return given if isinstance(given, str) else json.dumps(given)
