"""Bodies as large as a provider takes, read without keeping others waiting."""

import threading

import pytest

from sidecritic.gateway.services import Aside
from tests.gateway import approves, gateway, post
from tests.wire import Json, chat, wire_server

CHAT = "v1/chat/completions"


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_a_body_of_thirty_megabytes_is_judged(mode: str) -> None:
    said = "cancel, [{\n" * 2_500_000
    body: Json = {"model": "m", "messages": [{"role": "user", "content": said}]}
    critic = approves()
    with (
        wire_server(chat("Hello")) as upstream,
        gateway(upstream.root, critic=critic, mode=mode) as door,
    ):
        assert post(door, CHAT, body).status_code == 200
        door.settled()
    assert upstream.received[0].body == body
    assert critic.seen[0].history[0].text == said


async def test_work_on_much_data_leaves_the_loop_free() -> None:
    aside = Aside()
    here = threading.get_ident()
    assert await aside.run(1_000, threading.get_ident) == here
    large = {await aside.run(10**6, threading.get_ident) for _ in range(5)}
    assert len(large) == 1, "one thread, so that the loop competes with no more than one"
    assert here not in large
