"""The real SDK against a real server on loopback: what is sent, and how answers are read."""

from contextlib import aclosing
from typing import Any

from sidecritic.models.openai import OpenAIChat
from sidecritic.types import (
    Assistant,
    Completion,
    Request,
    Sampling,
    System,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)
from tests.wire import Json, Reply, call, chat, completion, wire_server

REFUND = ToolSpec(
    name="refund",
    description="Pay back an order.",
    parameters={
        "type": "object",
        "properties": {"order_id": {"type": "string"}},
        "required": ["order_id"],
    },
)
ASKED = Request(messages=(System(text="Be kind."), User(text="Refund #1")), tools=(REFUND,))


async def answer_to(request: Request, reply: Reply) -> tuple[Completion, Json]:
    """Return the completion, and the body that the server received."""
    with wire_server(reply) as server:
        async with aclosing(OpenAIChat("m", base_url=server.base_url, api_key="k")) as model:
            completion = await model.complete(request)
        return completion, server.received[0].body


async def test_a_plain_answer_carries_text_usage_and_the_served_model():
    answer, _ = await answer_to(ASKED, chat("Sure."))

    assert answer.message == Assistant(text="Sure.")
    assert (answer.finish, answer.model) == ("stop", "served-model")
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (12, 5, 8)
    assert usage.cost_usd is None
    assert answer.seconds > 0


async def test_the_conversation_is_rendered_as_chat_completions_want_it():
    made = ToolCall(id="c1", name="refund", arguments={"order_id": "1"}, raw='{"order_id":  "1"}')
    request = Request(
        messages=(
            System(text="Be kind."),
            User(text="Refund #1"),
            Assistant(calls=(made,)),
            ToolResult(call_id="c1", name="refund", text="done"),
            Assistant(text="Done."),
        )
    )

    _, sent = await answer_to(request, chat())

    function = {"name": "refund", "arguments": '{"order_id":  "1"}'}
    assert sent["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Refund #1"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
        {"role": "assistant", "content": "Done."},
    ]
    assert "tools" not in sent and "tool_choice" not in sent


async def test_malformed_arguments_go_back_to_the_server_as_an_object():
    broken = ToolCall(id="c1", name="refund", arguments=None, raw="{order")
    unwritten = ToolCall(id="c2", name="refund", arguments={"order_id": "2"}, raw="")
    request = Request(messages=(User(text="go"), Assistant(calls=(broken, unwritten))))

    _, sent = await answer_to(request, chat())

    calls = sent["messages"][1]["tool_calls"]
    assert [c["function"]["arguments"] for c in calls] == [
        '{"malformed_arguments": "{order"}',
        '{"order_id": "2"}',
    ]


async def test_sampling_is_sent_by_the_providers_names():
    sampling = Sampling(
        temperature=0.0,
        max_tokens=9,
        seed=7,
        stop=("END",),
        top_logprobs=3,
        tool_choice="refund",
        extra={"response_format": {"type": "json_object"}},
    )

    _, sent = await answer_to(ASKED.model_copy(update={"sampling": sampling}), chat())

    del sent["messages"], sent["tools"]
    assert sent == {
        "model": "m",
        "temperature": 0.0,
        "max_tokens": 9,
        "seed": 7,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 3,
        "tool_choice": {"type": "function", "function": {"name": "refund"}},
        "response_format": {"type": "json_object"},
    }


async def test_what_is_not_chosen_is_left_to_the_provider():
    _, sent = await answer_to(ASKED, chat())

    assert sorted(sent) == ["messages", "model", "tools"]
    assert sent["tools"][0]["function"]["parameters"] == REFUND.parameters


async def test_the_token_limit_may_be_named_by_hand():
    sampling = Sampling(max_tokens=9, extra={"max_completion_tokens": 11})

    _, sent = await answer_to(ASKED.model_copy(update={"sampling": sampling}), chat())

    assert sent["max_completion_tokens"] == 11
    assert "max_tokens" not in sent


async def test_reasoning_models_get_the_limit_under_its_new_name():
    request = ASKED.model_copy(update={"sampling": Sampling(max_tokens=9)})
    with wire_server(chat()) as server:
        async with aclosing(OpenAIChat("openai/o4-mini", base_url=server.base_url)) as model:
            await model.complete(request)
        assert server.received[0].body["max_completion_tokens"] == 9


