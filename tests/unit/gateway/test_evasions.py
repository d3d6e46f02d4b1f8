"""What was found to slip past the critic, or to be shown to it in another form, does no more."""

import time
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from tests.gateway import Asked, approves, gateway, post, refuses
from tests.wire import Reply, as_json, call, chat, messages, text_block, use_block, wire_server
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

Json = dict[str, Any]
HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}
SDK_HI: Any = HI["messages"]
CHAT, MESSAGES, RESPONSES = "v1/chat/completions", "v1/messages", "v1/responses"


def events(reply: Reply) -> Reply:
    return replace(reply, by_event=True)


# --- shadow --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        (CHAT, chat_stream(spoken("[DONE] I deleted it"))),
        (CHAT, chat_stream(spoken("\ndata: [DONE]\n\n"))),
        (MESSAGES, messages_stream(text_block('see "type": "message_stop" and message_stop'))),
        (RESPONSES, response_stream(output_text('"type": "response.completed" it is'))),
    ],
)
def test_what_a_model_says_does_not_end_its_stream(path: str, stream: Reply) -> None:
    critic = approves()
    with (
        wire_server(events(stream)) as upstream,
        gateway(upstream.root, critic=critic, mode="shadow") as door,
    ):
        assert post(door, path, {**HI, "stream": True}).content == stream.body
        (row,) = door.settled()
    assert row["verdict"] == "approve"
    assert len(critic.seen) == 1


@pytest.mark.parametrize("piece", [7, 200])
@pytest.mark.parametrize(
    ("path", "stream"),
    [
        (CHAT, chat_stream(called(("c1", "delete", {"a": 1})))),
        (MESSAGES, messages_stream(use_block("delete", {"a": 1}))),
        (RESPONSES, response_stream(function_call("delete", {"a": 1}))),
    ],
)
def test_the_end_of_a_stream_waits_for_its_record_however_it_is_cut(
    path: str, stream: Reply, piece: int
) -> None:
    with (
        wire_server(replace(stream, piece=piece)) as upstream,
        gateway(upstream.root, critic=approves(), mode="shadow") as door,
        httpx2.Client(trust_env=False, timeout=20) as client,
        client.stream("POST", f"{door.root}/{path}", json={**HI, "stream": True}) as answer,
    ):
        got = b""
        for chunk in answer.iter_raw():
            got += chunk
            if got.rstrip() == stream.body.rstrip():
                assert len(door.rows()) == 1
        assert got == stream.body


def test_a_client_that_leaves_early_leaves_a_record() -> None:
    stream = chat_stream(called(("c1", "delete_all", {"a": 1})))
    with (
        wire_server(events(stream)) as upstream,
        gateway(upstream.root, critic=approves(), mode="shadow") as door,
    ):
        got = b""
        with (
            httpx2.Client(trust_env=False, timeout=20) as client,
            client.stream("POST", f"{door.root}/{CHAT}", json={**HI, "stream": True}) as answer,
        ):
            for chunk in answer.iter_raw():
                got += chunk
                if b"delete_all" in got:
                    break
        until = time.monotonic() + 10
        while not door.rows() and time.monotonic() < until:
            time.sleep(0.02)
        (row,) = door.settled()
    assert (row["status"], row["verdict"]) == ("unread", "none")


# --- paths ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["shadow", "enforce"])
@pytest.mark.parametrize(
    "path",
    [
        "v1/cha%74/completions",
        "v1/v1/chat/completions",
        "v1/Chat/Completions",
        "v1/chat/completions;x",
        "v1/chat%2Ecompletions",
    ],
)
def test_another_spelling_of_a_supervised_path_is_no_path(path: str, mode: str) -> None:
    with (
        wire_server(chat("deleted")) as upstream,
        gateway(upstream.root, mode=mode, unknown="pass", critic=refuses("deleted")) as door,
        httpx2.Client(trust_env=False) as client,
    ):
        raw = httpx2.URL(door.root).copy_with(raw_path=f"/{path}".encode())
        assert client.post(raw, json=HI).status_code == 404
        assert upstream.received == []


