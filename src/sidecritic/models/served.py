"""A model behind a server, reached through its provider's SDK; what providers share."""

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from sidecritic.errors import MissingExtra, ModelError, boundary
from sidecritic.models.endpoint import MAX_CHARS, TIMEOUT, Endpoint
from sidecritic.types import Completion, Request, ToolSpec

if TYPE_CHECKING:
    from httpx2 import AsyncClient

NO_PARAMETERS: dict[str, JsonValue] = {"type": "object", "properties": {}}
"""The schema of a tool that declares none."""


class ServedModel:
    """Asks a server for each completion; close it with `aclose()`."""

    _package: str
    """Name of the SDK's package, and of the extra that installs it."""
    _client_class: str
    _errors: str
    """Class that all errors of the SDK are of."""
    _url: str
    _path: str
    simulated = False

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = TIMEOUT,
        max_chars: int = MAX_CHARS,
        http_client: "AsyncClient | None" = None,
    ) -> None:
        """Connect to nothing yet; the first call does.

        `timeout` bounds a whole call in seconds; `max_chars` the text and each call's
        arguments; `http_client` is closed together with the model.

        Raises:
            ConfigError: the base URL or the key cannot be used.
            MissingExtra: the SDK is not installed.
        """
        root = self._root(base_url or self._url)
        self.name = model
        self._endpoint = Endpoint(model, root, api_key, timeout, max_chars)
        try:
            self._sdk = import_module(self._package)
        except ImportError as cause:
            raise MissingExtra(self._package, self._package, f"model {model!r}") from cause
        self._client: Any = getattr(self._sdk, self._client_class)(
            # Without a key the SDKs would look in the environment.
            api_key=api_key or "none",
            base_url=root,
            timeout=timeout,
            max_retries=0,
            http_client=http_client or self._endpoint.direct_client(),
        )

    async def complete(self, request: Request) -> Completion:
        """Return the next assistant message.

        Raises:
            ConfigError: the API cannot do what is asked for.
            ModelUnavailable: no connection, no answer in time, overload, a broken answer.
            ModelRejected: the server refused the request.
            ModelError: the answer cannot be used.
        """
        payload = self._payload(request)
        started = perf_counter()
        with boundary(ModelError, self._endpoint.label):
            body = await self._post(payload)
            return self._completion(request, body, perf_counter() - started)

    async def aclose(self) -> None:
        await self._client.close()

    def _root(self, base_url: str) -> str:
        return base_url

    def _payload(self, request: Request) -> dict[str, JsonValue]:
        """Return the body of a request."""
        raise NotImplementedError

    def _headers(self, payload: Mapping[str, JsonValue]) -> dict[str, str]:
        return {}

    def _completion(self, request: Request, body: bytes, seconds: float) -> Completion:
        raise NotImplementedError

    async def _post(self, payload: dict[str, JsonValue]) -> bytes:
        sdk, options = self._sdk, {"headers": self._headers(payload)}
        try:
            # The SDK's timeout is one of silence; a server that drips would never meet it.
            async with asyncio.timeout(self._endpoint.timeout):
                return await self._client.post(
                    self._path, body=payload, cast_to=bytes, options=options
                )
        except (TimeoutError, sdk.APITimeoutError) as cause:
            raise self._endpoint.silence() from cause
        except sdk.APIStatusError as cause:
            raise self._endpoint.refusal(cause.response) from cause
        except getattr(sdk, self._errors) as cause:
            raise self._endpoint.unreachable(cause) from cause


def offered(
    request: Request,
    tool: Callable[[ToolSpec], JsonValue],
    choice: Callable[[str], JsonValue],
) -> dict[str, JsonValue]:
    """Return the tools of a request, and which of them to choose, each in a provider's shape."""
    if not request.tools:
        return {}
    tools: dict[str, JsonValue] = {"tools": [tool(each) for each in request.tools]}
    chosen = request.sampling.tool_choice
    return tools if chosen is None else {**tools, "tool_choice": choice(chosen)}