async def test_parallel_calls_keep_ids_and_the_models_own_argument_text():
    reply = chat(
        None,
        calls=[
            call("refund", '{"order_id":"1"}', id="a"),
            call("refund", '{"order_id":"2"}', id="b"),
        ],
    )

    answer, _ = await answer_to(ASKED, reply)

    assert answer.finish == "tool_calls"
    assert [(c.id, c.arguments, c.raw) for c in answer.message.calls] == [
        ("a", {"order_id": "1"}, '{"order_id":"1"}'),
        ("b", {"order_id": "2"}, '{"order_id":"2"}'),
    ]


async def test_arguments_that_are_not_an_object_are_kept_as_text():
    for raw in ("{order: 1", "[1]", '"text"', '{"x": NaN}', '{"x": 1e999}', "[" * 10_000):
        answer, _ = await answer_to(ASKED, chat(None, calls=[call("refund", raw)]))

        (made,) = answer.message.calls
        assert (made.arguments, made.raw) == (None, raw)


async def test_blank_arguments_mean_none():
    answer, _ = await answer_to(ASKED, chat(None, calls=[call("refund", "")]))

    assert answer.message.calls[0].arguments == {}


async def test_repeated_and_missing_ids_become_distinct():
    earlier = ToolCall(id="call_0", name="refund", arguments={}, raw="{}")
    request = Request(
        messages=(
            User(text="go"),
            Assistant(calls=(earlier,)),
            ToolResult(call_id="call_0", name="refund", text="done"),
        ),
        tools=(REFUND,),
    )
    again = [call("refund", {}, id="call_0"), call("refund", {}, id=""), call("refund", {}, id="x")]

    answer, _ = await answer_to(request, chat(None, calls=again))

    ids = [c.id for c in answer.message.calls]
    assert len({"call_0", *ids}) == 4 and ids[2] == "x"


async def test_logprobs_come_with_their_alternatives():
    token = {
        "token": "Yes",
        "logprob": -0.1,
        "bytes": None,
        "top_logprobs": [
            {"token": "Yes", "logprob": -0.1, "bytes": None},
            {"token": "No", "logprob": -2.5, "bytes": None},
            {"token": "Yes", "logprob": -7.0, "bytes": None},
        ],
    }

    answer, _ = await answer_to(ASKED, chat("Yes", logprobs=[token]))

    (first,) = answer.logprobs
    assert (first.token, first.logprob) == ("Yes", -0.1)
    assert first.top == {"Yes": -0.1, "No": -2.5}


async def test_a_call_that_arrives_as_text_becomes_a_call():
    text = 'One moment.\n<tool_call>{"name": "refund", "arguments": {"order_id": "1"}}</tool_call>'

    answer, _ = await answer_to(ASKED, chat(text))

    assert answer.finish == "tool_calls"
    assert answer.message.text == "One moment."
    assert answer.message.calls[0].arguments == {"order_id": "1"}


async def test_text_stays_text_where_no_call_may_be_made():
    text = '{"name": "refund", "arguments": {"order_id": "1"}}'
    forbidden = ASKED.model_copy(update={"sampling": Sampling(tool_choice="none")})
    untooled = ASKED.model_copy(update={"tools": ()})

    for request in (forbidden, untooled):
        answer, _ = await answer_to(request, chat(text))
        assert answer.message == Assistant(text=text)


async def test_reasoning_is_kept_apart_from_the_text():
    fields: list[dict[str, Any]] = [{"reasoning_content": "hm"}, {"reasoning": "hm"}]
    replies = [chat("Hi", **field) for field in fields] + [chat("<think>hm</think>\n\nHi")]

    for reply in replies:
        answer, _ = await answer_to(ASKED, reply)
        assert answer.message == Assistant(text="Hi", reasoning="hm")


async def test_why_the_answer_ended_is_told_in_our_words():
    expected = {"length": "length", "content_filter": "filtered", "stop": "stop", "eos": "stop"}

    for theirs, ours in expected.items():
        answer, _ = await answer_to(ASKED, chat("x", finish=theirs))
        assert answer.finish == ours


async def test_an_empty_answer_and_a_refusal_are_completions():
    empty, _ = await answer_to(ASKED, chat(None))
    refused, _ = await answer_to(ASKED, chat(None, refusal="I can't."))

    assert empty.message == Assistant()
    assert refused.message.text == "I can't."


async def test_a_sparse_answer_of_a_small_server_is_enough():
    sparse = completion([{"message": {"role": "assistant", "content": "Hi"}}])
    body = sparse.body.replace(b'"prompt_tokens_details": {"cached_tokens": 8}', b'"x": null')

    answer, _ = await answer_to(ASKED, Reply(body))

    assert (answer.message.text, answer.finish, answer.usage.cached_tokens) == ("Hi", "stop", 0)
