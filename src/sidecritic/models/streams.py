"""A streamed answer of chat completions, read as the one that would have come in one piece."""

from pydantic_core import to_json

from sidecritic.errors import ModelUnavailable
from sidecritic.models.endpoint import Endpoint

_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How lines of server-sent events begin; a JSON answer begins with none of them."""


def whole(endpoint: Endpoint, body: bytes) -> bytes:
    """Return the body of the answer; one that was not streamed is returned as it is.

    Raises:
        ModelUnavailable: the stream broke off.
    """
    if not body.lstrip().startswith(_BEGINNINGS):
        return body
    # Needs a package that comes with the SDK, and with that alone.
    from sidecritic.dialects.base import StreamFailed
    from sidecritic.dialects.chat import ChatCompletions

    try:
        return to_json(ChatCompletions().assembled(body, {}).answer)
    except StreamFailed as failure:
        if failure.error is not None:
            return to_json(failure.error)
        raise ModelUnavailable(
            f"{endpoint.label}: {failure}; the connection or the server broke off"
        ) from failure
