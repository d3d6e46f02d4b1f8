"""Answers in odd forms are judged by what any client could make of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from sidecritic.gateway.services import Aside
from tests.gateway import approves, gateway, post, refuses
from tests.wire import (
    Json,
    Reply,
    as_json,
    call,
    chat,
    messages,
    use_block,
    wire_server,
)
from tests.wires.streams import (
    called,
    chat_stream,
    function_call,
    messages_stream,
    output_text,
    response,
    response_stream,
    spoken,
    sse,
)

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}
STREAMED: Json = {**HI, "stream": True}
CHAT, MESSAGES, RESPONSES = "v1/chat/completions", "v1/messages", "v1/responses"
ODD = '{"order": "A1", "order": "A2"}'


# --- whatever status and type say ----------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (CHAT, chat(None, calls=[call("delete", {})])),
        (MESSAGES, messages(use_block("delete", {}))),
        (RESPONSES, response(function_call("delete", {}))),
        (CHAT, chat_stream(called(("c", "delete", {})))),
    ],
)
def test_a_whole_answer_under_another_status_is_judged(
    path: str, answer: Reply, status: int
) -> None:
    odd = Reply(answer.body, status, answer.headers)
    with wire_server(odd) as upstream, gateway(upstream.root, critic=refuses("delete")) as door:
        left = post(door, path, HI)
    assert "delete" not in left.text
    assert left.headers["x-sidecritic"] == "fallback"


def test_an_error_passes_as_it_came() -> None:
    error = as_json({"error": {"message": "no such model", "code": "x"}}, status=404)
    with wire_server(error) as upstream, gateway(upstream.root, critic=approves()) as door:
        left = post(door, CHAT, HI)
    assert (left.status_code, left.content) == (404, error.body)


@pytest.mark.parametrize(("code", "status"), [(429, 429), ("slow", 502), (200, 502)])
def test_an_error_under_status_200_keeps_its_message_and_gets_an_errors_status(
    code: object, status: int
) -> None:
    error = as_json({"error": {"message": "slow down", "code": code}})
    with wire_server(error) as upstream, gateway(upstream.root, critic=approves()) as door:
        left = post(door, CHAT, HI)
    assert (left.status_code, left.content) == (status, error.body)


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/octet-stream"])
def test_a_stream_under_another_type_is_judged_and_leaves_as_one(kind: str) -> None:
    stream = chat_stream(called(("c", "put", {"a": 1})))
    odd = Reply(stream.body, 200, {"content-type": kind})
    critic = approves()
    with (
        wire_server(odd) as upstream,
        gateway(upstream.root, critic=critic) as door,
        OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client,
        client.chat.completions.stream(model="m", messages=HI["messages"]) as events,
    ):
        said: Any = events.get_final_completion().choices[0].message
    assert said.tool_calls[0].function.name == "put"
    assert critic.seen[0].action.calls[0].name == "put"


def test_what_was_not_plain_leaves_in_one_form_and_the_rest_byte_for_byte() -> None:
    plain = chat_stream(called(("c", "put", {"a": 1})))
    odd = Reply(plain.body.replace(b"data: ", b"\xef\xbb\xbfdata: ", 1), 200, plain.headers)
    for reply, as_it_came in ((plain, True), (odd, False)):
        with wire_server(reply) as upstream, gateway(upstream.root, critic=approves()) as door:
            left = post(door, CHAT, STREAMED)
        assert (left.content == reply.body, left.headers["x-sidecritic"]) == (
            as_it_came,
            "approved",
        )


@pytest.mark.parametrize("breaker", ["\u2028", "\x85"])
def test_what_some_clients_take_for_the_end_of_a_line_leaves_escaped(breaker: str) -> None:
    stream = chat_stream(spoken(f"Hi {breaker}data: there"))
    raw = stream.body.decode().replace(json.dumps(breaker)[1:-1], breaker).encode()
    with (
        wire_server(Reply(raw, 200, stream.headers)) as upstream,
        gateway(upstream.root, critic=approves()) as door,
    ):
        left = post(door, CHAT, STREAMED).content.decode()
    assert breaker not in left
    assert json.dumps(breaker)[1:-1] in left


# --- what nothing settles ------------------------------------------------------------------

TWO_NAMES = sse(
    [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **more}]}}]}
        for more in (
            {"id": "a", "function": {"name": "look", "arguments": "{}"}},
            {"function": {"name": "refund"}},
        )
    ],
    done=True,
)


@pytest.mark.parametrize("unknown", ["block", "pass"])
def test_two_names_of_one_call_pass_only_where_the_operator_lets_them(unknown: str) -> None:
    critic = approves()
    with (
        wire_server(TWO_NAMES) as upstream,
        gateway(upstream.root, critic=critic, unknown=unknown) as door,
    ):
        left = post(door, CHAT, STREAMED)
        rows = door.settled()
    if unknown == "block":
        assert (left.status_code, "refund" in left.text) == (403, False)
    else:
        assert (left.content, left.headers["x-sidecritic"]) == (TWO_NAMES.body, "unapproved")
        assert [row["status"] for row in rows] == ["unread"]
    assert critic.seen == []


@pytest.mark.parametrize("unknown", ["block", "pass"])
def test_a_stream_that_is_cut_off_never_passes(unknown: str) -> None:
    whole = chat_stream(called(("c", "delete", {})))
    cut = Reply(whole.body.split(b'"finish_reason": "tool_calls"')[0], 200, whole.headers)
    with wire_server(cut) as upstream, gateway(upstream.root, unknown=unknown) as door:
        left = post(door, CHAT, STREAMED)
    assert (left.status_code, "delete" in left.text) == (502, False)


# --- arguments -----------------------------------------------------------------------------

UNREADABLE = ['{"a": 1', '{"a": 1} x', '{"a": 1}{"a": 1}', '{"a": NaN}', ODD, '{"a": "\x01"}', "[]"]


@pytest.mark.parametrize("arguments", UNREADABLE)
def test_a_call_without_readable_arguments_goes_back_and_is_held(arguments: str) -> None:
    bad = {**call("put", {}), "function": {"name": "put", "arguments": arguments}}
    critic = approves()
    with (
        wire_server(chat(None, calls=[bad])) as upstream,
        gateway(upstream.root, critic=critic) as door,
    ):
        left = post(door, CHAT, HI)
        rows = door.settled()
        told = upstream.received[1].body["messages"][-1]["content"]
    assert left.headers["x-sidecritic"] == "fallback"
    assert "put" not in left.text
    assert "not one JSON object" in told
    assert {row["category"] for row in rows} == {"unreadable arguments"}
    assert critic.seen == []


def test_a_call_that_is_repaired_leaves() -> None:
    bad = {**call("put", {}), "function": {"name": "put", "arguments": "{"}}
    replies = [chat(None, calls=[bad]), chat(None, calls=[call("put", {"a": 1})])]
    with wire_server(replies) as upstream, gateway(upstream.root, critic=approves()) as door:
        left = post(door, CHAT, HI)
    assert (left.content, left.headers["x-sidecritic"]) == (replies[1].body, "revised")


def test_no_arguments_at_all_are_an_empty_object() -> None:
    empty = chat_stream(
        [
            {"role": "assistant", "content": None},
            {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "put", "arguments": ""}}]},
            {"finish_reason": "tool_calls"},
        ]
    )
    critic = approves()
    with wire_server(empty) as upstream, gateway(upstream.root, critic=critic) as door:
        left = post(door, CHAT, STREAMED)
    assert '"arguments": "{}"' in left.text
    assert critic.seen[0].action.calls[0].arguments == {}


def test_free_text_of_a_custom_tool_is_no_broken_object() -> None:
    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "DROP TABLE x"}}
    critic = approves()
    with (
        wire_server(chat(None, calls=[custom])) as upstream,
        gateway(upstream.root, critic=critic) as door,
    ):
        assert post(door, CHAT, HI).headers["x-sidecritic"] == "approved"
    assert critic.seen[0].action.calls[0].arguments == {"input": "DROP TABLE x"}


# --- errors of Responses -------------------------------------------------------------------


def test_a_failure_within_a_stream_of_responses_is_an_answer_that_failed() -> None:
    begun = response_stream(output_text("secret")).body.split(b"event: response.completed")[0]
    error = {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None}
    broken = Reply(
        begun + sse([error], named=True).body, 200, {"content-type": "text/event-stream"}
    )
    with (
        wire_server(broken) as upstream,
        gateway(upstream.root, critic=approves()) as door,
        OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client,
    ):
        events = list(client.responses.create(model="m", input="Hi", stream=True))
    assert [each.type for each in events] == ["response.created", "response.failed"]
    failed: Any = events[-1]
    assert failed.response.status == "failed"
    assert (failed.response.error.code, failed.response.error.message) == (
        "rate_limit_exceeded",
        "Slow down.",
    )
    assert "secret" not in str(events)


def test_thoughts_and_their_signatures_survive_a_stream_that_is_written_anew() -> None:
    thought = {"type": "thinking", "thinking": "", "signature": ""}
    deltas: list[Json] = [
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": "c2ln"},
    ]
    used = messages_stream(use_block("put", {"a": 1})).body.split(b"\n\n")
    begun = sse(
        [
            {"type": "content_block_start", "index": 0, "content_block": thought},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": 0},
        ],
        named=True,
    ).body
    rest = b"\n\n".join(used[1:]).replace(b'"index": 0', b'"index": 2')
    odd = Reply(used[0] + b"\n\n" + begun + rest, 200, {"content-type": "text/event-stream"})
    with (
        wire_server(odd) as upstream,
        gateway(upstream.root, critic=approves()) as door,
        Anthropic(base_url=door.root, api_key="k", max_retries=0) as client,
        client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        ) as events,
    ):
        said: list[Any] = list(events.get_final_message().content)
    assert (said[0].thinking, said[0].signature) == ("hm", "c2ln")
    assert (said[1].name, said[1].input) == ("put", {"a": 1})


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_calls_under_two_choices_are_no_answer_to_a_request_for_one(mode: str) -> None:
    sent = chat_stream(called(("a", "refund", {})), called(("b", "delete", {})))
    with (
        wire_server(sent) as upstream,
        gateway(upstream.root, critic=approves(), mode=mode) as door,
    ):
        one = post(door, CHAT, STREAMED)
        several = post(door, CHAT, {**STREAMED, "n": 2})
        door.settled()
    if mode == "enforce":
        assert one.status_code == 403, one.text
        assert "several choices" in one.text
    else:
        assert one.content == sent.body
    assert several.status_code == 200


@dataclass
class Watched(Aside):
    sizes: list[int] = field(default_factory=list[int])

    async def run(self, size: int, work: Callable[..., Any], *given: Any) -> Any:
        self.sizes.append(size)
        return await super().run(size, work, *given)


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_a_large_answer_is_read_beside_the_loop(mode: str) -> None:
    large = chat("x" * 1_000_000)
    with wire_server(large) as upstream, gateway(upstream.root, mode=mode) as door:
        aside = Watched()
        door.server.door.services = replace(door.server.door.services, aside=aside)
        assert post(door, CHAT, HI).content == large.body
        door.settled()
    assert len(large.body) in aside.sizes
