"""A small open model in this process: no server, no key, nothing leaves the machine.

For critics, whose prompts grow at their end: what was read stays in the cache between calls.
One call at a time, in one thread; the others wait.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Protocol

from pydantic import JsonValue

from sidecritic.errors import ModelError, ModelRejected, boundary
from sidecritic.models.llamacpp_engine import Chat, Engine
from sidecritic.types import Assistant, Completion, Message, Request, Sampling, System, User

_LOG = logging.getLogger(__name__)


class Writer(Protocol):
    """Continues a chat, blocking; an `Engine`."""

    def complete(self, chat: Chat, sampling: Sampling, stopped: Callable[[], bool]) -> Completion:
        """Return the answer; stop soon when `stopped()` becomes true."""
        ...

    def close(self) -> None: ...


class LlamaCpp:
    """A model read from a GGUF file; close it with `aclose()`."""

    simulated = False

    def __init__(self, writer: Writer, *, name: str) -> None:
        """Use a writer; `load_llamacpp` creates one from a file."""
        self._writer = writer
        self.name = name
        # One thread is the queue: llama.cpp has one cache, and may not be called twice at once.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"llama.cpp {name}")
        self._closing = Event()

    async def complete(self, request: Request) -> Completion:
        """Return the next assistant message. Cancelled, it stops within a chunk of reading.

        Raises:
            ModelRejected: the chat is too long, or it asks for what a local model cannot do.
            ModelError: llama.cpp failed.
        """
        if request.tools:
            raise ModelRejected(
                "a model in this process is for critics and calls no tools; serve it over HTTP"
            )
        chat = [_message(message) for message in request.messages]
        started = perf_counter()
        abandoned = Event()

        def stopped() -> bool:
            return abandoned.is_set() or self._closing.is_set()

        try:
            with boundary(ModelError, f"model {self.name!r} in this process"):
                loop = asyncio.get_running_loop()
                written = await loop.run_in_executor(
                    self._thread, self._writer.complete, chat, request.sampling, stopped
                )
        finally:
            abandoned.set()
        seconds = perf_counter() - started
        return written.model_copy(update={"model": self.name, "seconds": seconds})

    async def aclose(self) -> None:
        """Stop what is being written, and free the memory."""
        if self._closing.is_set():
            return
        self._closing.set()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()


def load_llamacpp(
    file: Path, *, context: int | None = None, threads: int | None = None
) -> LlamaCpp:
    """Return the model in a GGUF file, and log what was loaded, with how much context and threads.

    Raises:
        MissingExtra: the package `llama-cpp-python` is not installed.
        ConfigError: the file cannot be used.
    """
    engine = Engine(file, context=context, threads=threads)
    _LOG.info(engine.description)
    if engine.is_crowded:
        _LOG.warning(
            f"{file.name}: one thread for each core; a core that others use too slows all of them, "
            "so use one thread fewer"
        )
    return LlamaCpp(engine, name=file.stem)


def _message(message: Message) -> Mapping[str, JsonValue]:
    match message:
        case System(text=text) | User(text=text) | Assistant(text=text, calls=()):
            return {"role": message.role, "content": text}
        case _:
            raise ModelRejected(
                f"a model in this process is for critics, and the chat holds a {message.role} "
                "message of calls or results; serve it over HTTP"
            )
