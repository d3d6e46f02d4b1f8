"""The real SDKs in a conversation with tools: what they hear, they keep and send back.

    talker = TALKERS["chat"](door.root, is_async=True, stream=True)
    turns = await converse(talker, {"refund_order": refund})

A talker keeps its transcript in the SDK's own objects, as their documentation says to.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI

from tests.wire import Json, Reply, call, chat, messages, text_block, use_block
from tests.wires.streams import (
    called,
    chat_stream,
    function_call,
    messages_stream,
    output_text,
    response,
    response_stream,
    spoken,
)

Call = tuple[str, str, Json]
"""Id, name and arguments."""
Step = str | Sequence[Call]
"""What a model says, or what it calls."""
Tools = Mapping[str, Callable[[Json], str]]


@dataclass(frozen=True)
class Turn:
    """One answer, as the client has it."""

    text: str
    calls: list[Call]
    seen: str
    """Everything that the SDK handed out on the way, events of a stream included."""


class Talker(Protocol):
    transcript: list[Any]

    async def ask(self) -> Turn:
        """Send the transcript, and add the answer to it."""
        ...

    def result(self, results: Sequence[tuple[str, str]]) -> None:
        """Add what the tools returned, by call id."""
        ...

    async def close(self) -> None: ...


async def converse(talker: Talker, tools: Tools) -> list[Turn]:
    """Ask, run the tools that are called, and go on until the model only speaks."""
    turns = [await talker.ask()]
    while turns[-1].calls:
        ran = [(id, tools[name](arguments)) for id, name, arguments in turns[-1].calls]
        talker.result(ran)
        turns.append(await talker.ask())
    await talker.close()
    return turns


async def _got(value: Any) -> Any:
    """Return what a call of either kind of client comes to."""
    return await value if inspect.isawaitable(value) else value


async def _whole(opened: Any, final: str) -> tuple[Any, str]:
    """Walk over a stream of either kind of client; return its end and all of its events."""
    if hasattr(opened, "__aenter__"):
        async with opened as events:
            seen = "".join([repr(event) async for event in events])
            return await getattr(events, final)(), seen
    with opened as events:
        seen = "".join(repr(event) for event in events)
        return getattr(events, final)(), seen


@dataclass
class ChatTalker:
    client: Any
    """An `OpenAI` or an `AsyncOpenAI`."""
    stream: bool
    transcript: list[Any]

    async def ask(self) -> Turn:
        api, asked = self.client.chat.completions, {"model": "m", "messages": self.transcript}
        if self.stream:
            answer, seen = await _whole(api.stream(**asked), "get_final_completion")
        else:
            answer = await _got(api.create(**asked))
            seen = answer.model_dump_json()
        said: Any = answer.choices[0].message
        self.transcript.append(said)
        made: list[Any] = said.tool_calls or []
        calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in made]
        return Turn(said.content or "", calls, seen)

    def result(self, results: Sequence[tuple[str, str]]) -> None:
        self.transcript += [
            {"role": "tool", "tool_call_id": id, "content": text} for id, text in results
        ]

    async def close(self) -> None:
        await _got(self.client.close())


@dataclass
class MessagesTalker:
    client: Any
    """An `Anthropic` or an `AsyncAnthropic`."""
    stream: bool
    transcript: list[Any]

    async def ask(self) -> Turn:
        api = self.client.messages
        asked: Json = {"model": "m", "max_tokens": 99, "messages": self.transcript}
        if self.stream:
            answer, seen = await _whole(api.stream(**asked), "get_final_message")
        else:
            answer = await _got(api.create(**asked))
            seen = answer.model_dump_json()
        self.transcript.append({"role": "assistant", "content": answer.content})
        text = "".join(block.text for block in answer.content if block.type == "text")
        calls = [(b.id, b.name, b.input) for b in answer.content if b.type == "tool_use"]
        return Turn(text, calls, seen)

    def result(self, results: Sequence[tuple[str, str]]) -> None:
        content = [
            {"type": "tool_result", "tool_use_id": id, "content": text} for id, text in results
        ]
        self.transcript.append({"role": "user", "content": content})

    async def close(self) -> None:
        await _got(self.client.close())


@dataclass
class ResponsesTalker:
    client: Any
    """An `OpenAI` or an `AsyncOpenAI`."""
    stream: bool
    transcript: list[Any]

    async def ask(self) -> Turn:
        return await self.heard({"model": "m", "input": self.transcript})

    async def heard(self, asked: Json) -> Turn:
        api = self.client.responses
        if self.stream:
            answer, seen = await _whole(api.stream(**asked), "get_final_response")
        else:
            answer = await _got(api.create(**asked))
            seen = answer.model_dump_json()
        self.keep(answer)
        calls = [
            (i.call_id, i.name, json.loads(i.arguments))
            for i in answer.output
            if i.type == "function_call"
        ]
        return Turn(answer.output_text, calls, seen)

    def keep(self, answer: Any) -> None:
        self.transcript += answer.output

    def result(self, results: Sequence[tuple[str, str]]) -> None:
        self.transcript += [
            {"type": "function_call_output", "call_id": id, "output": text} for id, text in results
        ]

    async def close(self) -> None:
        await _got(self.client.close())


@dataclass
class StoredTalker(ResponsesTalker):
    """Sends only what is new: the provider keeps the rest under the id of its answer."""

    before: str = ""
    sent: list[Any] = field(default_factory=list[Any])

    async def ask(self) -> Turn:
        new, self.transcript = self.transcript, []
        self.sent += new
        before = {"previous_response_id": self.before} if self.before else {}
        return await self.heard({"model": "m", "input": new, **before})

    def keep(self, answer: Any) -> None:
        self.before = answer.id


def talker(api: str, root: str, *, is_async: bool, stream: bool) -> Talker:
    """Return a client of one API that begins with what a user wants."""
    begun: list[Any] = [{"role": "user", "content": "Refund B2"}]
    given: Any = {"api_key": "k", "max_retries": 0}
    if api == "messages":
        anthropic = AsyncAnthropic if is_async else Anthropic
        return MessagesTalker(anthropic(base_url=root, **given), stream, begun)
    openai = (AsyncOpenAI if is_async else OpenAI)(base_url=f"{root}/v1", **given)
    kinds: Mapping[str, Callable[[Any, bool, list[Any]], Talker]] = {
        "chat": ChatTalker,
        "responses": ResponsesTalker,
        "stored": StoredTalker,
    }
    return kinds[api](openai, stream, begun)


# --- what the model answers --------------------------------------------------------------


def answered(api: str, step: Step, *, stream: bool, id: str) -> Reply:
    """Return a step of a model in the format of an API."""
    if api == "chat":
        return _chat(step, stream=stream)
    if api == "messages":
        blocks = (
            [text_block(step)]
            if isinstance(step, str)
            else [use_block(name, arguments, id=id) for id, name, arguments in step]
        )
        stop = "end_turn" if isinstance(step, str) else "tool_use"
        return (messages_stream if stream else messages)(*blocks, stop=stop)
    items = (
        [output_text(step)]
        if isinstance(step, str)
        else [function_call(name, arguments, id=id) for id, name, arguments in step]
    )
    return (response_stream if stream else response)(*items, id=id)


def _chat(step: Step, *, stream: bool) -> Reply:
    if isinstance(step, str):
        return chat_stream(spoken(step)) if stream else chat(step)
    if stream:
        return chat_stream(called(*step))
    return chat(None, calls=[call(name, arguments, id=id) for id, name, arguments in step])


# --- what is a good request --------------------------------------------------------------


def require_well_formed(api: str, body: Json) -> None:
    """Check what the provider would insist on: each call is answered once, where it must be."""
    if api == "chat":
        _require_chat(body["messages"])
    elif api == "messages":
        _require_messages(body["messages"])
    else:
        _require_items(body["input"], has_past="previous_response_id" in body)


def _require_chat(said: list[Json]) -> None:
    open_ids: list[str] = []
    for message in said:
        if message["role"] == "tool":
            open_ids.remove(message["tool_call_id"])
            continue
        assert not open_ids, "a call is answered before anything else is said"
        calls = cast("list[Json]", message.get("tool_calls") or [])
        open_ids = [c["id"] for c in calls]
        assert len(set(open_ids)) == len(open_ids)
    assert not open_ids


def _require_messages(said: list[Json]) -> None:
    open_ids: list[str] = []
    for number, message in enumerate(said):
        assert message["role"] == ("assistant" if number % 2 else "user"), "they take turns"
        content = message["content"]
        blocks = cast("list[Json]", content if isinstance(content, list) else [])
        if message["role"] == "user":
            answered = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
            assert sorted(answered) == sorted(open_ids)
        open_ids = [b["id"] for b in blocks if b["type"] == "tool_use"]
    assert not open_ids


def _require_items(items: list[Json], *, has_past: bool) -> None:
    open_ids: list[str] = []
    for item in items:
        if item.get("type") == "function_call":
            assert item["call_id"] not in open_ids
            open_ids.append(item["call_id"])
        elif item.get("type") == "function_call_output":
            if item["call_id"] in open_ids or not has_past:
                open_ids.remove(item["call_id"])
        else:
            assert not open_ids, "a call is answered before anything else is said"
    assert not open_ids
