"""Errors of the gateway's own, with the status that a client sees."""

from math import ceil

from sidecritic.errors import SidecriticError
from sidecritic.gateway.wire.http import Headers


class HttpError(SidecriticError):
    """A request, or its answer, is stopped; `code` says why in one word."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after

    @property
    def headers(self) -> Headers:
        """What goes with the error; SDKs would retry some refusals, each a paid answer."""
        kind = ("content-type", "application/json")
        if self.retry_after is not None:
            return (kind, ("retry-after", str(ceil(self.retry_after))))
        return (kind,) if self.status == 502 else (kind, ("x-should-retry", "false"))
