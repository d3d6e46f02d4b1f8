"""Message threads: the provider keeps the conversation, its tools and its system prompt."""

import pytest

from tests.gateway import approves, gateway, post
from tests.wire import Json, messages, text_block, wire_server

PATH = "v1/messages"
TOOL: Json = {"name": "refund", "description": "Refund", "input_schema": {"type": "object"}}
CREATED: Json = {
    "model": "m",
    "max_tokens": 9,
    "system": "Refund nobody.",
    "tools": [TOOL],
    "messages": [{"role": "user", "content": "Hi"}],
    "thread": {"type": "create"},
}
CONTINUED: Json = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "And now?"}],
    "thread": {"type": "continue", "previous_message_id": "msg_1"},
}


@pytest.mark.parametrize("body", [CREATED, CONTINUED], ids=["created", "continued"])
@pytest.mark.parametrize("unknown", ["block", "pass"])
def test_while_enforcing_a_client_is_told_to_go_on_without_a_thread(
    body: Json, unknown: str
) -> None:
    with (
        wire_server(messages(text_block("Yes."))) as upstream,
        gateway(upstream.root, critic=approves(), unknown=unknown) as door,
    ):
        refused = post(door, PATH, body)
    assert refused.status_code == 400
    assert refused.json()["error"]["details"] == {"error_code": "thread_unsupported_request"}
    assert upstream.received == []


def test_in_shadow_the_critic_is_told_what_the_thread_began_with() -> None:
    critic = approves()
    with (
        wire_server(messages(text_block("Yes."))) as upstream,
        gateway(upstream.root, critic=critic, mode="shadow") as door,
    ):
        assert [post(door, PATH, body).status_code for body in (CREATED, CONTINUED)] == [200, 200]
        first, second = door.settled()
    assert not first["unverified"]
    assert not second["unverified"]
    later = critic.seen[-1]
    assert [message.text for message in later.history] == ["Hi", "Yes.", "And now?"]
    assert later.policy == "Refund nobody."
    assert [tool.name for tool in later.tools] == ["refund"]


def test_in_shadow_a_thread_that_began_elsewhere_is_unknown() -> None:
    with (
        wire_server(messages(text_block("Yes."))) as upstream,
        gateway(upstream.root, critic=approves(), mode="shadow") as door,
    ):
        assert post(door, PATH, CONTINUED).status_code == 200
        (row,) = door.settled()
    assert "not released here" in row["unknown"]
