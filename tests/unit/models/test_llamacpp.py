"""A model in this process: its queue, its end, and what it refuses; real weights: tests/live."""

import asyncio
import importlib.util
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from sidecritic.errors import ConfigError, MissingExtra, ModelError, ModelRejected
from sidecritic.models.llamacpp import LlamaCpp, load_llamacpp
from sidecritic.models.llamacpp_engine import Chat
from sidecritic.types import (
    Assistant,
    Completion,
    Request,
    Sampling,
    System,
    TokenLogprob,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    User,
)

ASKED = Request(messages=(System(text="Judge."), User(text="Right?")))
YES = Completion(
    message=Assistant(text="Yes"),
    finish="length",
    model="file",
    usage=Usage(input_tokens=9, output_tokens=1, cached_tokens=4),
    logprobs=(TokenLogprob(token="Yes", logprob=-0.1),),
)


class Writes:
    """Answers at once, or reads on until nobody waits for it."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.chats: list[Chat] = []
        self.begun, self.stopped = Event(), Event()
        self.at_once, self.busy, self.clashed, self.closed = at_once, False, False, False

    def complete(self, chat: Chat, sampling: Sampling, stopped: Callable[[], bool]) -> Completion:
        self.clashed = self.clashed or self.busy
        self.busy = True
        self.chats.append(chat)
        self.begun.set()
        while not self.at_once and not stopped():
            Event().wait(0.001)
        self.stopped.set()
        self.busy = False
        return YES

    def close(self) -> None:
        assert not self.busy
        self.closed = True


async def test_a_completion_carries_text_usage_and_logprobs() -> None:
    writer = Writes()
    model = LlamaCpp(writer, name="small")
    completion = await model.complete(ASKED)
    await model.aclose()
    assert completion.message == Assistant(text="Yes")
    assert (completion.usage.input_tokens, completion.usage.cached_tokens) == (9, 4)
    assert completion.logprobs[0].token == "Yes"
    assert (model.name, completion.model, model.simulated) == ("small", "small", False)
    assert writer.chats == [
        [{"role": "system", "content": "Judge."}, {"role": "user", "content": "Right?"}]
    ]


async def test_calls_wait_for_each_other_and_the_loop_for_none() -> None:
    writer = Writes()
    model = LlamaCpp(writer, name="m")
    await asyncio.gather(*(model.complete(ASKED) for _ in range(8)))
    await model.aclose()
    assert len(writer.chats) == 8
    assert not writer.clashed


async def test_a_cancelled_call_stops_reading_and_the_next_one_is_served() -> None:
    writer = Writes(at_once=False)
    model = LlamaCpp(writer, name="m")
    task = asyncio.create_task(model.complete(ASKED))
    await asyncio.to_thread(writer.begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(writer.stopped.wait)
    writer.at_once = True
    assert (await model.complete(ASKED)).message.text == "Yes"
    await model.aclose()


async def test_closing_ends_what_is_written_and_can_be_repeated() -> None:
    writer = Writes(at_once=False)
    model = LlamaCpp(writer, name="m")
    task = asyncio.create_task(model.complete(ASKED))
    await asyncio.to_thread(writer.begun.wait)
    await model.aclose()
    await model.aclose()
    await task
    assert writer.closed
    with pytest.raises(ModelError, match="'m' in this process"):
        await model.complete(ASKED)


async def test_what_breaks_inside_is_a_model_error() -> None:
    class Breaks(Writes):
        def complete(
            self, chat: Chat, sampling: Sampling, stopped: Callable[[], bool]
        ) -> Completion:
            raise RuntimeError("llama_decode returned -3")

    model = LlamaCpp(Breaks(), name="m")
    with pytest.raises(ModelError, match="llama_decode returned -3"):
        await model.complete(ASKED)
    await model.aclose()


@pytest.mark.parametrize(
    "request_",
    [
        Request(messages=ASKED.messages, tools=(ToolSpec(name="get"),)),
        Request(messages=(ToolResult(call_id="c", name="get", text="{}"),)),
        Request(messages=(Assistant(calls=(ToolCall(id="c", name="g", arguments={}, raw=""),)),)),
    ],
)
async def test_tools_are_refused_with_the_way_out(request_: Request) -> None:
    model = LlamaCpp(Writes(), name="m")
    with pytest.raises(ModelRejected, match="serve it over HTTP"):
        await model.complete(request_)
    await model.aclose()


def test_a_missing_file_and_a_missing_package_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.gguf' is not there"):
        load_llamacpp(tmp_path / "none.gguf")
    file = tmp_path / "a.gguf"
    file.write_bytes(b"GGUF")
    if importlib.util.find_spec("llama_cpp"):
        with pytest.raises(ConfigError, match="is it whole"):
            load_llamacpp(file)
    else:
        with pytest.raises(MissingExtra, match=r"pip install 'sidecritic\[local\]'"):
            load_llamacpp(file)
