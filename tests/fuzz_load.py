"""Thirty-two clients send what is hard to read; others must not notice: `make test-fuzz`.

A gateway in a process of its own judges with a policy pack in `enforce`. Its upstream and the
clients run in a second process, this one asks for `/healthz` all the while, and at the end sends
SIGTERM in the middle of it. Not collected by name: it takes a minute.
"""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx2

from tests.fuzz_gateway import free_port, require_ready
from tests.wire import call, chat

CLIENTS = 32
PUMPS = (
    "cancel, ",
    "yes, go ahead. ",
    "$1,000.00 ",
    "don't cancel order #W1234567 and not ",
    "a" * 50 + "@",
    "[",
    "eyJ0-",
    '{"a": ',
    "refund it to paypal_123, i mean ",
    "https://a:b@",
)
SIZES = (30_000, 1_000_000)
PATIENCE = 0.25
"""Seconds within which 99 of 100 questions to `/healthz` are answered.

The target is 0.1 s, and 2 s for the end, on two cores that nobody else uses; measured were 0.07 to
0.08 s and 1.6 to 1.8 s. A test on a busy machine allows more than twice that.
"""


def settings_text(upstream: str, port: int, folder: Path) -> str:
    return f"""
listen = "127.0.0.1:{port}"
[upstreams.openai]
base_url = "{upstream}/v1"
[routes.shop]
upstream = "openai"
mode = "enforce"
gate = "all"
critic = "policy"
pack = "sidecritic.packs.retail.pack:RETAIL"
[store]
url = "sqlite:///{folder / "load.db"}"
content = true
"""


def conversation(pump: str, size: int) -> bytes:
    """Return a request whose user, agent and tool have said it, before a write is proposed."""
    said = pump * (size // len(pump))
    looked_up = call("get_order_details", {"order_id": "#W1234567"}, id="call_1")
    messages = [
        {"role": "user", "content": said},
        {"role": "assistant", "content": said[: size // 4], "tool_calls": [looked_up]},
        {"role": "tool", "tool_call_id": "call_1", "content": said[: size // 4]},
        {"role": "user", "content": "Yes, cancel it, no longer needed."},
    ]
    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}}
    tools = [
        {"type": "function", "function": {"name": name, "parameters": schema}}
        for name in ("get_order_details", "cancel_pending_order")
    ]
    return json.dumps({"model": "m", "messages": messages, "tools": tools}).encode()


async def send(root: str, bodies: list[bytes]) -> list[tuple[int, str]]:
    """Send all bodies at once; return status and `x-sidecritic` of each answer."""
    async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=60) as client:

        async def ask(body: bytes) -> tuple[int, str]:
            answer = await client.post(f"{root}/v1/chat/completions", content=body)
            return answer.status_code, answer.headers.get("x-sidecritic", "")

        return list(await asyncio.gather(*(ask(body) for body in bodies)))


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


@contextmanager
def upstream() -> Generator[str]:
    """Answer everything with one write, and look at nothing: it shares two cores with the rest."""
    write = call("cancel_pending_order", {"order_id": "#W1234567", "reason": "no longer needed"})
    answer = chat(None, calls=[write]).body

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...

    with _Http(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def play_load(folder: Path) -> None:
    """Be the upstream and the clients; write one line a pump and size, after each is answered."""
    with upstream() as url:
        tell(url)
        root = sys.stdin.readline().strip()
        for size in SIZES:
            for pump in PUMPS:
                began = monotonic()
                found = asyncio.run(send(root, [conversation(pump, size)] * CLIENTS))
                row = {"pump": pump, "size": size, "seconds": monotonic() - began, "found": found}
                tell(json.dumps(row))
        tell("{}")
        bodies = [conversation(pump, SIZES[-1]) for pump in PUMPS] * (CLIENTS // len(PUMPS))
        try:
            asyncio.run(send(root, bodies))
        except httpx2.TransportError:
            return  # the gateway was told to end


def under_load(
    root: str, config: Path, log: Path, load: "subprocess.Popen[str]"
) -> tuple[list[dict[str, Any]], list[float], float]:
    """Return what the load saw, how long `/healthz` took each time, and SIGTERM at the end."""
    words = [sys.executable, "-m", "sidecritic", "serve", "--config", str(config)]
    assert load.stdin and load.stdout
    with (
        log.open("wb") as written,
        subprocess.Popen(words, stderr=written) as running,
        httpx2.Client(trust_env=False, timeout=30) as client,
    ):
        require_ready(client, root, running)
        load.stdin.write(f"{root}\n")
        load.stdin.flush()
        told: Queue[str] = Queue()
        Thread(target=lambda: [told.put(line) for line in load.stdout or ()], daemon=True).start()
        rows, waits = watched(client, root, told)
        running.send_signal(signal.SIGTERM)
        began = monotonic()
        assert running.wait(60) == 0, log.read_text()[-2000:]
        return rows, waits, monotonic() - began


def test_hostile_text_of_32_clients_slows_nobody_else_down(tmp_path: Path) -> None:
    port, config, log = free_port(), tmp_path / "gateway.toml", tmp_path / "log.txt"
    root = f"http://127.0.0.1:{port}"
    load = subprocess.Popen(
        [sys.executable, "-c", f"{_SETUP}play_load(Path({str(tmp_path)!r}))"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert load.stdin and load.stdout
    try:
        config.write_text(settings_text(load.stdout.readline().strip(), port, tmp_path))
        rows, waits, ended = under_load(root, config, log, load)
    finally:
        load.kill()
        load.communicate()
    waits.sort()
    slowest = waits[int(len(waits) * 0.99)]
    took = {(row["pump"][:12], row["size"]): round(row["seconds"], 1) for row in rows}
    sys.stderr.write(
        f"\n{len(waits)} questions, p99 {slowest:.3f} s, ended in {ended:.1f} s\n{took}\n"
    )
    assert "Traceback" not in log.read_text()
    assert len(rows) == len(PUMPS) * len(SIZES)
    answers = {tuple(answer) for row in rows for answer in row["found"]}
    assert answers <= {(200, "fallback"), (200, "approved"), (200, "revised")}, answers
    assert not unjudged(tmp_path / "load.db")
    assert slowest < PATIENCE, f"p99 of /healthz: {slowest:.3f} s"
    assert ended < 5, f"SIGTERM took {ended:.1f} s"


_SETUP = "from pathlib import Path; from tests.fuzz_load import play_load; "


def watched(
    client: httpx2.Client, root: str, told: "Queue[str]"
) -> tuple[list[dict[str, Any]], list[float]]:
    """Ask for `/healthz` until the load begins its last batch; return its rows, and the waits."""
    rows, waits = list[dict[str, Any]](), list[float]()
    while True:
        began = monotonic()
        assert client.get(f"{root}/healthz").status_code == 200
        waits.append(monotonic() - began)
        try:
            row = json.loads(told.get(timeout=0.01))
        except Empty:
            continue
        if not row:
            sleep(0.3)  # the last batch is under way
            return rows, waits
        rows.append(row)


def unjudged(database: Path) -> list[tuple[object, ...]]:
    """Return decisions that were approved although nothing judged them."""
    with sqlite3.connect(database) as connection:
        query = "select id, verdict, status from decisions where approved and status != 'ok'"
        return connection.execute(query).fetchall()
