"""A model behind the providers' wire formats that proposes a wrong write before the right one.

It deletes an order until somebody tells it not to, then refunds the order, then says so.
"""

from tests.wire import Received, Reply, call, chat
from tests.wires.streams import (
    called,
    chat_stream,
    function_call,
    output_text,
    response,
    response_stream,
    spoken,
)

RIGHT = {"order": "B2"}
TRACES = ("delete_order", "Not that one.", "[supervisor]")
"""What a transcript without refused drafts does not hold."""


def actor(received: Received) -> Reply:
    """Look at the conversation and do the next thing, in the format that was asked in."""
    body = received.body
    if received.path.endswith("/responses"):
        said = str(body["input"])
        done, told = "refunded B2" in said, "Not that one." in said
        item = output_text("All done.") if done else function_call(_tool(told), RIGHT)
        return (response_stream if body.get("stream") else response)(item)
    said = str(body["messages"])
    done, told = "refunded B2" in said, "Not that one." in said
    if body.get("stream"):
        return chat_stream(spoken("All done.") if done else called(("c1", _tool(told), RIGHT)))
    return chat("All done.") if done else chat(None, calls=[call(_tool(told), RIGHT)])


def _tool(told: bool) -> str:
    return "refund_order" if told else "delete_order"
