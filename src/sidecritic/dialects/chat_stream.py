"""Streams of chat completions: one reading of them, and an answer as a stream.

Some clients join what is said of a call and some replace it, some tell calls apart by number and
some by id. A stream that they read differently adds up to one answer here where order or ids settle
it, and is not plain.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import JsonValue

from sidecritic.dialects.base import Ambiguous, Assembled, Body, StreamFailed
from sidecritic.dialects.merging import Growing
from sidecritic.dialects.sse import numbered, read_stream
from sidecritic.dialects.strict_json import read_object
from sidecritic.values import object_of, objects_of, text_of

_KINDS = ("function", "custom")
_TYPES: Mapping[str, type | tuple[type, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("id", "model", "finish_reason", "content", "refusal"), str),
        **dict.fromkeys(("name", "arguments", "reasoning", "reasoning_content"), str),
        **dict.fromkeys(("delta", "function", "usage", "extra_content"), dict),
        **dict.fromkeys(("created", "prompt_tokens", "completion_tokens"), (int, float)),
    }
)
"""Types of fields that clients insist on."""


def assembled(raw: bytes, asked: Body) -> Assembled:
    """Return the complete answer to `asked` that a stream adds up to.

    Raises:
        StreamFailed: it was cut off, or carries an error.
        Ambiguous: nothing settles how it is to be read.
    """
    answer: Body = {}
    choices: dict[int, _Choice] = {}
    sole = _Sole()
    stream = read_stream(raw)
    is_plain = stream.is_plain
    # Of one choice, many clients read the first part of each event, whatever its number.
    is_single = asked.get("n") in (None, 1)
    for name, chunk in stream.events:
        if chunk.get("error"):
            raise StreamFailed("the stream ended with an error", {"error": chunk["error"]})
        if name.startswith("thread."):  # two clients take it for another API
            raise Ambiguous("the stream holds an event of another API")
        is_plain = is_plain and name in ("", "message") and _is_regular(chunk)
        answer.update({k: v for k, v in chunk.items() if k != "choices" and v is not None})
        for at, part in enumerate(objects_of(chunk, "choices")):
            number = numbered(part, "index")
            if is_single:
                sole.hear(number, object_of(part, "delta"))
            number = 0 if is_single else number
            is_next = number <= len(choices) and not (is_single and at)
            is_plain = is_plain and is_next and part.get("index") == number
            choices.setdefault(number, _Choice()).add(part)
    if not choices:
        raise StreamFailed("the stream was cut off before its end")
    whole: list[JsonValue] = [
        {**choices[at].whole(text_of(answer, "id"), is_done=stream.is_done), "index": at}
        for at in sorted(choices)
    ]
    is_plain = is_plain and all(choice.is_plain for choice in choices.values())
    return Assembled({**answer, "object": "chat.completion", "choices": whole}, is_plain)


@dataclass(slots=True)
class _Sole:
    """The one choice that was asked for: some clients read it by number, some by place."""

    spoken: list[int] = field(default_factory=list[int])
    calling: set[int] = field(default_factory=set[int])

    def hear(self, number: int, delta: Body) -> None:
        """Take a part.

        Raises:
            Ambiguous: clients would run other calls, or read another text.
        """
        if delta.get("content") and number not in self.spoken[-1:]:
            if number in self.spoken:
                raise Ambiguous("the stream holds several choices, and one was asked for")
            self.spoken.append(number)
        if delta.get("tool_calls") or delta.get("function_call"):
            self.calling.add(number)
            if len(self.calling) > 1:
                raise Ambiguous("calls stand under several choices, and one was asked for")


@dataclass(slots=True)
class _Choice:
    """One choice, as its deltas add up."""

    grown: Growing = field(default_factory=Growing)
    calls: list[Body] = field(default_factory=list[Body])
    """What each call has said of itself: id, type, and name by kind."""
    arguments: list[list[str]] = field(default_factory=list[list[str]])
    """The pieces of each call's arguments, as long as they may add up to a whole object."""
    by_number: dict[int, int] = field(default_factory=dict[int, int])
    """The latest call under a number."""
    shared: set[int] = field(default_factory=set[int])
    """Numbers that several calls have."""
    by_id: dict[str, int] = field(default_factory=dict[str, int])
    legacy: Body = field(default_factory=dict[str, JsonValue])
    is_plain: bool = True
    is_over: bool = False

    def add(self, part: Body) -> None:
        if "message" in part:
            if not isinstance(part.get("delta"), dict):
                raise Ambiguous("a part of the stream holds a whole message")
            # One server repeats in it what the deltas have said; clients of streams read these.
            part, self.is_plain = {k: v for k, v in part.items() if k != "message"}, False
        delta = dict(object_of(part, "delta"))
        said = any(value for key, value in delta.items() if key != "role")
        self.is_plain = self.is_plain and not (self.is_over and said)
        if isinstance(delta.get("content"), list):
            self._unpack(delta)
        if delta.get("tool_calls") is not None:
            delta["tool_calls"] = list[JsonValue](map(self._entry, _entries(delta["tool_calls"])))
            # Beside a call, some clients leave out the whole chunk if these are not in form.
            self.is_plain = self.is_plain and not (part.get("logprobs") or delta.get("annotations"))
        if isinstance(delta.get("function_call"), dict):
            delta["function_call"] = self._once(self.legacy, object_of(delta, "function_call"))
        # All of a choice but its message is said once, or anew; log-probabilities come in pieces.
        fixed = {k: v for k, v in part.items() if isinstance(v, str | int | float)}
        grown = {k: v for k, v in part.items() if k not in fixed and k != "delta" and v is not None}
        self.grown.held.update(fixed)
        self.grown.add({**grown, "message": delta})
        self.is_over = self.is_over or "finish_reason" in fixed

    def whole(self, id: str, *, is_done: bool) -> Body:
        """Return the whole choice of the answer with this id.

        Raises:
            StreamFailed: nothing says that it is whole.
        """
        choice: Body = {"finish_reason": None, **self.grown.whole()}
        message = object_of(choice, "message")
        self.is_plain = self.is_plain and message.get("role") == "assistant"
        message["role"] = "assistant"
        calls, legacy = objects_of(message, "tool_calls"), object_of(message, "function_call")
        self._tell_apart(calls, id)
        for function in (*(object_of(call, "function") for call in calls), legacy):
            given = function.get("arguments")
            if function and (not isinstance(given, str) or not given.strip()):
                function["arguments"] = json.dumps(given) if given else "{}"
                self.is_plain = False
        if choice["finish_reason"] is None:
            if not is_done:
                raise StreamFailed("the stream was cut off before its end")
            reason = "tool_calls" if calls else "function_call" if legacy else "stop"
            choice["finish_reason"] = reason
            self.is_plain = False
        return choice

    def _tell_apart(self, calls: Sequence[Body], answer: str) -> None:
        """Give each call a type, and an id of its own; some clients join what has the same."""
        ids = set[str]()
        for number, call in enumerate(calls):
            kinds = [k for k in _KINDS if text_of(object_of(call, k), "name")]
            if not kinds:
                raise Ambiguous("a part of the stream belongs to no call")
            if not call.get("type"):
                call["type"] = kinds[0]
                self.is_plain = False
            del call["index"]
            if (id := text_of(call, "id")) in ids or not id:
                call["id"] = f"{id or answer or 'call'}_{number}"
                self.is_plain = False
            ids.add(id)

    def _unpack(self, delta: Body) -> None:
        """Read content that comes in parts as text and thoughts."""
        self.is_plain = False
        for part in _entries(delta.pop("content")):
            kind = text_of(part, "type")
            if kind not in ("text", "thinking"):
                raise Ambiguous(f"the stream holds a content part {kind!r}")
            key = "content" if kind == "text" else "reasoning_content"
            within = part.get(kind)
            texts = objects_of(part, kind) if isinstance(within, list) else [{"text": within}]
            delta[key] = text_of(delta, key) + "".join(text_of(each, "text") for each in texts)

    def _entry(self, entry: Body) -> Body:
        """Return a piece of a call under a number of its own, without what was said before."""
        names = [text_of(object_of(entry, kind), "name") for kind in _KINDS]
        at = self._place(entry, is_named=any(names))
        if at == len(self.calls):
            self.calls.append({})
            self.arguments.append([])
            self.is_plain = self.is_plain and any(names)
        known = self.calls[at]
        if id := text_of(entry, "id"):
            self.by_id.setdefault(id, at)
        piece = self._once(known, {k: v for k, v in entry.items() if k not in _KINDS})
        for kind in _KINDS:
            if isinstance(entry.get(kind), dict):
                said = dict(object_of(known, kind))
                piece[kind] = self._once(said, object_of(entry, kind))
                known[kind] = said
                self.arguments[at].append(text_of(object_of(entry, kind), "arguments"))
            elif entry.get(kind) is not None:
                raise Ambiguous("a delta of the stream is of another type than those before")
        return {**piece, "index": at}

    def _place(self, entry: Body, *, is_named: bool) -> int:
        """Return the position of the call that a piece belongs to."""
        id, fresh = text_of(entry, "id"), len(self.calls)
        same = self.by_id.get(id)
        if entry.get("index") is None:
            self.is_plain = False
            at = same if same is not None else None if is_named else fresh - 1
            if at is None:
                return fresh
            if at < 0 or (id and at != same):
                raise Ambiguous("a part of a call does not say of which call")
            return at
        number = numbered(entry, "index")
        at = self.by_number.get(number, fresh)
        self.is_plain = self.is_plain and (at < fresh or number == fresh)
        if at < fresh and id and self.calls[at].get("id", id) != id:
            # Some clients begin another call then, and some continue this one.
            self.is_plain = False
            if same is None and not is_named:
                # Some servers make up an id for each piece: without a name, it begins no call.
                if number in self.shared or self._begins_anew(entry, at):
                    raise Ambiguous("two calls of the stream have one number")
                del entry["id"]
                return at
            at = fresh if same is None else same
            self.shared.add(number)
        elif at < fresh and not id and is_named and self._begins_anew(entry, at):
            self.is_plain, at = False, fresh
            self.shared.add(number)
        self.by_number[number] = at
        return at

    def _begins_anew(self, entry: Body, at: int) -> bool:
        """Whether a piece without an id begins other arguments after those of a call are whole."""
        pieces, text = self.arguments[at], text_of(object_of(entry, "function"), "arguments")
        if not (text.lstrip().startswith("{") and pieces and pieces[-1].rstrip().endswith("}")):
            return False
        whole, _ = read_object("".join(pieces).encode(errors="replace"))
        pieces.clear()  # is asked once a call: what is not whole now would be read again and again
        return whole is not None

    def _once(self, known: Body, piece: Body) -> Body:
        """Return a piece without ids, types and names that are said again.

        Raises:
            Ambiguous: they are said differently.
        """
        kept = dict(piece)
        for key in ("id", "type", "name"):
            given = kept.get(key)
            if given is None:
                kept.pop(key, None)
                continue
            if not isinstance(given, str):
                raise Ambiguous(
                    f"a delta of the stream is of another type than those before: {key}"
                )
            before = known.get(key)
            if not before:
                known[key] = given
                continue
            if given not in ("", before):
                raise Ambiguous(f"a call of the stream has two of {key}")
            self.is_plain = self.is_plain and key == "type"
            del kept[key]
        return kept


