"""Whole conversations of the real SDKs: wrong steps are refused in each turn, and leave no trace.

The model proposes a wrong write, is refused, and corrects it; the client runs the tool and sends
the result; the next step is wrong as well, and so is the last message.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from sidecritic.types import Proposal, ToolResult
from tests.conversing import (
    StoredTalker,
    Talker,
    Turn,
    answered,
    converse,
    require_well_formed,
    talker,
)
from tests.gateway import Asked, gateway, refuses
from tests.wire import Json, Received, wire_server

RIGHT = {"order": "B2", "why": "asked"}
STEPS = (
    [("call_a", "delete_order", {"order": "A1", "why": "wrong-1"})],
    [("call_b", "refund_order", RIGHT)],
    [("call_c", "close_case", {"case": 7}), ("call_d", "delete_order", {"why": "wrong-2"})],
    [("call_e", "close_case", {"case": 7})],
    "It was deleted, wrong-3.",
    "Refunded, and the case is closed.",
)
"""Each turn is one refused draft and the one that is released."""
TRACES = ("delete", "wrong-", "Not that one.", "Do not say that.", "supervisor")

EVERY_API = pytest.mark.parametrize("api", ["chat", "messages", "responses"])
BOTH_CLIENTS = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


class Played:
    """A conversation as each side has seen it."""

    def __init__(self, critic: Asked) -> None:
        self.critic = critic
        self.ran: list[tuple[str, Json]] = []
        self.turns: list[Turn] = []
        self.received: list[Received] = []
        self.rows: list[dict[str, Any]] = []

    def refund(self, arguments: Json) -> str:
        self.ran.append(("refund_order", arguments))
        return "refunded B2"

    def close(self, arguments: Json) -> str:
        self.ran.append(("close_case", arguments))
        return "closed 7"


async def play(api: str, *, is_async: bool, stream: bool) -> tuple[Played, Talker]:
    played = Played(refuses("delete_order", "deleted"))
    format = "responses" if api == "stored" else api
    replies = [
        answered(format, step, stream=stream, id=f"resp_{number}")
        for number, step in enumerate(STEPS)
    ]
    with (
        wire_server(replies) as upstream,
        gateway(upstream.root, critic=played.critic) as door,
    ):
        client = talker(api, door.root, is_async=is_async, stream=stream)
        tools = {"refund_order": played.refund, "close_case": played.close}
        played.turns = await converse(client, tools)
        played.rows = door.settled()
        played.received = upstream.received
    return played, client


def require_no_trace(text: str, where: str) -> None:
    for trace in TRACES:
        assert trace not in text, f"{trace!r} in {where}"


def require_decisions(rows: Sequence[dict[str, Any]]) -> None:
    kept = [(r["turn"], r["attempt"], r["verdict"], r["fate"]) for r in rows]
    assert kept == [
        (turn, attempt, verdict, fate)
        for turn in range(3)
        for attempt, verdict, fate in ((0, "revise", "withheld"), (1, "approve", "released"))
    ]
    assert not any(r["unverified"] for r in rows), "each turn was released here"
    assert [r["tools"] for r in rows] == [
        "delete_order",
        "refund_order",
        "close_case,delete_order",
        "close_case",
        "",
        "",
    ]


def require_history_without_drafts(seen: Sequence[Proposal]) -> None:
    """The critic judges the conversation as the client has it, and the drafts of this turn."""
    for turn in range(3):
        first, second = seen[2 * turn : 2 * turn + 2]
        require_no_trace(str(first.history), f"the history of turn {turn}")
        assert len(second.history) > len(first.history), "it is shown what was refused before"
    results = [m.text for m in seen[4].history if isinstance(m, ToolResult)]
    assert results == ["refunded B2", "closed 7"]


@EVERY_API
@BOTH_CLIENTS
@BOTH_WAYS
async def test_a_conversation_with_a_wrong_step_in_each_turn_has_no_trace_of_them(
    api: str, is_async: bool, stream: bool
) -> None:
    played, client = await play(api, is_async=is_async, stream=stream)

    assert played.ran == [("refund_order", RIGHT), ("close_case", {"case": 7})]
    assert [len(t.calls) for t in played.turns] == [1, 1, 0]
    assert played.turns[-1].text == STEPS[-1]
    for number, turn in enumerate(played.turns):
        require_no_trace(turn.seen, f"answer {number}")
    require_no_trace(str(client.transcript), "the transcript")

    bodies = [received.body for received in played.received]
    assert len(bodies) == len(STEPS)
    for body in bodies:
        require_well_formed(api, body)
    for number, body in enumerate(bodies[0::2]):
        require_no_trace(str(body), f"what the client sent in turn {number}")
    for number, body in enumerate(bodies[1::2]):
        told = "Do not say that." if number == 2 else "Not that one."
        assert str(body).count(told) == 1, "the hidden round trip says what was wrong, once"
        drafts = [f"wrong-{n}" for n in (1, 2, 3) if f"wrong-{n}" in str(body)]
        assert drafts == [f"wrong-{number + 1}"], "the refused draft of this turn, and no other"
    require_decisions(played.rows)
    require_history_without_drafts(played.critic.seen)


@BOTH_CLIENTS
@BOTH_WAYS
async def test_a_conversation_that_the_provider_keeps_goes_on_from_what_was_released(
    is_async: bool, stream: bool
) -> None:
    played, client = await play("stored", is_async=is_async, stream=stream)
    assert isinstance(client, StoredTalker)

    assert played.ran == [("refund_order", RIGHT), ("close_case", {"case": 7})]
    assert played.turns[-1].text == STEPS[-1]
    for number, turn in enumerate(played.turns):
        require_no_trace(turn.seen, f"answer {number}")
    require_no_trace(str(client.sent), "what the client sent")
    bodies = [received.body for received in played.received]
    assert len(bodies) == len(STEPS)
    for body in bodies:
        require_well_formed("responses", body)
    before = [body.get("previous_response_id") for body in bodies]
    assert before == [None, None, "resp_1", "resp_1", "resp_3", "resp_3"]
    require_decisions(played.rows)
    require_history_without_drafts(played.critic.seen)
