"""A language model as a critic: verdict first, words only for a refusal.

    (look-ups) ──▶ verdict token ──▶ approve
                        │ no log-probabilities: JSON verdict
                        └─ risk ≥ threshold ──▶ reasons ──▶ revise

The verdict costs one token: the log-probabilities of its two words, at the one position where
the prompt asks for them, become the risk. Nothing that stands in the model's prose decides.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import JsonValue, ValidationError

from sidecritic.checks.base import Examiner, objections
from sidecritic.critics.answers import (
    JsonVerdict,
    Reasons,
    WantedLookup,
    WantedLookups,
    cited,
    plain,
    risk_of,
)
from sidecritic.critics.base import THRESHOLD, judging
from sidecritic.critics.prompt import (
    APPROVE,
    BUDGET,
    JSON_VERDICT,
    REFUSE,
    Lookup,
    Prompt,
    lookups_chat,
    prompt_of,
    reasons_chat,
    verdict_chat,
)
from sidecritic.errors import (
    ConfigError,
    CriticError,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    SidecriticError,
    boundary,
)
from sidecritic.forms import schema_format
from sidecritic.ports import Model
from sidecritic.types import (
    Approve,
    Completion,
    Judgement,
    Message,
    Proposal,
    Record,
    Request,
    Revise,
    Sampling,
    Usage,
)
from sidecritic.values import parse_object

GENERIC_FEEDBACK = (
    "It is held to be not permitted or not right. Compare it with the policy and with what the "
    "user asked for and confirmed; correct it, or ask the user."
)

_LOOKUP_CHARACTERS = 4000
"""Characters of one looked-up result that reach the prompt."""

STREAMED: dict[str, JsonValue] = {"stream": True, "stream_options": {"include_usage": True}}

_Form = TypeVar("_Form", bound=Record)


@dataclass(frozen=True, slots=True)
class Wire:
    """How to get a verdict out of a server."""

    verdict: Literal["auto", "logprobs", "json"] = "auto"
    """`auto` asks for an object when the server shows no log-probabilities of the two words;
    `json` saves that first request where it is known to be in vain."""
    schema: Literal["auto", "json_schema", "json_object", "none"] = "auto"
    """How a form is prescribed; `auto` tries one way after the other until none fails."""
    top_logprobs: int = 20
    """Alternatives shown for the verdict token; 20 is the most that OpenAI allows."""
    answer_tokens: int = 400
    """Limit for each answer that is a JSON object."""
    reasons_timeout: float = 30.0
    """Seconds for the reasons of a refusal; the refusal stands without them."""
    stream: bool = False
    """Ask for the verdict as a stream: llama-cpp-python's server works out log-probabilities for
    the whole prompt otherwise, which takes it longer than a warm verdict."""
    warm_up: bool = True
    """Whether to send the coming prompt ahead. Not to a provider who bills it a second time: the
    log counts the verdict alone."""
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Sent with each request, such as what turns a model's thinking off."""