def _is_regular(chunk: JsonValue) -> bool:
    """Whether fields are of their types; some clients leave out the whole chunk if one is not."""
    if isinstance(chunk, list):
        return all(map(_is_regular, chunk))
    if not isinstance(chunk, dict):
        return True
    typed = (v is None or isinstance(v, _TYPES.get(key, object)) for key, v in chunk.items())
    is_ours = chunk.get("role") in (None, "assistant") and chunk.get("function", {}) is not None
    return is_ours and all(typed) and all(map(_is_regular, chunk.values()))


def _entries(value: JsonValue) -> list[Body]:
    entries = value if isinstance(value, list) else [value]
    objects = [entry for entry in entries if isinstance(entry, dict)]
    if len(objects) < len(entries):
        raise Ambiguous("a list of the stream holds what is not an object")
    return objects


def chunks(answer: Body) -> Iterator[Body]:
    """Walk over the choices of an answer as parts of a stream."""
    for choice in objects_of(answer, "choices"):
        index = choice.get("index", 0)
        delta: Body = {k: v for k, v in object_of(choice, "message").items() if v is not None}
        if calls := objects_of(delta, "tool_calls"):
            delta["tool_calls"] = [{**call, "index": at} for at, call in enumerate(calls)]
        logprobs = choice.get("logprobs")
        yield {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
        yield {"index": index, "delta": {}, "finish_reason": choice.get("finish_reason")}
