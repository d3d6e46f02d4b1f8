"""Errors in the providers' envelopes, so that their SDKs raise what they always raise."""

from collections.abc import Mapping
from types import MappingProxyType

from sidecritic.dialects.base import Body

_OPENAI: Mapping[int, str] = MappingProxyType(
    {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
)
_ANTHROPIC: Mapping[int, str] = MappingProxyType(
    {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
)


def openai_error(status: int, code: str, message: str) -> Body:
    kind = _OPENAI.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_error(status: int, code: str, message: str) -> Body:
    kind = _ANTHROPIC.get(status, "api_error" if status >= 500 else "invalid_request_error")
    said: Body = {"type": kind, "message": f"{message} [{code}]", "details": {"error_code": code}}
    return {"type": "error", "error": said}