class LLMCritic:
    """Any `Model` as a critic; without state, so one serves any number of episodes."""

    def __init__(
        self,
        model: Model,
        *,
        threshold: float = THRESHOLD,
        evidence: Examiner | None = None,
        lookups: int = 0,
        wire: Wire | None = None,
        budget: int = BUDGET,
    ) -> None:
        """Take the model, and send no request yet.

        `threshold` is the risk from which an action is sent back. `evidence` stands in the
        prompt. `lookups` is how often the critic may look something up before a verdict, where
        the proposal offers it. `budget` bounds the trajectory in the prompt, in characters.

        Raises:
            ConfigError: a number is out of range.
        """
        if not 0 <= threshold <= 1 or lookups < 0 or budget < 1:
            raise ConfigError(
                f"LLM critic: threshold {threshold}, lookups {lookups}, budget {budget}; "
                "the threshold lies in [0, 1], lookups are not negative, the budget is positive"
            )
        self._model = model
        self._threshold = threshold
        self._evidence = evidence
        self._lookups = lookups
        self._wire = wire or Wire()
        self._budget = budget
        self.simulated = model.simulated
        self.name = f"llm:{model.name}"

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return a verdict with its risk; `Revise` carries the model's feedback.

        Raises:
            CriticError: the model failed, or its answer is not a verdict.
        """
        with judging(self.name):
            return await self._judge(proposal, _Hearing(self._model, self._wire))

    async def warm(self, proposal: Proposal) -> None:
        """Let the server read all of the prompt that does not depend on the action.

        For a server that caches prefixes, while the actor is still writing: the proposal is the
        coming one, with an empty action. The verdict counts these tokens as its own input.

        Raises:
            ModelError: the model failed; nothing is lost but the time saved.
        """
        if not self._wire.warm_up:
            return
        prompt = prompt_of(proposal, budget=self._budget)
        await _Hearing(self._model, self._wire).ask(prompt.prefix(), Sampling(max_tokens=1))

    async def _judge(self, proposal: Proposal, hearing: "_Hearing") -> Judgement:
        findings = objections(await self._evidence.examined(proposal)) if self._evidence else ()
        prompt = prompt_of(proposal, findings=findings, budget=self._budget)
        found = await self._look(proposal, prompt, hearing)
        if found:
            prompt = prompt_of(proposal, findings=findings, lookups=found, budget=self._budget)
        risk = await hearing.risk(prompt)
        reasons = await hearing.reasons(prompt) if risk >= self._threshold else None
        return Judgement(
            verdict=_revision(proposal, reasons) if risk >= self._threshold else Approve(),
            critic=self.name,
            risk=risk,
            category=reasons.fault if reasons else "",
            policy_ref=cited(reasons.policy_ref, proposal.policy) if reasons else "",
            rationale="; ".join([*([plain(reasons.reason)] if reasons else ()), *hearing.notes]),
            flags=tuple(finding.flag for finding in findings),
            usage=hearing.usage,
            seconds=hearing.seconds,
        )

    async def _look(
        self, proposal: Proposal, prompt: Prompt, hearing: "_Hearing"
    ) -> tuple[Lookup, ...]:
        """Return what the critic asked to see; an answer that cannot be read asks for nothing."""
        look = proposal.look
        readable = {tool.name for tool in proposal.tools if tool.effect == "read"}
        if look is None or not self._lookups or not readable:
            return ()
        wanted = await hearing.form(lookups_chat(prompt, self._lookups), WantedLookups)
        if wanted is None:
            hearing.notes.append("look-ups: the answer could not be read")
            return ()
        found: list[Lookup] = []
        for each in wanted.lookups[: self._lookups]:
            arguments = parse_object(each.arguments)
            if each.tool not in readable or arguments is None:
                hearing.notes.append(f"look-ups: {_shown(each)} was not made")
                continue
            try:
                with boundary(CriticError, f"look-up {_shown(each)}"):
                    result = await look.call(each.tool, arguments)
            except SidecriticError as error:
                hearing.notes.append(f"look-ups: {plain(str(error), 200)}")
                continue
            if len(result.text) > _LOOKUP_CHARACTERS:
                cut = f"{result.text[:_LOOKUP_CHARACTERS]} [shortened]"
                result = result.model_copy(update={"text": cut})
            found.append(Lookup(tool=each.tool, arguments=arguments, result=result))
        return tuple(found)


class _Hearing:
    """The requests about one proposal, and what they cost together."""

    def __init__(self, model: Model, wire: Wire) -> None:
        self._model = model
        self._wire = wire
        self.usage = Usage()
        self.seconds = 0.0
        self.notes: list[str] = []

    async def ask(self, chat: tuple[Message, ...], sampling: Sampling) -> Completion:
        extra = {**self._wire.extra, **sampling.extra}
        sampling = sampling.model_copy(update={"extra": extra, "tool_choice": "none"})
        completion = await self._model.complete(Request(messages=chat, sampling=sampling))
        self.usage += completion.usage
        self.seconds += completion.seconds
        return completion

    async def risk(self, prompt: Prompt) -> float:
        """Return the risk from the verdict's token, or from an object where there is none."""
        if self._wire.verdict != "json":
            risk = await self._token_risk(prompt)
            if risk is not None:
                return risk
        verdict = await self.form(prompt.asking(JSON_VERDICT), JsonVerdict)
        if verdict is None:
            raise CriticError(
                f"model {self._model.name!r} gave no verdict: neither the word {APPROVE} or "
                f"{REFUSE} with log-probabilities, nor the object asked for "
                f"({'; '.join(self.notes)}); turn its thinking off, or use another model"
            )
        return verdict.risk

    async def _token_risk(self, prompt: Prompt) -> float | None:
        top = self._wire.top_logprobs
        try:
            # At another temperature some servers report other log-probabilities.
            extra = STREAMED if self._wire.stream else {}
            sampling = Sampling(temperature=1.0, max_tokens=1, top_logprobs=top, extra=extra)
            completion = await self.ask(verdict_chat(prompt), sampling)
        except ModelRejected:
            if self._wire.verdict == "logprobs":
                raise
            self.notes.append("the server refused a request with log-probabilities")
            return None
        token = completion.logprobs[0] if completion.logprobs else None
        read = risk_of(token) if token is not None else None
        if read is None:
            seen = f"first token {token.token!r}" if token else "no log-probabilities"
            self.notes.append(f"no verdict token: {plain(seen, 80)}")
            if self._wire.verdict == "logprobs":
                raise CriticError(
                    f"model {self._model.name!r}: {self.notes[-1]}; turn its thinking off, use "
                    "another model, or let the verdict be read from JSON"
                )
            return None
        if read.note:
            self.notes.append(read.note)
        return read.risk

    async def reasons(self, prompt: Prompt) -> Reasons | None:
        """Return why the action was refused; `None` when no usable reasons came back.

        The verdict stands without them: it was given before they were asked for.
        """
        try:
            async with asyncio.timeout(self._wire.reasons_timeout):
                reasons = await self.form(reasons_chat(prompt), Reasons)
        except ModelError as error:
            self.notes.append(f"reasons: {plain(str(error), 200)}")
            return None
        except TimeoutError:
            self.notes.append(f"reasons: none within {self._wire.reasons_timeout:g} s")
            return None
        if reasons is None:
            self.notes.append("reasons: the answer could not be read")
        return reasons

    async def form(self, chat: tuple[Message, ...], form: type[_Form]) -> _Form | None:
        """Return the answer as an object; `None` when it is not one of this form.

        Servers differ in how a schema is given to them: the first way that works is taken, at
        last none at all. The answer is held to the schema in any case.
        """
        ways = _ways(form, self._wire)
        for sampling in ways:
            try:
                completion = await self.ask(chat, sampling)
            except (ModelRejected, ModelUnavailable):
                # Some answer 500 to a format that they do not know.
                if sampling is ways[-1]:
                    raise
                continue
            try:
                return form.model_validate_json(completion.message.text, strict=True)
            except ValidationError:
                return None
        return None


def _ways(form: type[Record], wire: Wire) -> tuple[Sampling, ...]:
    schema = form.model_json_schema()
    formats: dict[str, dict[str, JsonValue]] = {
        "json_schema": schema_format(form),
        "json_object": {"response_format": {"type": "json_object", "schema": schema}},
        "none": {},
    }
    return tuple(
        # A server that refuses every format may refuse a temperature, too.
        Sampling(
            temperature=None if way == "none" else 0.0, max_tokens=wire.answer_tokens, extra=extra
        )
        for way, extra in formats.items()
        if wire.schema in ("auto", way)
    )


def _revision(proposal: Proposal, reasons: Reasons | None) -> Revise:
    calls = reasons.ids(proposal.action) if reasons else None
    feedback = plain(reasons.feedback) if reasons and calls is not None else ""
    return Revise(feedback=feedback or GENERIC_FEEDBACK, calls=calls or ())


def _shown(wanted: WantedLookup) -> str:
    return plain(f"{wanted.tool}({wanted.arguments})", 80)
