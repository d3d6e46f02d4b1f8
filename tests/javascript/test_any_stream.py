"""The law of streams with the real clients: none of them runs what was not judged whole."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.javascript.processes import Processes
from tests.javascript.readers import readers
from tests.javascript.test_readers import ended
from tests.properties.test_two_readers import DIALECTS, leaves, written
from tests.wire import Received, Reply, wire_server

pytestmark = pytest.mark.javascript

APIS = {"chat/completions": "chat", "messages": "messages", "responses": "responses"}
STREAM = {"content-type": "text/event-stream"}


@pytest.mark.parametrize("path", APIS)
def test_no_client_runs_what_was_not_judged_whole(everyone: Processes, path: str) -> None:
    api, left = APIS[path], list[bytes]()

    def answer(received: Received) -> Reply:
        said = received.body.get("messages") or received.body["input"]
        begins = isinstance(said, str) or len(said) == 1
        return Reply(left[-1], headers=STREAM) if begins else ended(api, stream=True)

    with wire_server(answer) as server:
        clients = readers(everyone, api)

        @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(data=st.data())
        def law(data: st.DataObject) -> None:
            found = leaves(DIALECTS[path], data.draw(written(path)))
            if found is None:
                return
            left.append(found[0])
            for who, read in clients.items():
                assert {*map(canonical, read(server.root, True).ran)} <= found[1], (who, left[-1])

        law()


def canonical(call: tuple[str, Any]) -> tuple[str, str]:
    return call[0], json.dumps(call[1], sort_keys=True)