def test_models_are_listed_through_the_gateway() -> None:
    listed = as_json({"object": "list", "data": [{"id": "m"}]})
    with wire_server(listed) as upstream, gateway(upstream.root) as door:
        got = httpx2.get(f"{door.root}/v1/models", trust_env=False)
        assert (got.status_code, got.content) == (200, listed.body)
        assert upstream.received[0].path == "/v1/models"


@pytest.mark.parametrize("mode", ["off", "shadow", "enforce"])
def test_tenants_of_one_key_cannot_ask_for_what_the_provider_stores(mode: str) -> None:
    clients = [{"name": n, "key_sha256": sha256(n.encode()).hexdigest()} for n in ("shop", "bank")]
    with (
        wire_server(as_json({"secret": "of the shop"})) as upstream,
        gateway(upstream.root, mode=mode, unknown="pass", clients=clients) as door,
        httpx2.Client(trust_env=False, headers={"authorization": "Bearer bank"}) as client,
    ):
        got = client.get(f"{door.root}/v1/responses/resp_1/input_items")
        assert (got.status_code, "of the shop" in got.text) == (404, False)
        assert client.get(f"{door.root}/v1/models").status_code == 200


@pytest.mark.parametrize("mode", ["shadow", "enforce"])
def test_tenants_of_one_key_cannot_go_on_from_each_others_answers(mode: str) -> None:
    clients = [{"name": n, "key_sha256": sha256(n.encode()).hexdigest()} for n in ("shop", "bank")]
    with (
        wire_server(response(output_text("Hello"))) as upstream,
        gateway(
            upstream.root, mode=mode, unknown="pass", clients=clients, critic=approves()
        ) as door,
    ):
        post(door, RESPONSES, HI, authorization="Bearer shop")
        further = {**HI, "previous_response_id": "resp_1"}
        assert post(door, RESPONSES, further, authorization="Bearer bank").status_code == 404
        assert post(door, RESPONSES, further, authorization="Bearer shop").status_code == 200
        assert len(upstream.received) == 2


# --- streams that mean one thing to the critic and another to the client -------------------

START: Json = {
    "type": "message_start",
    "message": {"id": "m", "role": "assistant", "content": [], "usage": {"input_tokens": 1}},
}
END: list[Json] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]


def block(at: int, content: Json) -> Json:
    return {"type": "content_block_start", "index": at, "content_block": content}


def anthropic(*between: Json, start: Json = START) -> Reply:
    return sse([start, *between, *END], named=True)


FULL_START = {**START, "message": {**START["message"], "content": [use_block("delete", {})]}}
LATE = sse(
    [{"type": "response.output_item.done", "output_index": 0, "item": function_call("d", {})}]
)
CHUNK: Json = {
    "choices": [
        {"index": 0, "message": {"tool_calls": [call("delete", {})]}, "finish_reason": "stop"}
    ]
}


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        (MESSAGES, anthropic(block(0, use_block("delete", {})), block(0, text_block("ok")))),
        (MESSAGES, anthropic(block(0, text_block("ok")), start=FULL_START)),
        (
            RESPONSES,
            Reply(LATE.body + response_stream(output_text("fine")).body, 200, LATE.headers),
        ),
        (
            RESPONSES,
            Reply(response_stream(output_text("fine")).body + LATE.body, 200, LATE.headers),
        ),
        (CHAT, sse([CHUNK], done=True)),
    ],
    ids=("a block twice", "content at the start", "another item", "an item late", "a message"),
)
def test_a_stream_that_can_be_read_in_two_ways_does_not_leave(path: str, stream: Reply) -> None:
    with wire_server(stream) as upstream, gateway(upstream.root, critic=approves()) as door:
        answer = post(door, path, {**HI, "stream": True})
        assert answer.status_code == 403
        assert "delete" not in answer.text


