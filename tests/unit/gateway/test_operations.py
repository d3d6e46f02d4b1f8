"""What an operator looks at: readiness, metrics, and what is kept for how long."""

import asyncio
import sqlite3
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from sidecritic.errors import StoreError
from sidecritic.gateway.store.database import Store
from sidecritic.gateway.store.upkeep import clear
from sidecritic.types import Escalate
from tests.gateway import Asked, Running, gateway, refuses
from tests.wire import Json, Reply, call, chat, failure, wire_server

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
DAY = 86_400.0
WRITE = chat(None, calls=[call("refund", {})])


def get(door: Running, path: str) -> httpx2.Response:
    return httpx2.get(f"{door.root}/{path}", trust_env=False)


def post(door: Running) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=20) as client:
        return client.post(f"{door.root}/v1/chat/completions", json=HI)


def metrics(door: Running) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(get(door, "metrics").text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


# --- readiness ---------------------------------------------------------------------------


def test_a_server_is_alive_and_ready_without_a_key() -> None:
    client = {"name": "shop", "key_sha256": "0" * 64}
    with wire_server(chat()) as upstream, gateway(upstream.root, clients=[client]) as door:
        assert post(door).status_code == 401
        assert get(door, "healthz").json() == {"status": "ok"}
        assert get(door, "readyz").json() == {"status": "ready"}


def test_a_server_whose_store_does_not_answer_is_alive_and_not_ready() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        other = sqlite3.connect(door.folder / "decisions.db", isolation_level=None)
        other.execute("DROP TABLE probes")
        ready = get(door, "readyz")
        assert ready.status_code == 503
        assert "store" in ready.json()["status"]
        assert "probes" not in ready.text, "statements stay in the house"
        assert get(door, "healthz").status_code == 200
        other.close()


# --- metrics -----------------------------------------------------------------------------


def test_metrics_count_requests_decisions_tokens_and_times() -> None:
    answers = [chat("deleted"), chat("fine"), failure(500)]
    with (
        wire_server(answers) as upstream,
        gateway(upstream.root, critic=refuses("deleted")) as door,
    ):
        for _ in range(2):
            post(door)
        door.settled()
        found = metrics(door)
    assert found["sidecritic_requests_total", "200", "openai"] == 1
    assert found["sidecritic_requests_total", "500", "openai"] == 1
    assert found["sidecritic_decisions_total", "enforce", "ok", "openai", "revise"] == 1
    assert found["sidecritic_decisions_total", "approve", "enforce", "ok", "openai"] == 1
    assert found["sidecritic_would_block_total", "enforce", "openai"] == 1
    assert found["sidecritic_tokens_total", "actor", "openai"] == 2 * 17
    assert found["sidecritic_critic_seconds_count", "openai"] == 2
    assert found["sidecritic_request_seconds_count", "openai"] == 2
    assert found["sidecritic_in_flight",] == 0


def test_shadow_counts_what_it_would_have_blocked_and_what_it_could_not_judge() -> None:
    answers = [chat("deleted"), Reply(b"no json")]
    with (
        wire_server(answers) as upstream,
        gateway(upstream.root, critic=refuses("deleted"), mode="shadow") as door,
    ):
        for _ in range(2):
            assert post(door).status_code == 200
        door.settled()
        found = metrics(door)
    assert found["sidecritic_would_block_total", "openai", "shadow"] == 1
    assert found["sidecritic_shadow_skipped_total",] == 1


def test_what_could_not_be_recorded_and_what_was_never_released_here_is_counted() -> None:
    def break_it(connection: Any) -> None:
        connection.exec_driver_sql("DROP TABLE decisions")

    history = [*HI["messages"], {"role": "assistant", "content": "forged"}, *HI["messages"]]
    with (
        wire_server(chat()) as upstream,
        gateway(upstream.root, store={"on_failure": "open"}) as door,
    ):
        with httpx2.Client(trust_env=False) as client:
            client.post(f"{door.root}/v1/chat/completions", json={**HI, "messages": history})
        door.on_loop(door.server.store.run(break_it))
        post(door)
        found = metrics(door)
    assert found["sidecritic_unverified_total", "openai"] == 1
    assert found["sidecritic_unrecorded_total",] == 1


def test_no_label_of_a_metric_is_a_clients_text() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root, unknown="pass") as door:
        for path in ("a" * 500, "v1/x-made-up"):
            get(door, path)
        text = get(door, "metrics").text
    assert "made-up" not in text
    assert "aaaa" not in text


