"""JavaScript clients through the gateway: two turns of a user, with tools that the client runs.

In each turn the model calls a wrong tool first; told so behind the scenes, it calls the right one,
and then says what it did. In shadow nobody tells it, and all of it passes as it came.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from sidecritic.types import Assistant, Proposal, Revise
from tests.conversing import Step, answered, require_well_formed
from tests.gateway import Asked, Row, gateway
from tests.javascript.processes import Clients, Heard
from tests.wire import Json, Received, Reply, text_block, use_block, wire_server
from tests.wires.streams import function_call, output_text

pytestmark = pytest.mark.javascript

FEEDBACK = "Not that one."
TRACES = ("delete_order", "A1", FEEDBACK, "supervisor")
"""What no client may get to see of refused drafts."""
APIS = {"chat/completions": "chat", "messages": "messages", "responses": "responses"}
REFUND, CLOSE = "Refund B2", "Close its case"
TOOLS = {"refund_order": "refunded", "close_case": "closed", "delete_order": "deleted"}
CLIENTS = [
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "anthropic_runner",
    "anthropic_runner_unthreaded",
    "agents_chat",
    "agents_responses",
    "ai_compatible",
    "ai_openai_chat",
    "ai_openai",
    "ai_anthropic",
]
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


def judge(proposal: Proposal) -> Revise | None:
    bad = [
        call.id
        for call in proposal.action.calls
        if call.name == "delete_order" or call.arguments != {"order": "B2"}
    ]
    return Revise(feedback=FEEDBACK, calls=tuple(bad)) if bad else None


def conversation(body: Json) -> str:
    """Return what was said in a request, without the list of tools."""
    return json.dumps(body.get("messages") or body["input"])


def next_step(said: str, id: str) -> Step:
    told = FEEDBACK in said
    if CLOSE not in said:
        wanted = ("refund_order", {"order": "B2" if told else "A1"})
        return "Refunded." if "refunded" in said else [(id, *wanted)]
    wanted = ("close_case" if told else "delete_order", {"order": "B2"})
    return "All done." if "closed" in said or "deleted" in said else [(id, *wanted)]


@dataclass
class Provider:
    """A model that is wrong at first, behind a provider that keeps what it gave out."""

    numbers: Iterator[int] = field(default_factory=count)
    items: dict[str, Json] = field(default_factory=dict[str, Json])
    """Of Responses, by id."""
    threads: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    """Of Messages: the conversation up to an answer, by the id of that answer."""
    replies: list[Reply] = field(default_factory=list[Reply])
    requested: list[Json] = field(default_factory=list[Json])
    """The body of each request, as it came."""
    asked: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])
    """The API and the body, with what it refers to in place."""

    def answer(self, received: Received) -> Reply:
        api = APIS[received.path.partition("?")[0].removeprefix("/v1/")]
        self.requested.append(received.body)
        body = self._resolved(received.body)
        self.asked.append((api, body))
        id = f"call_{next(self.numbers)}"
        step = next_step(conversation(body), id)
        self._keep(api, body, step, id)
        reply = answered(api, step, stream=body.get("stream") is True, id=id)
        own = f'"msg_{id}"'.encode()
        text = reply.body.replace(b'"msg_1"', own).replace(b'"msg_2"', own)
        self.replies.append(replace(reply, body=text))
        return self.replies[-1]

    def _resolved(self, body: Json) -> Json:
        if "input" in body:
            return {**body, "input": [self._item(item) for item in body["input"]]}
        if before := body.get("thread", {}).get("previous_message_id"):
            return {**body, "messages": [*self.threads[before], *body["messages"]]}
        return body

    def _item(self, item: Json) -> Json:
        if item.get("type") != "item_reference":
            return item
        return self.items[item["id"]]

    def _keep(self, api: str, body: Json, step: Step, id: str) -> None:
        said = isinstance(step, str)
        if api == "responses":
            item = (
                output_text(step) if isinstance(step, str) else function_call(*step[0][1:], id=id)
            )
            self.items[f"msg_{id}" if said else item["id"]] = item
        elif api == "messages":
            content = [
                text_block(step) if isinstance(step, str) else use_block(*step[0][1:], id=id)
            ]
            said = {"role": "assistant", "content": content}
            self.threads[f"msg_{id}"] = [*body["messages"], said]


@dataclass(frozen=True)
class Played:
    heard: Heard
    provider: Provider
    rows: list[Row]
    critic: Asked

    @property
    def ran(self) -> list[tuple[str, Any]]:
        """Name and arguments of every tool that the client ran."""
        return [(n, json.loads(a) if isinstance(a, str) else a) for n, a in self.heard.ran]

    @property
    def acts_before(self) -> list[int]:
        """How often the agent had acted before each of its first drafts, as the critic saw it."""
        firsts = [seen for seen in self.critic.seen if seen.attempt == 0]
        return [sum(isinstance(m, Assistant) for m in seen.history) for seen in firsts]


def play(javascript: Clients, client: str, *, stream: bool, mode: str) -> Played:
    provider, critic = Provider(), Asked(judge)
    with (
        wire_server(provider.answer) as upstream,
        gateway(upstream.root, critic=critic, mode=mode) as door,
    ):
        heard = javascript.converse(client, door.root, [REFUND, CLOSE], TOOLS, stream=stream)
        assert heard.error is None
        return Played(heard, provider, door.settled(), critic)


every_client = pytest.mark.parametrize("client", CLIENTS)


@every_client
@BOTH_WAYS
def test_a_client_runs_only_what_was_approved_in_every_turn(
    javascript: Clients, client: str, stream: bool
) -> None:
    played = play(javascript, client, stream=stream, mode="enforce")
    heard = played.heard

    assert played.ran == [("refund_order", {"order": "B2"}), ("close_case", {"order": "B2"})]
    assert heard.texts == ["Refunded.", "All done."]
    received = b"".join(heard.bodies).decode() + "".join(map(conversation, heard.sent))
    for trace in TRACES:
        assert trace not in received
    verdicts = ["revise", "approve", "approve", "revise", "approve", "approve"]
    assert [row["verdict"] for row in played.rows] == verdicts
    assert not any(row["unverified"] or row["unknown"] for row in played.rows)
    assert played.acts_before == [0, 1, 2, 3]
    assert len(played.provider.asked) == len(verdicts)
    for api, body in played.provider.asked:
        assert (body.get("stream") is True) == stream
        require_well_formed(api, body)


@every_client
@BOTH_WAYS
def test_in_shadow_all_of_it_passes_as_it_came(
    javascript: Clients, client: str, stream: bool
) -> None:
    played = play(javascript, client, stream=stream, mode="shadow")
    heard, provider = played.heard, played.provider

    assert played.ran == [("refund_order", {"order": "A1"}), ("delete_order", {"order": "B2"})]
    assert heard.texts == ["Refunded.", "All done."]
    assert heard.bodies == [reply.body for reply in provider.replies]
    assert heard.sent == provider.requested
    assert [row["verdict"] for row in played.rows] == ["revise", "approve", "revise", "approve"]


@every_client
@BOTH_WAYS
def test_in_shadow_the_critic_sees_the_whole_conversation(
    javascript: Clients, client: str, stream: bool
) -> None:
    played = play(javascript, client, stream=stream, mode="shadow")
    assert played.acts_before == [0, 1, 2, 3]
    assert not any(row["unverified"] or row["unknown"] for row in played.rows)
