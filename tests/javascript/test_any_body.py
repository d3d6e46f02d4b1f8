"""The law of bodies with the real clients: none of them runs what was not judged as it runs."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.gateway import gateway
from tests.javascript.bodies import written
from tests.javascript.processes import Processes
from tests.javascript.readers import readers
from tests.javascript.test_any_stream import canonical
from tests.javascript.test_readers import approved, ended, refuses_danger
from tests.wire import Received, Reply, wire_server

pytestmark = pytest.mark.javascript


@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
def test_no_client_runs_what_was_not_judged_as_it_runs(everyone: Processes, api: str) -> None:
    left, critic = list[bytes](), refuses_danger()

    def answer(received: Received) -> Reply:
        said = received.body.get("messages") or received.body["input"]
        begins = isinstance(said, str) or len(said) == 1
        return Reply(left[-1]) if begins else ended(api, stream=False)

    with wire_server(answer) as server, gateway(server.root, critic=critic) as door:
        clients = readers(everyone, api)

        @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(body=written(api))
        def law(body: bytes) -> None:
            left.append(body)
            for who, read in clients.items():
                critic.seen.clear()
                ran = {*map(canonical, read(door.root, False).ran)}
                assert ran <= {*map(canonical, approved(critic))}, (who, body)

        law()
