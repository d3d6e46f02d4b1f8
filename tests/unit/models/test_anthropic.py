"""The real SDK against a real server on loopback: what is sent, and how answers are read."""

from contextlib import aclosing

import pytest

from sidecritic.errors import ConfigError
from sidecritic.models.anthropic import OPENER, AnthropicMessages
from sidecritic.types import (
    Assistant,
    Completion,
    Message,
    Request,
    Sampling,
    System,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)
from tests.wire import Json, Reply, messages, text_block, use_block, wire_server

LOOK_UP = ToolSpec(name="look_up", description="Find an order.")
HELLO = messages(text_block("Hello"))
ASKED = Request(messages=(System(text="Be kind."), User(text="Find #1")), tools=(LOOK_UP,))


def looked_up(id: str) -> ToolCall:
    return ToolCall(id=id, name="look_up", arguments={"n": 1}, raw='{"n": 1}')


def found(id: str, *, is_error: bool = False) -> ToolResult:
    return ToolResult(call_id=id, name="look_up", text=f"order {id}", is_error=is_error)


async def answer_to(request: Request, reply: Reply = HELLO) -> tuple[Completion, Json]:
    """Return the completion, and the body that the server received."""
    with wire_server(reply) as server:
        async with aclosing(AnthropicMessages("m", base_url=server.root, api_key="k")) as model:
            completion = await model.complete(request)
        return completion, server.received[0].body


async def sent_for(*chat: Message) -> list[Json]:
    _, sent = await answer_to(Request(messages=chat))
    return sent["messages"]


async def test_an_answer_carries_text_calls_reasoning_and_usage():
    reply = messages(
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        text_block("One moment."),
        use_block("look_up", {"n": 1}, id="t1"),
        use_block("look_up", {"n": 2}, id="t2"),
        stop="tool_use",
    )

    answer, _ = await answer_to(ASKED, reply)

    assert (answer.finish, answer.model) == ("tool_calls", "served-claude")
    assert (answer.message.text, answer.message.reasoning) == ("One moment.", "hm")
    assert [(c.id, c.arguments) for c in answer.message.calls] == [
        ("t1", {"n": 1}),
        ("t2", {"n": 2}),
    ]
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (12, 5, 6)


async def test_system_stands_apart_and_a_token_limit_is_always_set():
    chat = (System(text="Be kind."), System(text="Be brief."), User(text="Hi"))

    _, sent = await answer_to(Request(messages=chat))

    assert sent == {
        "model": "m",
        "max_tokens": 4096,
        "system": "Be kind.\n\nBe brief.",
        "messages": [{"role": "user", "content": [text_block("Hi")]}],
    }


async def test_sampling_and_tools_are_sent_by_the_providers_names():
    sampling = Sampling(max_tokens=9, seed=1, stop=("END",), extra={"service_tier": "auto"})

    _, sent = await answer_to(ASKED.model_copy(update={"sampling": sampling}))

    del sent["messages"], sent["system"]
    schema: Json = {"type": "object", "properties": {}}
    assert sent == {
        "model": "m",
        "max_tokens": 9,
        "stop_sequences": ["END"],
        "service_tier": "auto",
        "tools": [{"name": "look_up", "description": "Find an order.", "input_schema": schema}],
    }


async def test_a_temperature_is_sent_in_the_api_version_that_knows_it():
    warm = ASKED.model_copy(update={"sampling": Sampling(temperature=0.0)})
    with wire_server(HELLO) as server:
        async with aclosing(AnthropicMessages("m", base_url=server.root)) as model:
            await model.complete(warm)
            await model.complete(ASKED)
        first, second = server.received

    assert (first.body["temperature"], first.headers["anthropic-version"]) == (0.0, "2023-06-01")
    assert "temperature" not in second.body
    assert second.headers["anthropic-version"] > "2023-06-01"


