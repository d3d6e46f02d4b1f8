"""Streams that say one thing to the critic have to say the same to the provider's own SDK.

Whatever an upstream writes, what the SDK makes of it is what the critic was asked about; where
that cannot be, the stream does not leave.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from anthropic import Anthropic, APIStatusError
from openai import APIStatusError as OpenAIStatusError
from openai import OpenAI

from tests.gateway import Asked, Running, approves, gateway
from tests.wire import Json, Reply, wire_server
from tests.wires.streams import function_call, output_text, response_stream

HEADERS = {"content-type": "text/event-stream"}
DONE = b"data: [DONE]\n\n"

Read = tuple[str, list[tuple[str, Any]]]
"""Text, and name and arguments of calls."""


def event(data: Json, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def stream(*events: bytes) -> Reply:
    return Reply(b"".join(events), 200, HEADERS)


# --- chat completions --------------------------------------------------------------------


def chunk(delta: Json, finish: str | None = None, index: Any = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event({**head, "choices": [choice], **more})


def tool(name: str | None = None, arguments: str | None = None, index: Any = 0) -> Json:
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    opening = {"id": "c1", "type": "function"} if name else {}
    return {"tool_calls": [{"index": index, **opening, "function": given}]}


ROLE: Json = {"role": "assistant", "content": None}
MORE: Json = {"tool_calls": [{"index": 0, "function": {"name": "_preview"}}]}
"""Makes another tool of the one that was called."""
BEGUN = (chunk(ROLE), chunk(tool("refund", '{"sum": 900}')))
END = chunk({}, "tool_calls")
HALF = (chunk(ROLE), chunk(tool("refund", '{"sum": ')))

CHAT_AGREES: Mapping[str, Reply] = {
    "as it should be": stream(*BEGUN, END, DONE),
    "lines that end with CR": Reply(
        stream(*BEGUN, END, DONE).body.replace(b"\n", b"\r"), 200, HEADERS
    ),
    "content in parts": stream(chunk({**ROLE, "content": "a"}), chunk({"content": "b"}, "stop")),
}
CHAT_EITHER: Mapping[str, Reply] = {
    "after the finish reason": stream(*BEGUN, END, chunk(MORE), DONE),
    "after [DONE]": stream(*BEGUN, END, DONE, chunk(MORE)),
    "a last event without its end": stream(*BEGUN, END, chunk(MORE)[:-1]),
    "behind a byte order mark": stream(
        b"\xef\xbb\xbf", chunk({**ROLE, **tool("preview_", "")}), *BEGUN[1:], END, DONE
    ),
    "in an event of another API": stream(*BEGUN, b"event: thread.x\n", chunk(MORE), END, DONE),
    "an error that is none": stream(chunk(ROLE), chunk({"content": "x"}, "stop", error=None), DONE),
    "a refusal beside content": stream(
        chunk(ROLE), chunk({"content": "hello", "refusal": "bad"}, "stop"), DONE
    ),
    "a call of number -1": stream(*HALF, chunk(tool(None, "900}", -1)), END, DONE),
    "a call of number 0.0": stream(*HALF, chunk(tool(None, "900}", 0.0)), END, DONE),
}


def chat_client(door: Running) -> Read:
    with (
        OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client,
        client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        ) as events,
    ):
        for _ in events:
            pass
        said: Any = events.get_final_completion().choices[0].message
    made: list[Any] = said.tool_calls or []
    calls = [(c.function.name, c.function.arguments) for c in made]
    return "\n".join(text for text in (said.content, said.refusal) if text), calls


# --- messages ----------------------------------------------------------------------------


def named(data: Json) -> bytes:
    return event(data, data["type"])


def opened(index: int = 0, **given: int) -> bytes:
    block = {"type": "tool_use", "id": "t", "name": "refund", "input": given}
    return named({"type": "content_block_start", "index": index, "content_block": block})


def piece(text: str, index: Any = 0) -> Json:
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": index, "delta": delta}


START = named(
    {
        "type": "message_start",
        "message": {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "x",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    }
)
TEXT = named(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}}
)
REASON = {"stop_reason": "tool_use", "stop_sequence": None}
STOP = (
    named({"type": "message_delta", "delta": REASON, "usage": {"output_tokens": 1}})
    + named({"type": "message_stop"})
)  # fmt: skip
FIRST, BETWEEN, LAST = '{"sum": 900', ', "preview": true', "}"


def inserted(between: bytes) -> Reply:
    return stream(START, opened(), named(piece(FIRST)), between, named(piece(LAST)), STOP)


MESSAGES_AGREE: Mapping[str, Reply] = {
    "as it should be": inserted(named(piece(BETWEEN))),
    "input at the start": stream(START, opened(sum=900), STOP),
}
MESSAGES_EITHER: Mapping[str, Reply] = {
    "an index that is a boolean": stream(START, TEXT, opened(1), named(piece("{}", True)), STOP),
    "an event of another name": inserted(event(piece(BETWEEN), "xyz")),
    "an event that is called ping": inserted(event(piece(BETWEEN), "ping")),
    "an event without a name": inserted(event(piece(BETWEEN))),
    "a last event without its end": stream(
        START, opened(), named(piece(FIRST)), STOP, named(piece(BETWEEN + LAST))[:-1]
    ),
    "input at the start and an empty delta": stream(START, opened(sum=900), named(piece("")), STOP),
    "a block of number -1": stream(START, TEXT, opened(1), named(piece('{"sum": 900}', -1)), STOP),
    "a block whose number is a text": stream(
        START, TEXT, opened(1), named(piece('{"sum": 900}', "1")), STOP
    ),
}


def messages_client(door: Running) -> Read:
    with (
        Anthropic(base_url=door.root, api_key="k", max_retries=0) as client,
        client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        ) as events,
    ):
        content = events.get_final_message().content
    text = "".join(block.text for block in content if block.type == "text")
    return text, [(b.name, b.input) for b in content if b.type == "tool_use"]


# --- responses ---------------------------------------------------------------------------

CALLED = response_stream(function_call("refund", {"sum": 1})).body
SPOKEN = response_stream(output_text("fine")).body


def changed(body: bytes, before: str, after: str) -> Reply:
    assert body.count(before.encode()) == 1
    return Reply(body.replace(before.encode(), after.encode()), 200, HEADERS)


RESPONSES_AGREE: Mapping[str, Reply] = {
    "a call": Reply(CALLED, 200, HEADERS),
    "a text": Reply(SPOKEN, 200, HEADERS),
}
RESPONSES_EITHER: Mapping[str, Reply] = {
    "a delta of text": changed(SPOKEN, '"delta": "fine"', '"delta": "evil"'),
    "the end of a text": changed(SPOKEN, '"text": "fine", "sequence', '"text": "evil", "sequence'),
    "a delta of arguments": changed(CALLED, r'"delta": "{\"sum\": 1}"', r'"delta": "{\"sum\": 9}"'),
    "the end of arguments": changed(
        CALLED,
        r'"name": "refund", "arguments": "{\"sum\": 1}", "sequence',
        r'"name": "refund", "arguments": "{\"sum\": 9}", "sequence',
    ),
}


def responses_client(door: Running) -> Read:
    """Read as those do who go by the deltas, and as those who go by their ends."""
    texts, calls = set[str](), set[tuple[str, str]]()
    written = {"text": "", "arguments": ""}
    with (
        OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client,
        client.responses.create(model="m", input="Hi", stream=True) as events,
    ):
        for each in events:
            if each.type == "response.output_text.delta":
                written["text"] += each.delta
            elif each.type == "response.output_text.done":
                texts |= {each.text, written["text"]}
            elif each.type == "response.function_call_arguments.delta":
                written["arguments"] += each.delta
            elif each.type == "response.function_call_arguments.done":
                calls |= {("refund", each.arguments), ("refund", written["arguments"])}
    return "\n".join(sorted(texts)), sorted(calls)


# --- what both make of it ----------------------------------------------------------------


def shown(critic: Asked) -> Read | None:
    """Return what the critic was asked about; arguments that are no object as they came."""
    if not critic.seen:
        return None
    action = critic.seen[-1].action
    return action.text, [(call.name, call.raw) for call in action.calls]


def plainly(read: Read | None) -> Any:
    """Return what is done, however the arguments are written."""
    if read is None:
        return None
    text, calls = read
    return text, [(name, json.loads(a) if isinstance(a, str) else a) for name, a in calls]


CLIENTS = {"chat": chat_client, "messages": messages_client, "responses": responses_client}
AGREE = {"chat": CHAT_AGREES, "messages": MESSAGES_AGREE, "responses": RESPONSES_AGREE}
EITHER = {"chat": CHAT_EITHER, "messages": MESSAGES_EITHER, "responses": RESPONSES_EITHER}


@pytest.mark.parametrize(("api", "case"), [(api, case) for api in AGREE for case in AGREE[api]])
def test_an_sdk_reads_what_the_critic_was_asked_about(api: str, case: str) -> None:
    critic = approves()
    with wire_server(AGREE[api][case]) as upstream, gateway(upstream.root, critic=critic) as door:
        read = CLIENTS[api](door)
    assert plainly(read) == plainly(shown(critic))


@pytest.mark.parametrize(("api", "case"), [(api, case) for api in EITHER for case in EITHER[api]])
def test_a_stream_that_an_sdk_could_read_otherwise_is_read_alike_or_does_not_leave(
    api: str, case: str
) -> None:
    critic = approves()
    with wire_server(EITHER[api][case]) as upstream, gateway(upstream.root, critic=critic) as door:
        try:
            read = CLIENTS[api](door)
        except (APIStatusError, OpenAIStatusError) as refused:
            assert refused.status_code in (403, 502)
        else:
            assert plainly(read) == plainly(shown(critic))
