"""Streamed answers, as servers send them that were asked with `stream`."""

import json
from collections.abc import Sequence

import pytest

from sidecritic.errors import ModelError, ModelUnavailable
from sidecritic.models.openai import OpenAIChat
from sidecritic.types import Completion, Request, Sampling, User
from tests.wire import Json, Reply, wire_server

STREAM = Sampling(extra={"stream": True})


def chunk(delta: Json | None = None, **more: object) -> Json:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": None, **more}
    return {"id": "1", "object": "chat.completion.chunk", "model": "served", "choices": [choice]}


def told(parts: Sequence[Json | str], *, done: bool = True) -> Reply:
    lines = [
        f"data: {part if isinstance(part, str) else json.dumps(part)}\r\n\r\n" for part in parts
    ]
    text = ": ping\r\n\r\n" + "".join(lines) + ("data: [DONE]\r\n\r\n" if done else "")
    return Reply(text.encode(), headers={"content-type": "text/event-stream"})


async def complete(reply: Reply) -> Completion:
    with wire_server(reply) as server:
        model = OpenAIChat("m", base_url=server.base_url, timeout=20)
        try:
            return await model.complete(Request(messages=(User(text="Hi"),), sampling=STREAM))
        finally:
            await model.aclose()


async def test_the_parts_of_a_stream_are_one_answer() -> None:
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -2.5}]
    tokens = {"content": [{"token": "Yes", "logprob": -0.1, "top_logprobs": top}]}
    usage: Json = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    answer = await complete(
        told(
            [
                chunk({"role": "assistant", "content": ""}),
                chunk({"content": "Yes"}, logprobs=tokens),
                chunk({"content": ", it is."}),
                chunk(finish_reason="length"),
                usage,
            ]
        )
    )
    assert answer.message.text == "Yes, it is."
    assert (answer.finish, answer.model) == ("length", "served")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 2)
    assert answer.logprobs[0].top == {"Yes": -0.1, "No": -2.5}


async def test_a_server_that_tells_no_usage_is_read_all_the_same() -> None:
    answer = await complete(told([chunk({"content": "Yes"}), chunk(finish_reason="stop")]))
    assert answer.message.text == "Yes"
    assert answer.usage.input_tokens == 0


@pytest.mark.parametrize(
    "reply",
    [
        told([chunk({"content": "Ye"})], done=False),
        told([chunk({"content": "Ye"}), '{"choices": [{"del'], done=False),
        told([]),
    ],
)
async def test_a_stream_that_breaks_off_may_be_tried_again(reply: Reply) -> None:
    with pytest.raises(ModelUnavailable, match="broke off"):
        await complete(reply)


async def test_an_error_within_a_stream_is_said_as_the_server_says_it() -> None:
    with pytest.raises(ModelError, match="out of memory"):
        await complete(told([chunk({"content": "Y"}), {"error": {"message": "out of memory"}}]))


async def test_tool_calls_in_a_stream_are_put_together() -> None:
    begun = {"index": 0, "id": "a", "function": {"name": "get", "arguments": '{"id"'}}
    rest = {"index": 0, "function": {"arguments": ": 7}"}}
    parts = [chunk({"tool_calls": [begun]}), chunk({"tool_calls": [rest]})]
    answer = await complete(told([*parts, chunk(finish_reason="tool_calls")]))
    (call,) = answer.message.calls
    assert (call.id, call.name, call.arguments) == ("a", "get", {"id": 7})
    assert answer.finish == "tool_calls"
