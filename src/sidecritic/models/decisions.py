"""Decision endpoints: servers that answer questions about a text in probabilities, not in words.

    POST /v1/decisions   OpenAI's Decisions API (`openai` 3.26): questions `predicate`, `choice`
    POST /v1/systemone   the same idea as Ollama, TypeSafe and others serve it: `noul`, `choice`

Both are a `Model`, so that limits, retries, prices and cassettes are those of every model: the
chat is one message, the state to decide about; the questions stand in `Sampling.extra`; the
message that comes back is an object of probabilities (`Answers`).

Sources: `openai.types.decision`, `pydantic_ai.models.system_one` (2.68). Both SDKs build answers
without checking what is in them; here a probability that is none is an error.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, JsonValue, TypeAdapter

from sidecritic.models.openai import OPENAI_URL
from sidecritic.models.served import ServedModel
from sidecritic.types import Assistant, Completion, Record, Request, Usage

QUESTIONS = "questions"
"""Where the questions stand in `Sampling.extra`."""

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class Question(Record):
    """What to decide: yes or no, or one of several."""

    name: str
    instructions: str
    choices: dict[str, str] = {}
    """Values to descriptions; empty for yes or no."""


class Answers(Record):
    yes: dict[str, Probability] = {}
    """Probability of yes, by question."""
    choices: dict[str, dict[str, Probability]] = {}
    """Probability of each value, by question."""


_QUESTIONS = TypeAdapter(tuple[Question, ...])


def asked_in(request: Request) -> tuple[Question, ...]:
    """Return the questions of a request; none of one that asks for words."""
    return _QUESTIONS.validate_python(request.sampling.extra.get(QUESTIONS) or ())


class DecisionModel(ServedModel):
    """A model behind `/v1/decisions`; close it with `aclose()`."""

    _package, _client_class, _errors = "openai", "AsyncOpenAI", "OpenAIError"
    _url, _path = OPENAI_URL, "/decisions"
    protocol: ClassVar[str] = "openai"

    def _payload(self, request: Request) -> dict[str, JsonValue]:
        return {
            "model": self.name,
            "input": _state(request),
            "questions": [_openai_question(each) for each in asked_in(request)],
            **{k: v for k, v in request.sampling.extra.items() if k != QUESTIONS},
        }

    def _completion(self, request: Request, body: bytes, seconds: float) -> Completion:
        reply = self._endpoint.read(body, _Decision)
        return self._answered(request, [_plain(each) for each in reply.answers], reply, seconds)

    def _answered(
        self, request: Request, answers: "Sequence[_Given]", reply: "_Reply", seconds: float
    ) -> Completion:
        """Return the answers by the names of the questions, each to one question.

        Raises:
            ModelError: one is missing, declined, or not of the kind that was asked for.
        """
        questions = {each.name: each for each in asked_in(request)}
        if sorted(each.name or "" for each in answers) != sorted(questions):
            given = ", ".join(repr(each.name) for each in answers) or "none"
            raise self._endpoint.unusable(
                f"the answers are for {given}, the questions are {', '.join(questions)}"
            )
        yes, choices = dict[str, float](), dict[str, dict[str, float]]()
        for each in answers:
            question = questions[each.name or ""]
            if each.declined:
                raise self._endpoint.unusable(f"it declined to answer {question.name!r}")
            if question.choices.keys() != (each.choices or {}).keys():
                raise self._endpoint.unusable(
                    f"the answer to {question.name!r} is not one of those that were offered"
                )
            if each.choices is not None:
                choices[question.name] = each.choices
            elif each.yes is not None:
                yes[question.name] = each.yes
        return Completion(
            message=Assistant(text=Answers(yes=yes, choices=choices).model_dump_json()),
            finish="stop",
            model=reply.model or self.name,
            usage=(reply.usage or _Usage()).as_ours(),
            seconds=seconds,
        )


class SystemOneModel(DecisionModel):
    """A model behind `/v1/systemone`; the base URL may end with `/v1` or not."""

    _path = "/systemone"
    protocol: ClassVar[str] = "systemone"

    def _root(self, base_url: str) -> str:
        root = base_url.rstrip("/")
        return root if root.endswith("/v1") else f"{root}/v1"

    def _payload(self, request: Request) -> dict[str, JsonValue]:
        return {
            "model": self.name,
            "state": _state(request),
            "questions": {each.name: _systemone_question(each) for each in asked_in(request)},
            **{k: v for k, v in request.sampling.extra.items() if k != QUESTIONS},
        }

    def _completion(self, request: Request, body: bytes, seconds: float) -> Completion:
        reply = self._endpoint.read(body, _SystemOne)
        given = [_plain_of_systemone(name, each) for name, each in reply.answers.items()]
        return self._answered(request, given, reply, seconds)


def answered(answers: Mapping[str, float | Mapping[str, float]], model: str) -> Completion:
    """Return what a decision model would return, for stand-ins."""
    yes = {name: float(p) for name, p in answers.items() if not isinstance(p, Mapping)}
    choices = {name: dict(p) for name, p in answers.items() if isinstance(p, Mapping)}
    said = Answers(yes=yes, choices=choices)
    return Completion(message=Assistant(text=said.model_dump_json()), finish="stop", model=model)


# --- what is asked -----------------------------------------------------------------------


def _state(request: Request) -> str:
    return "\n\n".join(message.text for message in request.messages)


def _openai_question(question: Question) -> JsonValue:
    asked: dict[str, JsonValue] = {"name": question.name, "instructions": question.instructions}
    if not question.choices:
        return {"type": "predicate", **asked}
    choices: list[JsonValue] = [
        {"value": value, "description": about} for value, about in question.choices.items()
    ]
    return {"type": "choice", **asked, "choices": choices}


def _systemone_question(question: Question) -> JsonValue:
    if not question.choices:
        return {"type": "noul", "instructions": question.instructions}
    criteria: dict[str, JsonValue] = {**question.choices}
    return {"type": "choice", "instructions": question.instructions, "criteria": criteria}


# --- what is answered --------------------------------------------------------------------


class _Given(BaseModel):
    """An answer of either protocol."""

    name: str | None
    yes: float | None = None
    choices: dict[str, float] | None = None
    declined: bool = False


class _Details(BaseModel):
    cached_tokens: int = Field(default=0, ge=0)


class _Usage(BaseModel):
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    input_tokens_details: _Details | None = None

    def as_ours(self) -> Usage:
        cached = self.input_tokens_details.cached_tokens if self.input_tokens_details else 0
        return Usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=cached,
        )


class _Predicate(BaseModel):
    type: Literal["predicate"]
    name: str | None = None
    probability: Probability


class _Chance(BaseModel):
    value: str
    probability: Probability


class _Choice(BaseModel):
    type: Literal["choice"]
    name: str | None = None
    probabilities: list[_Chance]


class _Refusal(BaseModel):
    type: Literal["refusal"]
    name: str | None = None


class _Noul(BaseModel):
    type: Literal["noul"]
    noul: Probability


class _NamedChoice(BaseModel):
    type: Literal["choice"]
    probabilities: dict[str, Probability]


class _Reply(BaseModel):
    model: str | None = None
    usage: _Usage | None = None


class _Decision(_Reply):
    answers: list[Annotated[_Predicate | _Choice | _Refusal, Field(discriminator="type")]]


class _SystemOne(_Reply):
    answers: dict[str, Annotated[_Noul | _NamedChoice, Field(discriminator="type")]]


def _plain(answer: _Predicate | _Choice | _Refusal) -> _Given:
    match answer:
        case _Predicate(probability=yes):
            return _Given(name=answer.name, yes=yes)
        case _Choice(probabilities=chances):
            return _Given(name=answer.name, choices={c.value: c.probability for c in chances})
        case _Refusal():
            return _Given(name=answer.name, declined=True)


def _plain_of_systemone(name: str, answer: _Noul | _NamedChoice) -> _Given:
    match answer:
        case _Noul(noul=yes):
            return _Given(name=name, yes=yes)
        case _NamedChoice(probabilities=chances):
            return _Given(name=name, choices=chances)
