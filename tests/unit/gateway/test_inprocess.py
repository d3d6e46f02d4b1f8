"""`supervise(client)`: the same thing without a server, for all four clients."""

import subprocess
import sys
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI, PermissionDeniedError

from sidecritic import ConfigError, Halt, Options, Proposal, supervise
from sidecritic.gateway.store.decisions import DecisionRecord
from tests.gateway import Asked, approves, refuses
from tests.wire import call, chat, messages, text_block, use_block, wire_server
from tests.wires.streams import called, chat_stream, messages_stream

USER: Any = [{"role": "user", "content": "Refund B2"}]


def chat_answers(stream: bool) -> list[Any]:
    if stream:
        return [chat_stream(called(("a", "delete", {}))), chat_stream(called(("b", "refund", {})))]
    return [chat(None, calls=[call("delete", {})]), chat(None, calls=[call("refund", {})])]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_openai_gets_the_revised_call_only(stream: bool) -> None:
    told: list[DecisionRecord] = []
    with wire_server(chat_answers(stream)) as upstream:
        plain = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0)
        options = Options(on_decision=told.append)
        client = supervise(plain, critic=refuses("delete"), gate="all", options=options)
        assert type(client) is OpenAI
        with client:
            if stream:
                with client.chat.completions.stream(model="m", messages=USER) as events:
                    answer = events.get_final_completion()
            else:
                answer = client.chat.completions.create(model="m", messages=USER)
        plain.close()
        assert upstream.received[0].headers["authorization"] == "Bearer k"
    assert "refund" in answer.model_dump_json()
    assert "delete" not in answer.model_dump_json()
    assert [d.verdict for d in told] == ["revise", "approve"]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_async_openai_gets_the_revised_call_only(stream: bool) -> None:
    with wire_server(chat_answers(stream)) as upstream:
        async with AsyncOpenAI(base_url=upstream.base_url, api_key="k", max_retries=0) as plain:
            client = supervise(plain, critic=refuses("delete"), gate="all")
            async with client:
                if stream:
                    chunks = await client.chat.completions.create(
                        model="m", messages=USER, stream=True
                    )
                    answer = "".join([chunk.model_dump_json() async for chunk in chunks])
                else:
                    whole = await client.chat.completions.create(model="m", messages=USER)
                    answer = whole.model_dump_json()
    assert "refund" in answer
    assert "delete" not in answer


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_anthropic_in_both_modes(mode: Any) -> None:
    told: list[DecisionRecord] = []
    answers = [messages(use_block("delete", {})), messages(text_block("May I?"))]
    with wire_server(answers) as upstream:
        plain = Anthropic(base_url=upstream.root, api_key="k", max_retries=0)
        options = Options(on_decision=told.append)
        client = supervise(plain, critic=refuses("delete"), mode=mode, options=options)
        with client:
            answer = client.messages.create(model="m", max_tokens=9, messages=USER)
        plain.close()
    kinds = [block.type for block in answer.content]
    assert kinds == (["text"] if mode == "enforce" else ["tool_use"])
    assert told[0].verdict == "revise"
    assert told[0].fate == ("withheld" if mode == "enforce" else "released")


async def test_async_anthropic_streams_in_shadow_and_is_judged_when_closed_at_the_latest() -> None:
    critic = approves()
    with wire_server(messages_stream(use_block("refund", {}))) as upstream:
        async with AsyncAnthropic(base_url=upstream.root, api_key="k", max_retries=0) as plain:
            client = supervise(plain, critic=critic, mode="shadow", policy="Be kind.")
            async with (
                client,
                client.messages.stream(model="m", max_tokens=9, messages=USER) as events,
            ):
                answer = await events.get_final_message()
    assert answer.content[0].type == "tool_use"
    assert [p.policy for p in critic.seen] == ["Be kind."]


def test_a_halt_is_the_sdks_own_error() -> None:
    def halts(proposal: Proposal) -> Halt:
        return Halt(reason="fraud")

    with wire_server(chat("x")) as upstream:
        plain = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0)
        with (
            supervise(plain, critic=Asked(halts), gate="all") as client,
            pytest.raises(PermissionDeniedError, match="fraud"),
        ):
            client.chat.completions.create(model="m", messages=USER)
        plain.close()


def test_what_is_no_client_is_named() -> None:
    with pytest.raises(ConfigError, match="cannot supervise a str"):
        supervise("http://example.invalid", critic=approves())


def test_supervising_in_process_needs_no_server_packages() -> None:
    heavy = "starlette uvicorn aiohttp sqlalchemy prometheus_client httpx2"
    code = f"import sys, sidecritic; print(sorted(set({heavy.split()!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
