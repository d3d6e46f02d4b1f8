"""The address of a served model, and the wording of its failures.

Every failure becomes one line that names model, address, what happened and what to do.
An API key never reaches such a line, not even when the server echoes it.
"""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from sidecritic.errors import (
    ConfigError,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    first_problem,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

MAX_CHARS = 200_000
"""Characters of text, or of the arguments of one call, above which an answer is refused."""

TIMEOUT = 300.0
"""Seconds for one whole call; long enough for a reasoning model, short of a hung server."""

_Shape = TypeVar("_Shape", bound=BaseModel)
_TRANSIENT = frozenset({408, 409, 425, 429})
_DETAIL_CHARS = 300
_KEY = re.compile(r"\b(?:sk|key)-[\w*.-]{4,}")
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")
_REMEDIES = {
    400: "check that the model supports what is asked for (tools, log-probabilities, context size)",
    401: "check the API key",
    403: "check that the API key may use this model",
    404: "check the model's name and the base URL",
    413: "the conversation is too long for this server",
    422: "check that the model supports what is asked for (tools, log-probabilities, context size)",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address."""

    model: str
    base_url: str
    api_key: str | None = field(repr=False)
    timeout: float = TIMEOUT
    max_chars: int = MAX_CHARS

    def __post_init__(self) -> None:
        if problem := problem_of(self.base_url):
            raise ConfigError(
                f"base URL {_without_secrets(self.base_url)!r} {problem}; "
                "write it as http://HOST:PORT/v1 or https://HOST/v1"
            )
        if self.api_key and not re.fullmatch(r"[!-~]+", self.api_key):
            # Checked here because an HTTP library would quote the header, key included.
            raise ConfigError(
                f"the API key for {self.shown_url} holds blanks or characters that no HTTP header "
                "can carry; copy it again"
            )

    @property
    def shown_url(self) -> str:
        """The address without user name, password and query, each of which may be a secret."""
        return _without_secrets(self.base_url)

    @property
    def label(self) -> str:
        return f"model {self.model!r} at {self.shown_url}"

    def direct_client(self) -> "AsyncClient | None":
        """Return a client that bypasses proxies, for a server on this machine.

        A proxy from the environment could not reach it; `None` elsewhere.
        """
        if not _LOOPBACK.fullmatch(urlsplit(self.base_url).hostname or ""):
            return None
        import httpx2

        return httpx2.AsyncClient(trust_env=False, follow_redirects=True, timeout=self.timeout)

    def silence(self) -> ModelUnavailable:
        """Return the error for a server that did not answer in time."""
        return ModelUnavailable(
            f"{self.label}: no complete answer within {self.timeout:g} s; "
            "check the server's load or allow a longer timeout"
        )

    def unreachable(self, cause: BaseException) -> ModelUnavailable:
        """Return the error for a connection that failed or broke."""
        root = cause.__cause__ or cause
        why = self._one_line(str(root)) or type(root).__name__
        return ModelUnavailable(
            f"{self.label}: connection failed ({why}); check that the server runs there"
        )

    def refusal(self, response: "Response") -> ModelError:
        """Return the error for an HTTP status that is not a success."""
        status = response.status_code
        said = self._one_line(_message_in(response.text))
        line = f"{self.label}: HTTP {status}" + (f" ({said})" if said else "")
        if status >= 500 or status in _TRANSIENT:
            return ModelUnavailable(
                f"{line}; the server is overloaded or broken, try again later",
                retry_after=retry_after(response.headers),
            )
        return ModelRejected(f"{line}; {_REMEDIES.get(status, 'check base URL and request')}")

    def unusable(self, why: str) -> ModelError:
        """Return the error for an answer that arrived and cannot be used."""
        return ModelError(f"{self.label}: {self._one_line(why)}")

    def read(self, body: bytes, shape: type[_Shape]) -> _Shape:
        """Return the answer's body as a `shape`.

        Raises:
            ModelUnavailable: it is cut off, or not JSON at all.
            ModelError: it is JSON of another shape.
        """
        try:
            return shape.model_validate_json(body)
        except ValidationError as cause:
            raise self._misread(body, cause) from cause

    def require_size(self, what: str, text: str) -> None:
        """Raise a `ModelError` when `text` is longer than `max_chars`."""
        if len(text) > self.max_chars:
            raise self.unusable(
                f"{what} of {len(text):,} characters, more than the limit of {self.max_chars:,}; "
                "set max_tokens, or raise max_chars"
            )

    def _misread(self, body: bytes, cause: ValidationError) -> ModelError:
        problem = first_problem(cause)
        start = body[:200].lstrip()
        if start.startswith(b"<"):
            return ModelUnavailable(
                f"{self.label}: answered with a web page instead of JSON; check the base URL"
            )
        if problem.kind == "json_invalid":
            return ModelUnavailable(
                f"{self.label}: the answer is not complete JSON ({problem.message}, "
                f"{len(body):,} bytes); the connection or the server broke off"
            )
        if not problem.where:
            shown = body[:_DETAIL_CHARS].decode(errors="replace")
            return self.unusable(
                f"the answer is not a JSON object but {shown}; is this the right kind of API?"
            )
        said = _message_in(body[:10_000].decode(errors="replace"))
        return self.unusable(said or f"{problem}; is this the right kind of API?")

    def _one_line(self, text: str) -> str:
        shown = " ".join(text.split())
        if self.api_key:
            shown = shown.replace(self.api_key, "[key]")
        shown = _KEY.sub("[key]", shown)
        return shown if len(shown) <= _DETAIL_CHARS else shown[: _DETAIL_CHARS - 1] + "…"


def problem_of(base_url: str) -> str:
    """Return why the text is not a web address, `""` when it is one."""
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError as cause:
        return f"is not a web address ({cause})"
    known = parts.scheme in ("http", "https") and parts.hostname
    return "" if known else "is not a web address"


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        # What cannot be parsed is shown only as far as it cannot hold a user name.
        return url.rpartition("@")[2].partition("?")[0]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait; `None` if it does not.

    Source: RFC 9110, section 10.2.3, and the `retry-after-ms` header of hosted APIs.
    """
    for header, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(ValueError):
            seconds = float(headers.get(header, "")) / unit
            if math.isfinite(seconds):
                return max(0.0, seconds)
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


class _Error(BaseModel):
    message: str = ""


class _ErrorBody(BaseModel):
    error: _Error | str | None = None
    message: str = ""
    detail: str = ""


def _message_in(text: str) -> str:
    """Return the message of an error body, in any of the usual shapes."""
    if text.lstrip().startswith("<"):
        return "a web page"
    try:
        body = _ErrorBody.model_validate(from_json(text))
    except ValueError:
        return "" if text.lstrip().startswith(("{", "[")) else text
    if isinstance(body.error, _Error):
        return body.error.message
    return body.error or body.message or body.detail