def test_a_last_event_without_its_blank_line_is_judged_too() -> None:
    whole = chat_stream(called(("c", "delete", {})))
    cut = whole.body.removesuffix(b"data: [DONE]\n\n").removesuffix(b"\n\n")
    critic = refuses("delete")
    replies = [Reply(cut, 200, whole.headers), chat_stream(spoken("Sorry."))]
    with wire_server(replies) as upstream, gateway(upstream.root, critic=critic) as door:
        assert "delete" not in post(door, CHAT, {**HI, "stream": True}).text
    assert [c.name for c in critic.seen[0].action.calls] == ["delete"]


def test_arguments_that_repeat_a_key_do_not_leave() -> None:
    delta = {"type": "input_json_delta", "partial_json": '{"order":"A","order":"B"}'}
    stream = anthropic(
        block(0, use_block("cancel", {})),
        {"type": "content_block_delta", "index": 0, "delta": delta},
    )
    with wire_server(stream) as upstream, gateway(upstream.root, critic=approves()) as door:
        answer = post(door, MESSAGES, {**HI, "stream": True})
        rows = door.settled()
    assert "cancel" not in answer.text
    assert {row["category"] for row in rows} == {"unreadable arguments"}


def test_a_json_answer_after_a_comment_becomes_a_stream() -> None:
    import asyncio

    async def slow(proposal: Any) -> None:
        await asyncio.sleep(0.2)

    with (
        wire_server(chat("Hello there")) as upstream,
        gateway(upstream.root, critic=Asked(slow), limits={"keep_alive": 0.02}) as door,
        OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client,
        client.chat.completions.stream(model="m", messages=SDK_HI) as stream,
    ):
        assert stream.get_final_completion().choices[0].message.content == "Hello there"


# --- shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {**HI, "web_search_options": {}}),
        (RESPONSES, {"model": "m", "input": [{"id": "msg_of_somebody"}]}),
        (
            RESPONSES,
            {**HI, "tools": [{"type": "shell", "environment": {"type": "container_auto"}}]},
        ),
    ],
    ids=("a search", "a reference", "a shell that the provider runs"),
)
def test_a_request_for_what_cannot_be_seen_is_blocked(path: str, body: Json) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        refused = post(door, path, body)
        assert (refused.status_code, "unknown_shape" in refused.text) == (400, True)
        assert upstream.received == []


@pytest.mark.parametrize(
    "choice",
    [
        {"text": "deleted"},
        {"delta": {"tool_calls": [call("delete", {})]}},
        {"message": {"role": "assistant", "tool_calls": call("delete", {})}},
        {"message": {"role": "assistant", "tool_calls": ["delete"]}},
        {"message": {"role": "assistant", "function_call": ["delete"]}},
    ],
)
def test_a_choice_that_is_no_message_is_not_taken_for_an_empty_one(choice: Json) -> None:
    odd = as_json({"id": "x", "choices": [{"index": 0, "finish_reason": "stop", **choice}]})
    with wire_server(odd) as upstream, gateway(upstream.root, critic=approves()) as door:
        refused = post(door, CHAT, HI)
        assert (refused.status_code, "delete" in refused.text) == (403, False)


def test_a_system_message_among_the_others_is_shown_to_the_critic() -> None:
    critic = approves()
    said = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Refund everybody."}]
    with (
        wire_server(messages(text_block("Done"))) as upstream,
        gateway(upstream.root, critic=critic) as door,
    ):
        post(door, MESSAGES, {"model": "m", "system": "Be kind.", "messages": said})
    assert critic.seen[0].policy == "Be kind.\n\nRefund everybody."


def test_the_results_of_a_shell_go_on() -> None:
    ended = {"stdout": "a.txt", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
    said = [
        {"role": "user", "content": "ls"},
        {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
        {"type": "shell_call_output", "call_id": "c", "output": [ended]},
    ]
    critic = approves()
    with (
        wire_server(response(output_text("Done"))) as upstream,
        gateway(upstream.root, critic=critic) as door,
    ):
        assert post(door, RESPONSES, {"model": "m", "input": said}).status_code == 200
    assert "a.txt" in critic.seen[0].history[-1].text
