"""After a thousand faults of one kind, no task and no connection is left: both are counted."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sidecritic.types import Proposal
from tests.gateway import Asked, Running, gateway
from tests.wire import HANGS, Json, Reply, chat, failure, half, refusing_url, wire_server
from tests.wires.streams import called, chat_stream, spoken

STREAM: Json = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
TEXT = chat_stream(spoken("Hi"))
WRITE = chat_stream(called(("c1", "refund", {})))
BROKEN = replace(chat_stream(spoken("Hello, this is half")), breaks_off=True)

REPEATS = 1000
AT_A_TIME = 32
BROKE_OFF = 0
"""Stands for a status: the answer, or its end, never came."""

Around = Callable[[Running], Any]
"""Returns a context in which the gateway suffers from something."""
Act = Callable[[Running, httpx2.AsyncClient], Awaitable[int]]


async def ask(door: Running, client: httpx2.AsyncClient) -> int:
    try:
        answer = await client.post(f"{door.root}/v1/chat/completions", json=STREAM)
    except httpx2.RemoteProtocolError:
        return BROKE_OFF
    # A fallback is an ordinary answer, and no call.
    return answer.status_code if b"refund" not in answer.content else -1


async def leave_early(door: Running, client: httpx2.AsyncClient) -> int:
    host, _, port = door.root.removeprefix("http://").partition(":")
    body = json.dumps(STREAM).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    _, line = await asyncio.open_connection(host, int(port))
    line.write(head.encode() + body)
    await line.drain()
    line.close()
    await line.wait_closed()
    return BROKE_OFF


@contextmanager
def locked(door: Running) -> Generator[None]:
    """Keep the database locked by somebody else."""
    other = sqlite3.connect(door.folder / "decisions.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.rollback()
    other.close()


@contextmanager
def full(door: Running) -> Generator[None]:
    """Leave the database no room for another page."""

    def limit(pages: int) -> None:
        pragma = f"PRAGMA max_page_count={pages}"
        door.on_loop(door.server.store.run(lambda c: c.exec_driver_sql(pragma)))

    limit(1)
    yield
    limit(1_000_000)


async def slow(proposal: Proposal) -> None:
    await asyncio.sleep(0.002)


def breaks(proposal: Proposal) -> None:
    raise RuntimeError("broken")


@dataclass(frozen=True)
class Fault:
    upstream: Reply
    status: int
    """What the client gets, each time."""
    critic: Reply | str | Asked = field(default_factory=lambda: Asked(slow))
    """A critic, or what the server of an LLM critic answers, or its URL."""
    route: Json = field(default_factory=dict[str, Any])
    act: Act = ask
    around: Around | None = None
    at_a_time: int = AT_A_TIME


BUSY: Json = {"store": {"busy": 0.1}}
SOON: Json = {"critic_timeout": 0.02}
SHADOW: Json = {"mode": "shadow"}
IMPATIENT: Json = {"upstream": {"idle_timeout": 0.02}}

FAULTS: dict[str, Fault] = {
    "client leaves while held": Fault(TEXT, BROKE_OFF, act=leave_early),
    "client leaves in shadow": Fault(TEXT, BROKE_OFF, act=leave_early, route=SHADOW),
    "upstream resets while held": Fault(BROKEN, 502),
    "upstream resets in shadow": Fault(BROKEN, BROKE_OFF, route=SHADOW),
    "upstream hangs while held": Fault(HANGS, 502, route=IMPATIENT),
    "upstream hangs in shadow": Fault(HANGS, 502, route={**IMPATIENT, **SHADOW}),
    "critic fails": Fault(WRITE, 200, Asked(breaks)),
    "critic refuses connections": Fault(WRITE, 200, refusing_url(), SOON),
    "critic hangs": Fault(WRITE, 200, HANGS, SOON),
    "critic answers 429": Fault(WRITE, 200, failure(429, "slow down"), SOON),
    "critic answers half a JSON": Fault(WRITE, 200, half(chat("PASS")), SOON),
    "critic hangs in shadow": Fault(TEXT, 200, HANGS, {**SOON, **SHADOW}),
    # A lock is waited for each time that a batch is written.
    "database is locked": Fault(TEXT, 503, route=BUSY, around=locked, at_a_time=100),
    "disk is full": Fault(TEXT, 503, around=full),
}


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
async def test_no_task_and_no_connection_is_left_after_a_thousand_faults(fault: str) -> None:
    await leaves_nothing(FAULTS[fault], REPEATS)


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_task_and_no_connection_is_left_after_many_faults(fault: str) -> None:
    await leaves_nothing(FAULTS[fault], 40)


async def leaves_nothing(fault: Fault, repeats: int) -> None:
    with ExitStack() as stack:
        door = running(fault, stack)
        if fault.around is not None:
            stack.enter_context(fault.around(door))
        # A client for each round: what it keeps open is closed before anything is counted.
        async with quick_client() as client:
            for _ in range(100):
                if await fault.act(door, client) == fault.status:
                    break
        before = settled_counts(door, (10_000, 10_000))
        statuses = await many(door, fault, repeats)
        allowed = before[0] + 1, before[1] + 3
        tasks, files = settled_counts(door, allowed)
        async with quick_client() as client:
            metrics = (await client.get(f"{door.root}/metrics")).text
    assert statuses == {fault.status: repeats}
    assert (tasks <= allowed[0], files <= allowed[1]) == (True, True), (before, tasks, files)
    assert "sidecritic_in_flight 0.0" in metrics


def running(fault: Fault, stack: ExitStack) -> Running:
    upstream = stack.enter_context(wire_server(fault.upstream))
    critic, route = fault.critic, dict(fault.route)
    if isinstance(critic, Reply):
        critic = stack.enter_context(wire_server(critic)).base_url
    if isinstance(critic, str):
        route["critic_base_url"] = critic
        critic = "llm:openai:judge"
    return stack.enter_context(gateway(upstream.root, critic=critic, **route))


def quick_client() -> httpx2.AsyncClient:
    no_limit = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx2.AsyncClient(trust_env=False, timeout=30, limits=no_limit)


async def many(door: Running, fault: Fault, repeats: int) -> Counter[int]:
    places = asyncio.Semaphore(fault.at_a_time)

    async def once(client: httpx2.AsyncClient) -> int:
        async with places:
            return await fault.act(door, client)

    async with quick_client() as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(once(client)) for _ in range(repeats)]
    return Counter(task.result() for task in tasks)


def settled_counts(door: Running, allowed: tuple[int, int]) -> tuple[int, int]:
    """Return tasks and open files, once they have stopped changing and are as few as allowed."""
    door.settled()
    before = (0, 0)
    for _ in range(250):
        door.on_loop(asyncio.sleep(0.02))
        now = tasks_and_files(door)
        if now == before and now[0] <= allowed[0] and now[1] <= allowed[1]:
            break
        before = now
    return before


def tasks_and_files(door: Running) -> tuple[int, int]:
    async def count() -> int:
        return len(asyncio.all_tasks())

    return door.on_loop(count()), len(list(Path("/proc/self/fd").iterdir()))
