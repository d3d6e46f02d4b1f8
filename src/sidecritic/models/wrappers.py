"""Models made from models: retries, a limit on concurrency, prices.

The usual order is `Priced(Retrying(Limited(client, slots)))`: a call that waits for its next
attempt holds no slot.
"""

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import stamina
from pydantic import Field, TypeAdapter, ValidationError

from sidecritic.errors import ConfigError, ModelUnavailable, first_problem
from sidecritic.ports import Model
from sidecritic.types import Completion, Record, Request, Sampling, Usage


class Wrapper:
    """A model that passes everything on to another; subclasses override `complete`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def simulated(self) -> bool:
        return self._model.simulated

    async def complete(self, request: Request) -> Completion:
        return await self._model.complete(request)

    async def aclose(self) -> None:
        """Close the wrapped model, if it can be closed."""
        close = getattr(self._model, "aclose", None)
        if close is not None:
            await close()


class Sampled(Wrapper):
    """Samples with fixed settings, whatever the request says."""

    def __init__(self, model: Model, sampling: Sampling) -> None:
        super().__init__(model)
        self._sampling = sampling

    async def complete(self, request: Request) -> Completion:
        return await super().complete(request.model_copy(update={"sampling": self._sampling}))


class Calling(Wrapper):
    """Must call a tool when tools are offered and the request does not say otherwise."""

    async def complete(self, request: Request) -> Completion:
        if request.tools and request.sampling.tool_choice is None:
            sampling = request.sampling.model_copy(update={"tool_choice": "required"})
            request = request.model_copy(update={"sampling": sampling})
        return await super().complete(request)


class Retrying(Wrapper):
    """Tries again while the model is unavailable: exponential waits with jitter.

    A wait that the server asks for is respected; if it is longer than `max_wait`, the error is
    raised at once. `max_wait=0` tries again without waiting.
    """

    def __init__(self, model: Model, *, attempts: int = 5, max_wait: float = 60.0) -> None:
        """Wrap `model`; `attempts` counts the first one, `max_wait` is in seconds."""
        super().__init__(model)
        if attempts < 1 or max_wait < 0:
            raise ConfigError(
                f"attempts is {attempts} and max_wait {max_wait:g}; "
                "attempts must be at least 1 and max_wait at least 0 seconds"
            )
        self._attempts = attempts
        self._max_wait = max_wait
        self._backoff = backoff(max_wait)

    async def complete(self, request: Request) -> Completion:
        caller = stamina.AsyncRetryingCaller(
            attempts=self._attempts,
            timeout=None,
            wait_initial=min(0.5, self._max_wait),
            wait_max=self._max_wait,
            wait_jitter=min(1.0, self._max_wait),
        )
        return await caller(self._backoff, self._model.complete, request)


def backoff(max_wait: float) -> Callable[[Exception], bool | float]:
    """Return the rule of retries: `False` for none, `True` after the usual wait, or seconds."""

    def rule(error: Exception) -> bool | float:
        if not isinstance(error, ModelUnavailable):
            return False
        asked = error.retry_after
        if not asked or not max_wait:
            return True
        return asked if asked <= max_wait else False

    return rule


class Limited(Wrapper):
    """Waits for one of the endpoint's slots before each call.

    Models that share an endpoint share its semaphore.
    """

    def __init__(self, model: Model, slots: asyncio.Semaphore) -> None:
        super().__init__(model)
        self._slots = slots

    async def complete(self, request: Request) -> Completion:
        async with self._slots:
            return await self._model.complete(request)


class Price(Record):
    """US dollars per million tokens."""

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Price of input that the provider's cache served; that of other input when not given."""

    def of(self, usage: Usage) -> float:
        """Return the cost of `usage` in US dollars."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh = usage.input_tokens - usage.cached_tokens
        spent = fresh * self.input + usage.cached_tokens * cached_price
        return (spent + usage.output_tokens * self.output) / 1_000_000


Prices = Mapping[str, Price]
"""Model name to price."""

_PRICES = TypeAdapter(dict[str, Price])


class Priced(Wrapper):
    """Adds what each call cost; `None` remains where the table has no price.

    Looked up by the name that the server reports, then by the name that was requested.
    """

    def __init__(self, model: Model, prices: Prices) -> None:
        super().__init__(model)
        self._prices = prices

    async def complete(self, request: Request) -> Completion:
        completion = await self._model.complete(request)
        price = self._prices.get(completion.model) or self._prices.get(self._model.name)
        if price is None:
            return completion
        usage = completion.usage.model_copy(update={"cost_usd": price.of(completion.usage)})
        return completion.model_copy(update={"usage": usage})


def load_prices(path: Path) -> Prices:
    """Read a price table: one TOML section a model, with `input`, `output`, `cached_input`.

    Raises:
        ConfigError: the file cannot be read, or an entry is not a price.
    """
    example = 'write each model as ["NAME"] with input = ..., output = ... (USD per million tokens)'
    try:
        return _PRICES.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as cause:
        raise ConfigError(f"price file {path}: {cause.strerror}; check the path") from cause
    except ValidationError as cause:
        raise ConfigError(f"price file {path}: {first_problem(cause)}; {example}") from cause
    except ValueError as cause:
        raise ConfigError(f"price file {path}: not TOML: {cause}; {example}") from cause
