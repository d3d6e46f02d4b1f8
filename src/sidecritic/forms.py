"""Ask a model to fill in a form: one JSON object of a known shape, or a loud failure.

Reviewers, verifiers and simulated users of benchmarks answer this way. When an answer is not such
an object, the model is told what is wrong and asked once more; after that it is an error. Nothing
is guessed from prose.
"""

import re
from typing import Generic, TypeVar

from pydantic import JsonValue, ValidationError

from sidecritic.errors import ModelError, ModelRejected, ModelUnavailable, first_problem
from sidecritic.ports import Model
from sidecritic.types import (
    Assistant,
    Completion,
    Message,
    Record,
    Request,
    Sampling,
    ToolSpec,
    Usage,
    User,
)

Form = TypeVar("Form", bound=Record)

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)


class Filled(Generic[Form]):
    """A form, and what it cost to have it filled in."""

    def __init__(self, form: Form, usage: Usage, seconds: float) -> None:
        self.form = form
        self.usage = usage
        self.seconds = seconds


class Filler:
    """How forms are filled in: the model, the number of tries, the length of an answer."""

    def __init__(
        self,
        model: Model,
        *,
        tries: int = 2,
        max_tokens: int = 1024,
        temperature: float | None = 0.0,
    ) -> None:
        self.model = model
        self._tries = tries
        self._max_tokens = max_tokens
        self._temperature = temperature

    async def fill(
        self, form: type[Form], chat: tuple[Message, ...], tools: tuple[ToolSpec, ...] = ()
    ) -> Filled[Form]:
        """Return the form that the model fills in at the end of `chat`.

        `tools` are those that the chat mentions; none of them can be called.

        Raises:
            ModelError: no answer fits the form.
        """
        usage, seconds, problem = Usage(), 0.0, ""
        for _ in range(self._tries):
            completion = await self._ask(form, chat, tools)
            usage += completion.usage
            seconds += completion.seconds
            text = completion.message.text
            try:
                return Filled(form.model_validate_json(unfenced(text), strict=True), usage, seconds)
            except ValidationError as cause:
                problem = str(first_problem(cause))
            again = f"That is not the JSON object asked for: {problem}. Answer with it alone."
            chat = (*chat, Assistant(text=text or "(nothing)"), User(text=again))
        raise ModelError(
            f"model {self.model.name!r} did not fill in the form {form.__name__} in "
            f"{self._tries} tries: {problem}; use a model that can answer in JSON"
        )

    async def _ask(
        self, form: type[Form], chat: tuple[Message, ...], tools: tuple[ToolSpec, ...]
    ) -> Completion:
        choice = "none" if tools else None
        sampling = Sampling(
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            tool_choice=choice,
            extra=schema_format(form),
        )
        request = Request.model_construct(messages=chat, tools=tools, sampling=sampling)
        try:
            return await self.model.complete(request)
        except (ModelRejected, ModelUnavailable):
            # Servers that know no schemas, or not this temperature, refuse or answer 500.
            bare = Sampling(max_tokens=self._max_tokens, tool_choice=choice)
            return await self.model.complete(request.model_copy(update={"sampling": bare}))


def schema_format(form: type[Record]) -> dict[str, JsonValue]:
    """Return what prescribes a form to a server that knows JSON schemas."""
    schema = form.model_json_schema()
    named: JsonValue = {"name": form.__name__, "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def unfenced(text: str) -> str:
    """Return the answer without a code fence around the whole of it."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text


def form_name(request: Request) -> str:
    """Return the name of the form that a request asks for; empty when it asks for none."""
    format_ = request.sampling.extra.get("response_format")
    schema = format_.get("json_schema") if isinstance(format_, dict) else None
    name = schema.get("name") if isinstance(schema, dict) else None
    return name if isinstance(name, str) else ""
