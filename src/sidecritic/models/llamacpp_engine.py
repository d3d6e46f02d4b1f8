"""Weights in this process: tokens in, tokens out, over the package `llama-cpp-python`.

Everything here blocks and belongs to one thread; `models.llamacpp` makes it a `Model`. What was
read last stays in the cache: the next prompt is read from the first token that differs.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from ctypes import create_string_buffer
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from pydantic import JsonValue

from sidecritic.errors import ConfigError, MissingExtra, ModelRejected
from sidecritic.types import Assistant, Completion, Finish, Sampling, TokenLogprob, Usage

MAX_CONTEXT = 32_768
"""Tokens of context unless more is asked for: the cache of a long one takes memory at once."""

CHUNK = 256
"""Tokens read between two checks whether the answer is still wanted."""

_ROWS = 64
"""Tokens computed at once: without flash attention the scores of so many stand in memory, each
over the whole context and for every head."""

_TEMPERATURE = 0.8

Chat = Sequence[Mapping[str, JsonValue]]


class Stopped(Exception):
    """The answer is no longer wanted; what was read stays in the cache."""


class Engine:
    """One GGUF file, loaded."""

    def __init__(
        self, file: Path, *, context: int | None = None, threads: int | None = None
    ) -> None:
        """Load the weights.

        `context` is in tokens: by default what the model was trained for, at most
        `MAX_CONTEXT`. `threads`: by default one less than there are cores, because llama.cpp
        waits actively and a busy core then slows all others down.

        Raises:
            MissingExtra: the package is not installed.
            ConfigError: the file is missing, is not GGUF, or holds no chat template.
        """
        if not file.is_file():
            raise ConfigError(f"model file {str(file)!r} is not there; give the path of a .gguf")
        self._name = file.stem
        self._library = _library(file)
        self._cores = cores()
        self.threads = threads or max(1, self._cores - 1)
        trained = _trained_context(self._library, file)
        self.context = min(context or MAX_CONTEXT, trained)
        self._llama = self._load(file)
        self._vocabulary = self._library.llama_model_get_vocab(self._llama.model)
        self._chat = self._formatter(file)
        # Family, size and quantisation, such as `llama 135M Q4_0`.
        kind = _told(self._library.llama_model_desc, self._llama.model)
        self.description = (
            f"model {file.name}: {kind}, context {self.context:,} tokens (trained for "
            f"{trained:,}), {self.threads} of {self._cores} cores, prefix kept between calls"
        )

    @property
    def is_crowded(self) -> bool:
        """Whether the threads leave no core to others, which slows them down a lot."""
        return self.threads >= self._cores > 1

    def complete(self, chat: Chat, sampling: Sampling, stopped: Callable[[], bool]) -> Completion:
        """Return the answer to a chat.

        Raises:
            ModelRejected: the chat is too long, or the request asks for what the model cannot do.
            Stopped: `stopped()` became true.
        """
        tokens, stops = self._tokens(chat)
        stops += sampling.stop
        grammar = self._grammar(sampling.extra)
        limit = min(sampling.max_tokens or self.context, self.context - len(tokens))
        if limit < 1:
            raise ModelRejected(
                f"the chat takes {len(tokens):,} tokens and the context of the model holds "
                f"{self.context:,}; give the critic a smaller budget, or use another model"
            )
        cached = self._read(tokens, stopped)
        if sampling.seed is not None:
            self._llama.set_seed(sampling.seed)
        temperature = _TEMPERATURE if sampling.temperature is None else sampling.temperature
        ids: list[int] = []
        logprobs: list[TokenLogprob] = []
        finish: Finish = "length"
        for token in self._llama.generate(tokens, temp=temperature, grammar=grammar):
            if stopped():
                raise Stopped
            if self._library.llama_vocab_is_eog(self._vocabulary, token):
                finish = "stop"
                break
            ids.append(token)
            if sampling.top_logprobs is not None:
                logprobs.append(self._logprob(token, sampling.top_logprobs))
            if len(ids) >= limit or any(stop in self._text(ids) for stop in stops):
                break
        text, ended = _until(self._text(ids), stops)
        return Completion(
            message=Assistant(text=text),
            finish="stop" if ended else finish,
            model=self._name,
            usage=Usage(input_tokens=len(tokens), output_tokens=len(ids), cached_tokens=cached),
            logprobs=tuple(logprobs),
        )

    def close(self) -> None:
        self._llama.close()

    def _load(self, file: Path) -> Any:
        try:
            return self._library.Llama(
                str(file),
                n_ctx=self.context,
                n_batch=CHUNK,
                n_ubatch=_ROWS,
                n_threads=self.threads,
                n_threads_batch=self.threads,
                # On a CPU it makes each token of a batch of fewer than 64, such as what a turn
                # adds to a trajectory, up to ten times dearer, and each that is written twice.
                flash_attn=False,
                verbose=False,
            )
        except (ValueError, RuntimeError, MemoryError) as cause:
            raise ConfigError(
                f"model file {str(file)!r} cannot be loaded ({cause}); is there enough memory?"
            ) from cause

    def _formatter(self, file: Path) -> Callable[..., Any]:
        template = self._llama.metadata.get("tokenizer.chat_template")
        if template is None:
            raise ConfigError(
                f"model file {str(file)!r} holds no chat template, as base models do not; "
                "use an instruct model"
            )
        chat_format = import_module("llama_cpp.llama_chat_format")
        return chat_format.Jinja2ChatFormatter(
            template=template,
            bos_token=self._special(self._llama.token_bos()),
            eos_token=self._special(self._llama.token_eos()),
        )

    def _special(self, token: int) -> str:
        return self._llama.detokenize([token], special=True).decode() if token >= 0 else ""

    def _tokens(self, chat: Chat) -> tuple[list[int], tuple[str, ...]]:
        """Return the tokens of the chat, and the texts that end an answer."""
        shown = self._chat(messages=list(chat))
        stop: str | list[str] | None = shown.stop
        tokens = self._llama.tokenize(
            shown.prompt.encode(), add_bos=not shown.added_special, special=True
        )
        return tokens, (stop,) if isinstance(stop, str) else tuple(stop or ())

    def _read(self, tokens: Sequence[int], stopped: Callable[[], bool]) -> int:
        """Read all but the last token; return how many were known already."""
        last = len(tokens) - 1
        known = _common(self._llama.input_ids[: self._llama.n_tokens], tokens[:last])
        memory = self._library.llama_get_memory(self._llama.ctx)
        if self._library.llama_memory_seq_rm(memory, -1, known, -1):
            self._llama.n_tokens = known
        else:
            # Recurrent models cannot forget the end alone.
            self._llama.reset()
            known = 0
        for at in range(known, last, CHUNK):
            if stopped():
                raise Stopped
            self._llama.eval(tokens[at : min(at + CHUNK, last)])
        return known

    def _grammar(self, extra: Mapping[str, JsonValue]) -> Any:
        """Return the grammar of a `response_format`; `None` without one."""
        unknown = extra.keys() - {"response_format"}
        if unknown:
            raise ModelRejected(
                f"a local model does not support {', '.join(sorted(unknown))}; only response_format"
            )
        schema = _schema(extra.get("response_format"))
        if schema is None:
            return None
        return self._library.LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False)

    def _logprob(self, token: int, count: int) -> TokenLogprob:
        """Return the log-probability of the token just written, and of `count` alternatives."""
        size = self._llama.n_vocab()
        at = self._library.llama_get_logits_ith(self._llama.ctx, -1)
        logits = np.ctypeslib.as_array(at, shape=(size,)).astype(np.float64)
        peak = logits.max()
        logs = logits - (peak + np.log(np.exp(logits - peak).sum()))
        likeliest = np.argsort(-logs)[:count]
        # Two tokens may read the same; the likelier one is kept.
        top = {self._text([int(i)]): float(logs[i]) for i in reversed(likeliest)}
        return TokenLogprob(token=self._text([token]), logprob=float(logs[token]), top=top)

    def _text(self, ids: list[int]) -> str:
        return self._llama.detokenize(ids).decode(errors="replace")


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _library(file: Path) -> ModuleType:
    try:
        return import_module("llama_cpp")
    except ImportError as cause:
        why = f"model {file.name!r} in this process"
        raise MissingExtra("llama-cpp-python", "local", why) from cause


def _trained_context(library: ModuleType, file: Path) -> int:
    """Return the context that the model was trained for, in tokens, before loading it.

    Raises:
        ConfigError: it is not a GGUF file.
    """
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise ConfigError(f"model file {str(file)!r} is not a GGUF file")
    # Loading tells a hundred lines; what matters of them is in `Engine.description`.
    logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)
    library.llama_backend_init()
    how = library.llama_model_default_params()
    how.vocab_only = True
    model = library.llama_model_load_from_file(str(file).encode(), how)
    if not model:
        raise ConfigError(f"model file {str(file)!r} cannot be read; is it whole?")
    about = library.llama_model_meta_val_str
    architecture = _told(about, model, b"general.architecture")
    length = _told(about, model, f"{architecture}.context_length".encode())
    library.llama_model_free(model)
    return int(length) if length.isdecimal() else MAX_CONTEXT


def _told(ask: Callable[..., Any], *about: Any) -> str:
    """Return the text that a function of the library writes into a buffer."""
    text = create_string_buffer(128)
    ask(*about, text, len(text))
    return text.value.decode(errors="replace")


def _schema(wanted: JsonValue) -> JsonValue | None:
    """Return the JSON schema of a `response_format` in either of its customary shapes."""
    match wanted:
        case None:
            return None
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return schema
        case {"type": "json_object", **rest}:
            return rest.get("schema", {"type": "object"})
        case _:
            raise ModelRejected(
                f"a local model does not support response_format {str(wanted)[:80]!r}"
            )


def _common(known: "np.ndarray[Any, np.dtype[np.intc]]", tokens: Sequence[int]) -> int:
    """Return how many tokens the two begin with in common."""
    length = min(len(known), len(tokens))
    differs = np.nonzero(known[:length] != np.asarray(tokens[:length], dtype=np.intc))[0]
    return int(differs[0]) if len(differs) else length


def _until(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """Return the text before the first stop, and whether there was one."""
    places = [text.index(stop) for stop in stops if stop and stop in text]
    return (text[: min(places)], True) if places else (text, False)
