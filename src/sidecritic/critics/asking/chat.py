"""A language model that is asked in chat: by token, by object, by reasoning, or by votes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from sidecritic.critics.answers import (
    JsonVerdict,
    JsonVerdictOrLook,
    Opinion,
    ReasonedVerdict,
    ReasonedVerdictOrLook,
    Reasons,
    WantedLookup,
    WantedLookups,
    mean,
    opinion_of,
    plain,
    spoken,
)
from sidecritic.critics.asking.wire import STREAMED, Way, Wire
from sidecritic.critics.prompt import (
    APPROVE,
    REFUSE,
    Prompt,
    json_chat,
    lookups_chat,
    reasoning_chat,
    reasons_chat,
    verdict_chat,
)
from sidecritic.errors import CriticError, ModelError, ModelRejected, ModelUnavailable
from sidecritic.forms import schema_format, unfenced
from sidecritic.ports import Model
from sidecritic.types import Completion, Message, Record, Request, Sampling, Usage

_WORD_TOKENS = 8
"""A drawn word, with what a tokenizer or a chat template puts around it."""

_THOUGHT = "</think>"
"""How servers that do not part it from the answer end a model's thinking."""

_Form = TypeVar("_Form", bound=Record)


class ChatHearing:
    """The requests about one proposal, and what they cost together."""

    def __init__(self, model: Model, wire: Wire) -> None:
        self._model = model
        self._wire = wire
        self.usage = Usage()
        self.seconds = 0.0
        self.notes: list[str] = []

    async def ask(self, chat: tuple[Message, ...], sampling: Sampling) -> Completion:
        """Return the answer to one request, its cost counted."""
        extra = {**self._wire.extra, **sampling.extra}
        sampling = sampling.model_copy(update={"extra": extra, "tool_choice": "none"})
        completion = await self._model.complete(Request(messages=chat, sampling=sampling))
        self.usage += completion.usage
        self.seconds += completion.seconds
        return completion

    async def opinion(self, prompt: Prompt) -> Opinion:
        """Return the verdict in probabilities.

        Raises:
            CriticError: the answer is no verdict.
            ModelError: the model failed.
        """
        if self._wire.votes > 1:
            return await self._voted(prompt)
        match self._wire.verdict:
            case "word":
                return await self._word(prompt)
            case "reason":
                form = ReasonedVerdictOrLook if prompt.may_look else ReasonedVerdict
                found = await self.form(reasoning_chat(prompt), form)
                return self._required(found.opinion if found else None)
            case "json":
                return await self._object(prompt)
            case "auto" | "logprobs" | "decision":
                found = await self._token(prompt)
                return found or await self._object(prompt)

    async def two_way(self, prompt: Prompt) -> Opinion:
        """Return the verdict of a prompt that offers no third answer, as far as it is one.

        Raises:
            CriticError: the answer is no verdict.
            ModelError: the model failed.
        """
        opinion = await self.opinion(replace(prompt, may_look=False))
        if opinion.doubt >= self._wire.unverified:
            self.notes.append(f"asked for yes or no, it does not know either: {opinion.doubt:.0%}")
        return opinion

    async def wanted(self, prompt: Prompt, limit: int) -> tuple[WantedLookup, ...]:
        """Return what must be looked up; nothing when the answer cannot be read."""
        wanted = await self.form(lookups_chat(prompt, limit), WantedLookups)
        if wanted is None:
            self.notes.append("look-ups: the answer could not be read")
            return ()
        return wanted.lookups[:limit]

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
            text = completion.message.text
            if self._wire.verdict == "reason":
                text = unfenced(text.rpartition(_THOUGHT)[2])
            try:
                return form.model_validate_json(text, strict=True)
            except ValidationError:
                if completion.finish == "length":
                    self.notes.append(f"no end within {sampling.max_tokens} tokens")
                return None
        return None

    # --- ways to a verdict -------------------------------------------------------------------

    async def _token(self, prompt: Prompt) -> Opinion | None:
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
        read = opinion_of(token) if token is not None else None
        if read is not None:
            if read.note:
                self.notes.append(read.note)
            return read
        seen = f"first token {token.token!r}" if token else "no log-probabilities"
        self.notes.append(f"no verdict token: {plain(seen, 80)}")
        if self._wire.verdict == "logprobs":
            raise CriticError(
                f"model {self._model.name!r}: {self.notes[-1]}; turn its thinking off, use "
                "another model, or let the verdict be read from JSON"
            )
        return None

    async def _object(self, prompt: Prompt) -> Opinion:
        form = JsonVerdictOrLook if prompt.may_look else JsonVerdict
        found = await self.form(json_chat(prompt), form)
        return self._required(found.opinion if found else None)

    async def _word(self, prompt: Prompt) -> Opinion:
        sampling = Sampling(temperature=1.0, max_tokens=_WORD_TOKENS)
        completion = await self.ask(verdict_chat(prompt), sampling)
        found = spoken(completion.message.text)
        if found is None:
            self.notes.append(f"drawn was {plain(completion.message.text, 80)!r}")
        return self._required(found)

    async def _voted(self, prompt: Prompt) -> Opinion:
        """Return the mean of several answers, drawn at the same time; most of them must be one.

        They take as long as the slowest.
        """
        once = replace(self._wire, votes=1, verdict=_varying(self._wire), temperature=1.0)
        voters = [ChatHearing(self._model, once) for _ in range(self._wire.votes)]
        asked = [_vote(voter, prompt) for voter in voters]
        votes = await asyncio.gather(*asked)
        self.usage = sum((voter.usage for voter in voters), self.usage)
        self.seconds += max(voter.seconds for voter in voters)
        counted = [vote for vote in votes if isinstance(vote, Opinion)]
        failed = [str(vote) for vote in votes if not isinstance(vote, Opinion)]
        if failed:
            self.notes.append(
                f"{len(failed)} of {len(votes)} votes failed: {plain(failed[0], 200)}"
            )
        if len(counted) * 2 <= len(votes):
            raise CriticError(f"model {self._model.name!r}: {self.notes[-1]}")
        return mean(counted)

    def _required(self, opinion: Opinion | None) -> Opinion:
        if opinion is not None:
            return opinion
        raise CriticError(
            f"model {self._model.name!r} gave no verdict: neither the word {APPROVE} or "
            f"{REFUSE} with log-probabilities, nor the object asked for "
            f"({'; '.join(self.notes)}); turn its thinking off, or use another model"
        )


def _varying(wire: Wire) -> Way:
    """Return the way in which answers differ from each other; a token's probabilities do not."""
    return "word" if wire.verdict in ("auto", "logprobs") else wire.verdict


async def _vote(voter: ChatHearing, prompt: Prompt) -> Opinion | CriticError | ModelError:
    try:
        return await voter.opinion(prompt)
    except (CriticError, ModelError) as error:
        return error


def _ways(form: type[Record], wire: Wire) -> Sequence[Sampling]:
    schema = form.model_json_schema()
    formats: dict[str, dict[str, JsonValue]] = {
        "json_schema": schema_format(form),
        "json_object": {"response_format": {"type": "json_object", "schema": schema}},
        "none": {},
    }
    limit = wire.reason_tokens if wire.verdict == "reason" else wire.answer_tokens
    return tuple(
        # A server that refuses every format may refuse a temperature, too.
        Sampling(
            temperature=None if way == "none" else wire.temperature, max_tokens=limit, extra=extra
        )
        for way, extra in formats.items()
        if wire.schema in ("auto", way)
    )
