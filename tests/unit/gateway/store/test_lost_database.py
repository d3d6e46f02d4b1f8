"""A database that fails, vanishes or is replaced while the server runs."""

import asyncio
import sqlite3
import threading
from typing import Any

import httpx2
import pytest

from sidecritic.types import Proposal
from tests.gateway import Asked, Running, gateway, post
from tests.wire import chat, wire_server

HI = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "v1/chat/completions"


def is_ready(door: Running) -> bool:
    return httpx2.get(f"{door.root}/readyz", trust_env=False, timeout=20).status_code == 200


@pytest.mark.parametrize("is_replaced", [False, True])
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_a_database_that_is_deleted_or_replaced_is_noticed(mode: str, is_replaced: bool) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root, mode=mode) as door:
        assert post(door, CHAT, HI).status_code == 200
        assert is_ready(door)
        file = door.folder / "decisions.db"
        kept = file.rename(door.folder / "kept.db")
        if is_replaced:
            sqlite3.connect(file).close()
            file.touch()
        assert post(door, CHAT, HI).status_code == (503 if mode == "enforce" else 200)
        assert not is_ready(door)
        lost = httpx2.get(f"{door.root}/metrics", trust_env=False).text
        assert "sidecritic_unrecorded_total 1.0" in lost
        assert not is_replaced or file.stat().st_size == 0, "nothing is written into another file"
        kept.rename(file)
        assert is_ready(door), "it recovers by itself"
        assert post(door, CHAT, HI).status_code == 200
        door.settled()


def test_the_store_goes_on_when_a_full_disk_has_room_again() -> None:
    def room_for(door: Running, most: int) -> None:
        def set_it(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={most}")

        door.on_loop(door.server.store.run(set_it))

    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        room_for(door, 1)
        while post(door, CHAT, HI).status_code == 200:
            pass
        assert post(door, CHAT, HI).status_code == 503
        room_for(door, 10_000)
        assert post(door, CHAT, HI).status_code == 200


def test_what_is_too_much_to_be_judged_afterwards_does_not_stay_pending() -> None:
    release = threading.Event()

    async def waits(proposal: Proposal) -> None:
        await asyncio.to_thread(release.wait, 20)

    with (
        wire_server(chat()) as upstream,
        gateway(
            upstream.root, critic=Asked(waits), mode="shadow", limits={"shadow_backlog": 1}
        ) as door,
    ):
        for _ in range(3):
            assert post(door, CHAT, HI).status_code == 200
        release.set()
        statuses = [(row["fate"], row["status"]) for row in door.settled()]
    assert statuses == [("released", "ok"), ("released", "shed"), ("released", "shed")]
