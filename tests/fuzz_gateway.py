"""Minutes of hostile requests and answers at a gateway in a process of its own: `make test-fuzz`.

    FUZZ_SECONDS=300 pytest tests/fuzz_gateway.py

No 5xx but the upstream's, and 502 for an answer of its that cannot be read; no request that hangs,
no exception in the log, and memory that stays where it was. Not collected by name: it takes as
long as it is told to.
"""

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.properties.test_gateway import BODIES, TEXT, VALUES, healthy
from tests.wire import Received, Reply, failure, wire_server
from tests.wires.hostile_upstream import replies

SECONDS = float(os.environ.get("FUZZ_SECONDS", "20"))
DEADLINE = 15.0
"""Seconds in which every request is answered."""
GROWTH_MB = 96.0
"""Memory that may be added after the first tenth: links and histories that are remembered."""
AT_A_TIME = 200

Strategy = st.SearchStrategy[Any]


def records(required: dict[str, Any], optional: dict[str, Any] | None = None) -> Strategy:
    return st.fixed_dictionaries(required, optional=optional or {})


PATHS = st.sampled_from(["chat/completions", "messages", "responses"])
ROUTES = st.sampled_from(["", "/strict", "/shadow", "/off"])

PARTS: Strategy = st.lists(
    records(
        {"type": st.sampled_from(["text", "input_text", "image_url", "tool_use", "tool_result"])},
        optional={"text": TEXT, "id": TEXT, "name": TEXT, "input": VALUES, "content": VALUES},
    ),
    max_size=3,
)
ARGUMENTS = TEXT | st.just('{"a": 1, "a": 2}') | VALUES.map(json.dumps)
CALLS: Strategy = st.lists(
    records(
        {"id": TEXT, "type": st.just("function")},
        optional={"function": records({"name": TEXT, "arguments": ARGUMENTS})},
    ),
    max_size=3,
)
MESSAGES: Strategy = st.lists(
    records(
        {"role": st.sampled_from(["user", "assistant", "tool", "system", "developer", "function"])},
        optional={"content": TEXT | PARTS | VALUES, "tool_calls": CALLS, "tool_call_id": TEXT},
    ),
    max_size=6,
)
PLAUSIBLE: Strategy = records(
    {"model": st.just("m") | TEXT, "messages": MESSAGES, "input": TEXT | MESSAGES},
    optional={
        "stream": st.booleans() | VALUES,
        "n": VALUES,
        "tools": VALUES,
        "system": TEXT | PARTS,
        "stream_options": VALUES,
        "previous_response_id": TEXT,
    },
)
SIMPLE: Strategy = st.booleans().map(
    lambda stream: {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
        "input": "Hi",
        "stream": stream,
    }
)
"""What gets through, so that the upstream's answer counts."""
RAW = (
    st.binary(max_size=99)
    | st.integers(1, 400).map(lambda n: b'{"a":' + b"[" * n + b"]" * n + b"}")
    | st.just(b'{"model": "m", "model": "n"}')
    | st.sampled_from([b'{"a": 1e999}', b'{"a": "\\ud800"}', b"\xef\xbb\xbf{}", b'{"a": NaN}'])
)


UNREADABLE = ("upstream_unavailable", "upstream_unusable", "unknown_shape")
"""Why an answer may be 502 though the upstream's is not."""


class Upstream:
    """Plays what was drawn for a request, and else answers well, or as the model's name asks."""

    def __init__(self) -> None:
        self.drawn: list[Reply] = []
        self.played: list[Reply] = []

    def __call__(self, received: Received) -> Reply:
        reply = self._next(received)
        self.played.append(reply)
        return reply

    def _next(self, received: Received) -> Reply:
        if self.drawn:
            return self.drawn.pop(0)
        if str(received.body.get("model")).startswith("5"):
            return failure(503, "busy")
        return healthy(received)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings_text(upstream: str, port: int, folder: Path) -> str:
    routes = (
        f"""
[routes.{name}_{provider}]
upstream = "{provider}"
mode = "{mode}"
prefix = "{prefix}"
gate = "all"
critic = "policy"
pack = "sidecritic.packs.shop:SHOP"
unknown = "{unknown}"
"""
        for name, prefix, mode, unknown in (
            ("first", "", "enforce", "pass"),
            ("second", "/strict", "enforce", "block"),
            ("third", "/shadow", "shadow", "block"),
            ("fourth", "/off", "off", "block"),
        )
        for provider in ("openai", "anthropic")
    )
    return f"""
listen = "127.0.0.1:{port}"
[upstreams.openai]
base_url = "{upstream}/v1"
[upstreams.anthropic]
provider = "anthropic"
base_url = "{upstream}"
[limits]
answer_bytes = 1000000
[store]
url = "sqlite:///{folder / "fuzz.db"}"
content = true
{"".join(routes)}"""


