"""The real SDKs through the gateway: a wrong write is refused, revised, and only then released."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from anthropic import Anthropic, APIStatusError
from openai import OpenAI, PermissionDeniedError

from sidecritic.types import Assistant, Escalate, Halt, Proposal, Replace, ToolCall, Verdict
from tests.gateway import Asked, Running, gateway, refuses
from tests.wire import (
    Json,
    Reply,
    WireServer,
    call,
    chat,
    completion,
    messages,
    text_block,
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
)

WRONG, RIGHT = {"order": "A1", "why": "wrong-order"}, {"order": "B2", "why": "asked"}
FEEDBACK = "Not that one."


Step = tuple[str, Json] | str


def chat_answer(step: Step, stream: bool) -> Reply:
    if isinstance(step, str):
        return chat_stream(spoken(step)) if stream else chat(step)
    name, arguments = step
    if stream:
        return chat_stream(called(("c1", name, arguments)))
    return chat(None, calls=[call(name, arguments)])


def messages_answer(step: Step, stream: bool) -> Reply:
    block = text_block(step) if isinstance(step, str) else use_block(*step)
    stop = "end_turn" if isinstance(step, str) else "tool_use"
    return (messages_stream if stream else messages)(block, stop=stop)


def responses_answer(step: Step, stream: bool) -> Reply:
    item = output_text(step) if isinstance(step, str) else function_call(*step)
    return (response_stream if stream else response)(item)


Heard = tuple[str, list[tuple[str, Any]], str]


def ask_chat(door: Running, stream: bool) -> Heard:
    client = OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0)
    with client:
        if stream:
            with client.chat.completions.stream(
                model="m", messages=[{"role": "user", "content": "Refund B2"}]
            ) as events:
                received = [repr(event) for event in events]
                answer = events.get_final_completion()
        else:
            answer = client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Refund B2"}]
            )
            received = [answer.model_dump_json()]
    said = answer.choices[0].message
    calls = [
        (c.function.name, json.loads(c.function.arguments))
        for c in said.tool_calls or []
        if c.type == "function"
    ]
    return said.content or "", calls, "".join(received)


def ask_messages(door: Running, stream: bool) -> Heard:
    with Anthropic(base_url=door.root, api_key="k", max_retries=0) as client:
        if stream:
            with client.messages.stream(
                model="m", max_tokens=99, messages=[{"role": "user", "content": "Refund B2"}]
            ) as events:
                received = [repr(event) for event in events]
                answer = events.get_final_message()
        else:
            answer = client.messages.create(
                model="m", max_tokens=99, messages=[{"role": "user", "content": "Refund B2"}]
            )
            received = [answer.model_dump_json()]
    text = "".join(block.text for block in answer.content if block.type == "text")
    calls = [(b.name, b.input) for b in answer.content if b.type == "tool_use"]
    return text, calls, "".join(received)


def ask_responses(door: Running, stream: bool) -> Heard:
    with OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client:
        if stream:
            with client.responses.stream(model="m", input="Refund B2") as events:
                received = [repr(event) for event in events]
                answer = events.get_final_response()
        else:
            answer = client.responses.create(model="m", input="Refund B2")
            received = [answer.model_dump_json()]
    calls = [(i.name, json.loads(i.arguments)) for i in answer.output if i.type == "function_call"]
    return answer.output_text, calls, "".join(received)


APIS: dict[str, tuple[Callable[[Step, bool], Reply], Callable[[Running, bool], Heard]]] = {
    "chat": (chat_answer, ask_chat),
    "messages": (messages_answer, ask_messages),
    "responses": (responses_answer, ask_responses),
}
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
EVERY_API = pytest.mark.parametrize("api", APIS)


def play(
    api: str, steps: Sequence[Step], critic: Asked, *, stream: bool, **route: Any
) -> tuple[Heard, WireServer, list[dict[str, Any]]]:
    answer, ask = APIS[api]
    with (
        wire_server([answer(step, stream) for step in steps]) as upstream,
        gateway(upstream.root, critic=critic, **route) as door,
    ):
        heard = ask(door, stream)
        return heard, upstream, door.settled()


@EVERY_API
@BOTH_WAYS
def test_a_wrong_write_is_refused_revised_and_only_then_released(api: str, stream: bool) -> None:
    steps = [("delete_order", WRONG), ("refund_order", RIGHT)]
    heard, upstream, rows = play(api, steps, refuses("delete_order"), stream=stream)

    assert heard[1] == [("refund_order", RIGHT)]
    for trace in ("delete_order", "wrong-order", FEEDBACK, "[supervisor]"):
        assert trace not in heard[2], "the client sees no trace of the refused draft"
    told = str(upstream.received[1].body)
    assert "delete_order" in told
    assert FEEDBACK in told
    assert [(r["verdict"], r["fate"]) for r in rows] == [
        ("revise", "withheld"),
        ("approve", "released"),
    ]


@EVERY_API
@BOTH_WAYS
def test_a_wrong_message_is_rewritten_before_the_user_sees_it(api: str, stream: bool) -> None:
    heard, upstream, _ = play(
        api, ["It was deleted.", "May I refund B2?"], refuses("deleted"), stream=stream
    )
    assert heard[0] == "May I refund B2?"
    assert "deleted" not in heard[2]
    assert "Do not say that." in str(upstream.received[1].body)


@EVERY_API
@BOTH_WAYS
def test_after_the_last_revision_the_fallback_message_is_an_ordinary_answer(
    api: str, stream: bool
) -> None:
    steps: list[Step] = [
        ("delete_order", WRONG),
        ("delete_order", {"again": 1}),
        ("delete_order", {}),
    ]
    heard, upstream, rows = play(
        api, steps, refuses("delete_order"), stream=stream, fallback_text="Sorry, not now."
    )
    assert heard[:2] == ("Sorry, not now.", [])
    assert "delete_order" not in heard[2]
    assert len(upstream.received) == 3
    assert [r["fate"] for r in rows] == ["withheld"] * 3
    assert rows[-1]["source"] == "fallback"


@EVERY_API
@BOTH_WAYS
def test_a_replacement_by_the_critic_is_a_well_formed_call(api: str, stream: bool) -> None:
    better = ToolCall(id="new", name="refund_order", arguments=dict(RIGHT), raw="")

    def replaces(proposal: Proposal) -> Verdict:
        return Replace(action=Assistant(calls=(better,)), reason="the other order")

    heard, _, _ = play(api, [("delete_order", WRONG)], Asked(replaces), stream=stream)
    assert heard[1] == [("refund_order", RIGHT)]
    assert "delete_order" not in heard[2]


@EVERY_API
@BOTH_WAYS
def test_an_escalation_is_answered_with_the_hand_over_text(api: str, stream: bool) -> None:
    critic = Asked(lambda proposal: Escalate(reason="too much money"))
    heard, _, rows = play(api, [("refund_order", RIGHT)], critic, stream=stream)
    assert "colleague" in heard[0]
    assert heard[1] == []
    assert [(r["verdict"], r["fate"], r["source"]) for r in rows] == [
        ("escalate", "withheld", "fallback")
    ]


@BOTH_WAYS
def test_a_halt_is_an_error_that_the_sdk_does_not_retry(stream: bool) -> None:
    critic = Asked(lambda proposal: Halt(reason="fraud"))
    with pytest.raises(PermissionDeniedError, match="fraud"):
        play("chat", ["x"], critic, stream=stream)
    with pytest.raises(APIStatusError, match="fraud"):
        play("messages", ["x"], critic, stream=stream)


@BOTH_WAYS
def test_of_two_choices_only_the_refused_one_is_asked_for_again(stream: bool) -> None:
    def choice(index: int, text: str) -> Json:
        message = {"role": "assistant", "content": text}
        return {"index": index, "message": message, "finish_reason": "stop"}

    first = (
        chat_stream(spoken("fine"), spoken("deleted"))
        if stream
        else completion([choice(0, "fine"), choice(1, "deleted")])
    )
    second = chat_stream(spoken("kept")) if stream else chat("kept")
    with (
        wire_server([first, second]) as upstream,
        gateway(upstream.root, critic=refuses("deleted")) as door,
        OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client,
    ):
        if stream:
            texts = ["", ""]
            for chunk in client.chat.completions.create(
                model="m", n=2, stream=True, messages=[{"role": "user", "content": "Hi"}]
            ):
                for part in chunk.choices:
                    texts[part.index] += part.delta.content or ""
        else:
            answer = client.chat.completions.create(
                model="m", n=2, messages=[{"role": "user", "content": "Hi"}]
            )
            texts = [part.message.content or "" for part in answer.choices]
    assert texts == ["fine", "kept"]
    assert upstream.received[1].body["n"] == 1


def test_a_parallel_batch_is_withheld_whole_and_every_call_id_is_answered_once() -> None:
    batch = [call("get", {}, id="a"), call("delete", {}, id="b")]
    with (
        wire_server([chat(None, calls=batch), chat("Done.")]) as upstream,
        gateway(upstream.root, critic=refuses("delete")) as door,
        OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client,
    ):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    told = upstream.received[1].body["messages"]
    assert [m["role"] for m in told] == ["user", "assistant", "tool", "tool"]
    assert [m["tool_call_id"] for m in told[2:]] == [c["id"] for c in told[1]["tool_calls"]]
    assert "another call" in told[2]["content"]
    assert FEEDBACK in told[3]["content"]


def test_anthropic_results_come_back_in_one_message_and_thoughts_are_kept() -> None:
    thought: Json = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    first = messages(thought, use_block("get", {}, id="a"), use_block("delete", {}, id="b"))
    with (
        wire_server([first, messages(text_block("Done."))]) as upstream,
        gateway(upstream.root, critic=refuses("delete")) as door,
        Anthropic(base_url=door.root, api_key="k", max_retries=0) as client,
    ):
        client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
    user, assistant, results = upstream.received[1].body["messages"]
    assert user["role"] == "user"
    assert assistant["content"][0] == thought
    assert [r["tool_use_id"] for r in results["content"]] == ["a", "b"]
    assert all(r["type"] == "tool_result" for r in results["content"])
