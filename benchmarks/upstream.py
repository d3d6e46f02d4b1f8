"""A provider that answers at once: the same chat completion, plain or as a stream."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

TEXT = "Could you tell me the number of your order, please?"
_MESSAGE = {"role": "assistant", "content": TEXT}
_CHOICE = {"index": 0, "message": _MESSAGE, "finish_reason": "stop"}
_USAGE = {"prompt_tokens": 400, "completion_tokens": 16, "total_tokens": 416}
_HEAD = {"id": "chatcmpl-1", "created": 1_760_000_000, "model": "instant"}
PLAIN = json.dumps(
    {**_HEAD, "object": "chat.completion", "choices": [_CHOICE], "usage": _USAGE}
).encode()


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer, whatever is asked; ASGI."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(PLAIN))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PLAIN})