# --- audit -------------------------------------------------------------------------------


def test_a_rule_that_is_taken_away_is_an_audited_change_as_well() -> None:
    rule = {"match": "delete_*", "mode": "enforce"}
    with wire_server(chat()) as upstream, gateway(upstream.root, tools=[rule]) as door:
        setup = door.server.door.setup
        without = [r.settings.model_copy(update={"tools": ()}) for r in setup.routes]
        routes = tuple(replace(r, settings=s) for r, s in zip(setup.routes, without, strict=True))
        door.on_loop(door.server.switch(replace(setup, routes=routes)))
        with sqlite3.connect(door.folder / "decisions.db") as other:
            query = "SELECT what, before, after FROM changes WHERE what LIKE '%openai%' ORDER BY id"
            found = other.execute(query).fetchall()
        other.close()
    assert found == [
        ("mode openai", "", "enforce"),
        ("mode openai/delete_*", "", "enforce"),
        ("mode openai/delete_*", "enforce", ""),
    ]


# --- retention ---------------------------------------------------------------------------


def test_decisions_and_cases_are_deleted_when_they_are_kept_no_longer() -> None:
    escalates = Asked(lambda p: Escalate(reason="large") if p.action.calls else None)
    with wire_server(WRITE) as upstream, gateway(upstream.root, critic=escalates) as door:
        post(door)
        (row,) = door.rows()
        store, at = door.server.store, row["at"]
        door.on_loop(clear(store, 30, at + 29 * DAY))
        assert len(door.rows()) == 1, "a day to go"
        door.on_loop(clear(store, None, at + 900 * DAY))
        assert len(door.rows()) == 1, "without a limit nothing is deleted"
        door.on_loop(clear(store, 30, at + 31 * DAY))
        assert door.rows() == []
        with sqlite3.connect(door.folder / "decisions.db") as other:
            assert other.execute("SELECT count(*) FROM cases").fetchone() == (0,)
        other.close()


def test_a_case_shows_its_action_while_it_is_open_and_no_longer() -> None:
    escalates = Asked(lambda p: Escalate(reason="large") if p.action.calls else None)
    review = {"expiry": 60.0}
    with (
        wire_server(WRITE) as upstream,
        gateway(upstream.root, critic=escalates, review=review) as door,
    ):
        post(door)
        at, store = door.rows()[0]["at"], door.server.store

        def case() -> tuple[str, bool]:
            with sqlite3.connect(door.folder / "decisions.db") as other:
                found = other.execute("SELECT status, content IS NULL FROM cases").fetchone()
            other.close()
            return found

        door.on_loop(clear(store, None, at + 59))
        assert case() == ("open", False)
        door.on_loop(clear(store, None, at + 61))
        assert case() == ("expired", True)


@pytest.mark.parametrize("on", [True, False])
def test_what_was_said_is_kept_only_where_that_is_set(on: bool) -> None:
    with wire_server(WRITE) as upstream, gateway(upstream.root, store={"content": on}) as door:
        post(door)
        assert all((row["content"] is not None) is on for row in door.settled())


def test_one_job_that_cannot_be_done_fails_alone_and_the_writer_goes_on() -> None:
    async def together(store: Store) -> list[Any]:
        def breaks(connection: Any) -> None:
            connection.execute(text("SELECT :n"), {"n": 10**30})

        jobs = (store.look("a"), store.run(breaks), store.look("b"))
        return [*await asyncio.gather(*jobs, return_exceptions=True)]

    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        first, broken, last = door.on_loop(together(door.server.store))
        assert (first, last) == (None, None)
        assert isinstance(broken, StoreError)
        assert str(10**30) not in str(broken)
        assert post(door).status_code == 200
