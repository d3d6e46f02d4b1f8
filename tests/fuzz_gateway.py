"""Minutes of hostile requests at a gateway in a process of its own: `make test-fuzz`.

    FUZZ_SECONDS=300 pytest tests/fuzz_gateway.py

No 5xx but the upstream's, no request that hangs, and memory that stays where it was. Not
collected by name: it takes as long as it is told to.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import httpx2
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.properties.test_gateway import BODIES, TEXT, VALUES, healthy
from tests.wire import Received, Reply, failure, wire_server

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
ROUTES = st.sampled_from(["", "/shadow", "/off"])

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
RAW = (
    st.binary(max_size=99)
    | st.integers(1, 400).map(lambda n: b'{"a":' + b"[" * n + b"]" * n + b"}")
    | st.just(b'{"model": "m", "model": "n"}')
    | st.sampled_from([b'{"a": 1e999}', b'{"a": "\\ud800"}', b"\xef\xbb\xbf{}", b'{"a": NaN}'])
)


def upstream_answer(received: Received) -> Reply:
    """Answer well, but for models whose names ask for something else."""
    match str(received.body.get("model"))[:1]:
        case "5":
            return failure(503, "busy")
        case _:
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
pack = "sidecritic.policies.shop:SHOP"
unknown = "{unknown}"
"""
        for name, prefix, mode, unknown in (
            ("first", "", "enforce", "pass"),
            ("second", "/shadow", "shadow", "block"),
            ("third", "/off", "off", "block"),
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
    with subprocess.Popen(words, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        with (folder / "log.txt").open("wb") as log:
            for line in running.stderr:
                log.write(line)
                if b"running on" in line:
                    break
        drained = Thread(target=running.stderr.read)  # a full pipe would stop the server
        drained.start()
        try:
            yield f"http://127.0.0.1:{port}", running.pid
        finally:
            running.terminate()
            assert running.wait(60) == 0, "it ends in good order"
            drained.join()


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def require_own_fault(answer: httpx2.Response, sent: bytes) -> None:
    """A server error is the upstream's: its own answer, passed on."""
    if answer.status_code >= 500:
        assert answer.status_code == 503, (answer.status_code, answer.text, sent)
        assert "busy" in answer.text, (answer.text, sent)


def test_minutes_of_hostile_requests(tmp_path: Path) -> None:
    asked, ends = 0, monotonic() + SECONDS
    early, late = 0.0, 0.0
    with (
        wire_server(upstream_answer) as upstream,
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
            @given(route=ROUTES, path=PATHS, body=PLAUSIBLE | BODIES, raw=st.none() | RAW)
            def ask(route: str, path: str, body: Any, raw: bytes | None) -> None:
                nonlocal asked
                sent = raw if raw is not None else json.dumps(body).encode()
                answer = client.post(f"{root}{route}/v1/{path}", content=sent)
                require_own_fault(answer, sent)
                asked += 1

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
    measured = f"{asked} requests, {early:.0f} MB after the first tenth, {late:.0f} MB at the end"
    sys.stderr.write(f"\n{measured}\n")
    assert asked >= AT_A_TIME / 2
    assert late < early + GROWTH_MB, measured