@contextmanager
def served(folder: Path, upstream: str) -> Generator[tuple[str, int]]:
    port = free_port()
    config = folder / "gateway.toml"
    config.write_text(settings_text(upstream, port, folder))
    words = [sys.executable, "-m", "sidecritic", "serve", "--config", str(config)]
    log = folder / "log.txt"
    with (
        log.open("wb") as written,
        subprocess.Popen(words, stderr=written) as running,
        httpx2.Client(trust_env=False) as client,
    ):
        root = f"http://127.0.0.1:{port}"
        require_ready(client, root, running)
        try:
            yield root, running.pid
        finally:
            running.terminate()
            assert running.wait(60) == 0, "it ends in good order"
    assert "Traceback" not in (said := log.read_text(errors="replace")), said[-5000:]


def require_ready(client: httpx2.Client, root: str, running: subprocess.Popen[bytes]) -> None:
    ends = monotonic() + 60
    while monotonic() < ends and running.poll() is None:
        try:
            if client.get(f"{root}/readyz", timeout=1).status_code == 200:
                return
        except httpx2.TransportError:
            continue
    raise AssertionError("the gateway did not start")


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def require_own_fault(status: int, body: bytes, played: list[Reply], sent: bytes) -> None:
    """A server error is the upstream's own, perhaps under 200, or says what could not be read.

    An answer under an error status is judged and written anew, so its body may differ.
    """
    if status < 500 or any(
        r.status == status or (r.status == 200 and r.body == body) for r in played
    ):
        return
    assert status == 502, (status, body, played, sent)
    assert any(code in body.decode() for code in UNREADABLE), (body, played, sent)
    assert played, "an upstream that was not asked is not at fault"


def asked(client: httpx2.Client, url: str, sent: bytes) -> tuple[int, bytes]:
    """Return what came, as it came: the upstream may lie about how it is packed."""
    with client.stream("POST", url, content=sent) as answer:
        return answer.status_code, b"".join(answer.iter_raw())


def test_minutes_of_hostile_requests(tmp_path: Path) -> None:
    outcomes: Counter[tuple[str, int]] = Counter()
    ends = monotonic() + SECONDS
    model = Upstream()
    early, late = 0.0, 0.0
    with (
        wire_server(model) as upstream,
        served(tmp_path, upstream.root) as (root, pid),
        httpx2.Client(trust_env=False, timeout=DEADLINE) as client,
    ):

        def fuzz(number: int) -> None:
            @seed(number)
            @settings(
                max_examples=AT_A_TIME,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            )
            @given(
                route=ROUTES,
                path=PATHS,
                body=PLAUSIBLE | BODIES,
                raw=st.none() | RAW,
                data=st.data(),
            )
            def ask(
                route: str, path: str, body: Any, raw: bytes | None, data: st.DataObject
            ) -> None:
                sent = raw if raw is not None else json.dumps(body).encode()
                model.drawn = data.draw(st.lists(replies(path), max_size=3))
                model.played = []
                breaks = any(reply.breaks_off for reply in model.drawn)
                try:
                    status, said = asked(client, f"{root}{route}/v1/{path}", sent)
                except httpx2.RemoteProtocolError:
                    assert breaks, (model.played, sent)
                    assert route in ("/shadow", "/off"), (model.played, sent)
                else:
                    require_own_fault(status, said, model.played, sent)
                    outcomes[route, status] += 1

            ask()

        batch = 0
        while monotonic() < ends:
            fuzz(batch)
            batch += 1
            upstream.received.clear()
            if not early and monotonic() > ends - 0.9 * SECONDS:
                early = resident_mb(pid)
        late = resident_mb(pid)
        assert client.get(f"{root}/readyz").status_code == 200
    memory = f"{early:.0f} MB after the first tenth, {late:.0f} MB at the end"
    measured = f"{outcomes.total()} requests, {memory}"
    sys.stderr.write(f"\n{measured}\n{sorted(outcomes.items())}\n")
    assert outcomes.total() >= AT_A_TIME / 2
    assert late < early + GROWTH_MB, measured
