"""Errors of the gateway's own, with the status that a client sees."""

from sidecritic.errors import SidecriticError


class HttpError(SidecriticError):
    """A request, or its answer, is stopped; `code` says why in one word."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
