"""The real models of a run: clients with a limit, retries, prices and cassettes."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

from sidecritic.errors import ConfigError
from sidecritic.models.metering import Metered
from sidecritic.models.wrappers import Limited, Price, Priced, Prices, Retrying, load_prices
from sidecritic.ports import Model
from sidecritic.settings.environment import Keys
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.model_names import ModelName, Server
from sidecritic.strategies.stand_in import StandIn


class ModelSource(Protocol):
    """Where models come from: servers, or a dry run without any."""

    def model(self, name: ModelName, base_url: str | None) -> Model: ...


class _Client(Model, Protocol):
    async def aclose(self) -> None: ...


class Models:
    """Real models of one run, closed together with it; models of one server share its slots."""

    def __init__(self, settings: Settings, keys: Keys, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._keys = keys
        self._stack = stack
        self._slots: dict[str | None, asyncio.Semaphore] = {}
        self._players: dict[Path, Model] = {}
        self._loaded: dict[str, Model] = {}
        self._prices = prices_of(settings)

    def model(self, name: ModelName, base_url: str | None) -> Model:
        """Return a client with a limit, retries and prices around it, or a cassette's player.

        Raises:
            ConfigError: no key, an unusable base URL or cassette, or a package is missing.
        """
        if name.provider == "local":
            return self._local(name.model, base_url)
        model = self._served(name.provider, name.model, base_url)
        return Priced(model, self._prices) if self._prices is not None else model

    def _served(self, provider: Server, model: str, base_url: str | None) -> Model:
        path = _cassette(self._settings.cassette, provider, model)
        if path is not None:
            return self._recorded(path)
        client = self._client(provider, model, base_url)
        self._stack.push_async_callback(client.aclose)
        server = base_url or provider
        slots = self._slots.setdefault(server, asyncio.Semaphore(self._settings.concurrency))
        asked = Retrying(Limited(client, slots), attempts=self._settings.attempts)
        path = _cassette(self._settings.record, provider, model)
        if path is None:
            return asked
        from sidecritic.models.scripted import record

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise ConfigError(f"cannot create {path.parent}: {cause.strerror}") from cause
        return record(asked, path)

    def _recorded(self, path: Path) -> Model:
        """Return one player for each cassette: it remembers which answers were given."""
        from sidecritic.models.scripted import RecordedModel

        if path not in self._players:
            self._players[path] = RecordedModel(path)
        return self._players[path]

    def _client(self, provider: Server, model: str, base_url: str | None) -> _Client:
        key, timeout = self._keys.key_for(provider, base_url), self._settings.timeout
        if provider == "anthropic":
            from sidecritic.models.anthropic import AnthropicMessages

            return AnthropicMessages(model, base_url=base_url, api_key=key, timeout=timeout)
        if provider == "systemone" and base_url is None:
            raise ConfigError(
                f"decision:systemone:{model} has no address of its own; give --critic-base-url "
                "(`critic_base_url` of a route)"
            )
        if provider in ("decisions", "systemone"):
            from sidecritic.models.decisions import DecisionModel, SystemOneModel

            endpoint = DecisionModel if provider == "decisions" else SystemOneModel
            return endpoint(model, base_url=base_url, api_key=key, timeout=timeout)
        from sidecritic.models.openai import OpenAIChat

        return OpenAIChat(model, base_url=base_url, api_key=key, timeout=timeout)

    def _local(self, file: str, base_url: str | None) -> Model:
        """Return the model in a file, loaded once however many environments ask for it."""
        if base_url is not None:
            raise ConfigError(
                f"local:{file} is read in this process and has no server; leave out "
                f"--critic-base-url {base_url}, or name the model as openai:MODEL"
            )
        if file not in self._loaded:
            from sidecritic.models.llamacpp import load_llamacpp

            model = load_llamacpp(Path(file).expanduser())
            self._stack.push_async_callback(model.aclose)
            self._loaded[file] = model
        return self._loaded[file]


def _cassette(folder: str | None, provider: Server, model: str) -> Path | None:
    """Return the file of a model's completions; `None` without a folder of cassettes."""
    if folder is None:
        return None
    slug = re.sub(r"[^A-Za-z0-9.-]+", "_", model)
    return Path(folder) / f"{provider}-{slug}.jsonl"


def prices_of(settings: Settings) -> Prices | None:
    """Return the price table that the settings name.

    Raises:
        ConfigError: it cannot be read.
    """
    # Read even if no real model plays: a wrong path is reported at once.
    if settings.prices is None:
        return None
    return load_prices(Path(settings.prices))


class DryRun:
    """Stand-ins for the models of a run; each call counts as if it was paid."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = prices
        self.models: set[str] = set()
        """The models that a run would ask."""

    def model(self, name: ModelName, base_url: str | None) -> Model:
        """Return a stand-in for a reviewer, a verifier or a critic, which approves."""
        return self.metered(StandIn(blocks=0.0), name)

    def metered(self, model: Model, name: ModelName) -> Model:
        """Return a simulated party that reports what the model of that name would cost."""
        self.models.add(name.model)
        return Metered(model, name.model, self._prices)