@pytest.mark.parametrize(
    ("choice", "sent_as"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("look_up", {"type": "tool", "name": "look_up"}),
    ],
)
async def test_tool_choice_is_sent_by_the_providers_names(choice: str, sent_as: Json):
    request = ASKED.model_copy(update={"sampling": Sampling(tool_choice=choice)})

    _, sent = await answer_to(request)

    assert sent["tool_choice"] == sent_as


async def test_all_results_of_a_message_come_back_in_one_before_any_text():
    sent = await sent_for(
        User(text="Find both"),
        Assistant(text="Looking.", calls=(looked_up("a"), looked_up("b"))),
        found("a"),
        found("b", is_error=True),
        User(text="And?"),
    )

    assert [m["role"] for m in sent] == ["user", "assistant", "user"]
    assert [b["type"] for b in sent[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert sent[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "order a", "is_error": False},
        {"type": "tool_result", "tool_use_id": "b", "content": "order b", "is_error": True},
        text_block("And?"),
    ]


async def test_messages_of_one_role_in_a_row_are_merged():
    sent = await sent_for(
        User(text="One"), User(text="Two"), Assistant(text="Yes"), Assistant(text="?")
    )

    assert [(m["role"], len(m["content"])) for m in sent] == [("user", 2), ("assistant", 2)]


async def test_the_user_always_begins():
    greeted = await sent_for(System(text="s"), Assistant(text="Welcome!"), User(text="Hi"))
    silent = await sent_for(System(text="s"))

    opener = {"role": "user", "content": [text_block(OPENER)]}
    assert greeted[0] == opener and [m["role"] for m in greeted] == ["user", "assistant", "user"]
    assert silent == [opener]


async def test_what_the_api_would_refuse_is_not_sent():
    broken = ToolCall(id="call:1/ä", name="look_up", arguments=None, raw="{oops")
    sent = await sent_for(
        User(text="  "),
        Assistant(text=" ", calls=(broken,)),
        found("call:1/ä"),
        Assistant(),
        User(text="Go on"),
    )

    assert sent[0]["content"] == [text_block("(empty message)")]
    (use,) = sent[1]["content"]
    assert (use["id"], use["input"]) == ("call_1__", {"malformed_arguments": "{oops"})
    assert [b["type"] for b in sent[2]["content"]] == ["tool_result", "text"]
    assert sent[2]["content"][0]["tool_use_id"] == use["id"]


async def test_log_probabilities_are_refused_before_anything_is_sent():
    request = ASKED.model_copy(update={"sampling": Sampling(top_logprobs=5)})
    with wire_server(HELLO) as server:
        async with aclosing(AnthropicMessages("m", base_url=server.root)) as model:
            with pytest.raises(ConfigError, match="no log-probabilities"):
                await model.complete(request)
        assert server.received == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("refusal", "filtered"),
    ],
)
async def test_why_the_answer_ended_is_told_in_our_words(theirs: str, ours: str):
    answer, _ = await answer_to(ASKED, messages(text_block("x"), stop=theirs))

    assert answer.finish == ours


async def test_input_that_is_not_an_object_is_kept_as_text():
    answer, _ = await answer_to(ASKED, messages(use_block("look_up", [1])))

    (made,) = answer.message.calls
    assert (made.arguments, made.raw) == (None, "[1]")


async def test_an_empty_answer_is_a_completion():
    answer, _ = await answer_to(ASKED, messages())

    assert (answer.message, answer.finish) == (Assistant(), "stop")


async def test_a_call_that_arrives_as_text_becomes_a_call():
    text = '```json\n{"name": "look_up", "parameters": {}}\n```'

    answer, _ = await answer_to(ASKED, messages(text_block(text)))

    assert answer.finish == "tool_calls"
    assert answer.message.calls[0].name == "look_up"


async def test_a_base_url_may_end_in_v1_and_the_key_goes_into_its_header():
    with wire_server(HELLO) as server:
        async with aclosing(AnthropicMessages("m", base_url=server.base_url, api_key="k")) as model:
            await model.complete(ASKED)
        assert server.received[0].path == "/v1/messages"
        assert server.received[0].headers["authorization"] == "Bearer k"
