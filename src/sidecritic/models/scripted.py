"""Models that need no server: scripts, functions and recordings.

They are part of the product, so that its users can test without patching anything.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from pathlib import Path
from typing import Literal, Self

from pydantic import ValidationError

from sidecritic.errors import ConfigError, ModelError, TraceError, boundary, first_problem
from sidecritic.models.wrappers import Wrapper
from sidecritic.ports import Model
from sidecritic.redaction import Redactor
from sidecritic.types import Assistant, Completion, Record, Request, ToolCall

Answer = Assistant | str | Completion
"""What a script or function may return; text and messages get no usage."""


class ScriptedModel:
    """Plays its steps in order, one a call; a step that is an exception is raised.

    As a context manager it fails at the end if a step was left over or a call too many was
    made, even when the code under test swallowed the error.
    """

    simulated = True

    def __init__(self, steps: Sequence[Answer | Exception], *, name: str = "scripted") -> None:
        self._steps = tuple(steps)
        self.name = name
        self.requests: list[Request] = []
        """Every request so far, those beyond the script included."""

    async def complete(self, request: Request) -> Completion:
        """Return the next step.

        Raises:
            ModelError: the script is at its end.
        """
        self.requests.append(request)
        number = len(self.requests)
        if number > len(self._steps):
            raise ModelError(
                f"model {self.name!r}: call {number} is not in the script, which has "
                f"{len(self._steps)} steps; {_last_words(request)}"
            )
        step = self._steps[number - 1]
        if isinstance(step, Exception):
            raise step
        return _completed(step, self.name)

    def assert_consumed(self) -> None:
        """Raise an `AssertionError` unless each step was used once and nothing more asked."""
        made = len(self.requests)
        if made == len(self._steps):
            return
        raise AssertionError(
            f"model {self.name!r} has {len(self._steps)} steps and was called {made} times; "
            + (f"next step: {self._steps[made]!r}" if made < len(self._steps) else "add steps")
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # An error of the block itself says more than the steps that it left over.
        if error is None:
            self.assert_consumed()


class FunctionModel:
    """Answers by calling a function, plain or async."""

    simulated = True

    def __init__(
        self, function: Callable[[Request], Answer | Awaitable[Answer]], *, name: str = "function"
    ) -> None:
        self._function = function
        self.name = name

    async def complete(self, request: Request) -> Completion:
        """Return what the function returns.

        Raises:
            ModelError: the function raised.
        """
        with boundary(ModelError, f"function of model {self.name!r}"):
            given = self._function(request)
            answer = await given if isawaitable(given) else given
        return _completed(answer, self.name)


def _completed(answer: Answer, name: str) -> Completion:
    if isinstance(answer, Completion):
        return answer
    message = Assistant(text=answer) if isinstance(answer, str) else answer
    return Completion(message=message, finish="tool_calls" if message.calls else "stop", model=name)


def _last_words(request: Request) -> str:
    if not request.messages:
        return "the request holds no messages"
    last = request.messages[-1]
    return f"its last message is {last.role}: {last.text[:200]!r}"


# --- recordings --------------------------------------------------------------------------


class _Recording(Record):
    """One line of a cassette."""

    schema_version: Literal[1] = 1
    digest: str
    name: str
    simulated: bool
    completion: Completion


NOT_RECORDED = "was not recorded"

_TRANSPORT = frozenset({"stream", "stream_options"})
"""How an answer travels: where the server stands decides it, and the answer is the same."""


def digest_of(request: Request) -> str:
    """Return the digest of a request, the same on every machine and beside every server."""
    extra = request.sampling.extra
    if not _TRANSPORT.isdisjoint(extra):
        kept = {key: value for key, value in extra.items() if key not in _TRANSPORT}
        sampling = request.sampling.model_copy(update={"extra": kept})
        request = request.model_copy(update={"sampling": sampling})
    return hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:32]


class _Recorder(Wrapper):
    def __init__(self, model: Model, path: Path) -> None:
        super().__init__(model)
        self._path = path
        self._append("\n" if _is_cut_off(path) else "")

    async def complete(self, request: Request) -> Completion:
        # The caller gets what the file gets: a replay must meet the requests that follow from it.
        completion = _without_secrets(await self._model.complete(request))
        recording = _Recording(
            digest=digest_of(request),
            name=self.name,
            simulated=self.simulated,
            completion=completion,
        )
        self._append(recording.model_dump_json() + "\n")
        return completion

    def _append(self, line: str) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as cause:
            raise ConfigError(
                f"cassette {self._path}: {cause.strerror}; choose a file that can be written"
            ) from cause


def _without_secrets(completion: Completion) -> Completion:
    """Return a completion that may be recorded: a model repeats the secrets that it is shown.

    Log-probabilities stay as they are: a token is too short to be a secret.
    """
    message, redactor = completion.message, Redactor()

    def clean(call: ToolCall) -> ToolCall:
        own = {"arguments": redactor.value(call.arguments), "raw": redactor.text(call.raw)}
        return call.model_copy(update=own)

    reasoning = message.reasoning and redactor.text(message.reasoning)
    calls = tuple(map(clean, message.calls))
    said = {"text": redactor.text(message.text), "calls": calls, "reasoning": reasoning}
    return completion.model_copy(update={"message": message.model_copy(update=said)})


def _is_cut_off(path: Path) -> bool:
    """Whether the last line has no end, as after a kill; the next one must not join it."""
    return path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0


def record(model: Model, path: Path) -> Model:
    """Return `model`, with every completion appended to the cassette at `path`, secrets redacted.

    Raises:
        ConfigError: the file cannot be written.
    """
    return _Recorder(model, path)


class RecordedModel:
    """Answers from a cassette.

    A request that was made several times gets its answers in recorded order.
    """

    def __init__(self, path: Path) -> None:
        """Read the cassette.

        Raises:
            ConfigError: the file cannot be read, or is empty.
            TraceError: a line cannot be read.
        """
        self._path = path
        recordings = _recordings(path)
        self.name = recordings[0].name
        self.simulated = any(recording.simulated for recording in recordings)
        """Whether any of what was recorded came from a simulated model."""
        self._completions: dict[str, list[Completion]] = defaultdict(list)
        for recording in recordings:
            self._completions[recording.digest].append(recording.completion)
        self._played = Counter[str]()

    async def complete(self, request: Request) -> Completion:
        """Return the recorded answer.

        Raises:
            ModelError: this request was not recorded, or not as often.
        """
        digest = digest_of(request)
        recorded = self._completions.get(digest, ())
        played = self._played[digest]
        if played < len(recorded):
            self._played[digest] += 1
            return recorded[played]
        why = f"was recorded {len(recorded)} times" if recorded else NOT_RECORDED
        raise ModelError(
            f"cassette {self._path}: request {digest} {why}; "
            f"{_last_words(request)}; record it again with record(model, path)"
        )


def _recordings(path: Path) -> list[_Recording]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as cause:
        raise ConfigError(
            f"cassette {path}: {cause.strerror}; create it with record(model, path)"
        ) from cause
    recordings: list[_Recording] = []
    for number, line in enumerate(lines, start=1):
        try:
            recordings += [_Recording.model_validate_json(line)] if line else []
        except ValidationError as cause:
            raise TraceError(
                f"{path}, line {number}: not a recorded answer ({first_problem(cause).message}); "
                "delete the line or record again"
            ) from cause
    if not recordings:
        raise ConfigError(f"cassette {path} is empty; create it with record(model, path)")
    return recordings
