"""A gateway process, fuzzed for a while: by clients and by an upstream that says anything.

    python -m tests.fuzz_gateway [--seconds 300]

Requests to the three endpoints are generated, plain and streaming, while a route enforces and
while it is in shadow mode; so are the answers of the upstream. What must hold of each:

- no 5xx that is not the upstream's own, unless the upstream's answer is none (then 502);
- an answer within the deadline;
- the process stays up, and its memory within bounds.

A case that fails is shrunk and printed. The provider and the agents are simulated.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
from benchmarks.gateway import free_port, process, resident_mb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.test_gateway import BODIES, KEYS, TEXT, VALUES, healthy
from tests.wire import Json, Received, Reply, call, chat, messages, use_block, wire_server
from tests.wire_streams import called, chat_stream, function_call, response, truncated

DEADLINE = 15.0
"""Seconds in which each request must be answered, on a machine that is busy."""
GROWTH_MB = 48.0
"""What may be added after the warm-up; the digest chain's memory fills up to about 10 MB."""
WARM = 1000
"""Requests before memory is measured first."""
BATCH = 100

_LARGE = 887766554433

ENDPOINTS = ("chat/completions", "responses", "messages")

# --- what is asked -----------------------------------------------------------------------

CONTENT = TEXT | st.none() | st.lists(st.dictionaries(KEYS, TEXT | VALUES, max_size=3), max_size=3)
CALL = st.fixed_dictionaries(
    {"id": TEXT, "type": st.sampled_from(["function", "custom", "x"])},
    optional={"function": st.dictionaries(KEYS, TEXT | VALUES, max_size=3)},
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system", "function", "?"])},
    optional={
        "content": CONTENT,
        "tool_calls": st.lists(CALL, max_size=3),
        "tool_call_id": TEXT,
        "function_call": VALUES,
        "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning"]),
        "arguments": TEXT,
        "call_id": TEXT,
    },
)
LIKELY = st.fixed_dictionaries(
    {"model": st.just("m")},
    optional={
        "messages": st.lists(MESSAGE, max_size=6),
        "input": st.lists(MESSAGE, max_size=6) | TEXT,
        "system": CONTENT,
        "instructions": TEXT,
        "tools": st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=3),
        "stream": st.booleans() | VALUES,
        "n": st.integers(-1, 3),
        "previous_response_id": TEXT,
    },
)


def written(body: Any) -> bytes:
    """Return JSON, in which a certain number is one that no float holds."""
    return json.dumps(body).replace(str(_LARGE), "1" + "0" * 400).encode()


def doubled(body: Json) -> bytes:
    """Return the body with its first key said twice."""
    text = json.dumps(body)
    first = next(iter(body), "model")
    return f"{{{json.dumps(first)}: 0{', ' if body else ''}{text[1:]}".encode()


def nested(depth: int) -> bytes:
    return b'{"messages": ' + b"[" * depth + b"]" * depth + b"}"


RAW = st.one_of(
    LIKELY.map(written),
    LIKELY.map(written),
    BODIES.map(written),
    LIKELY.map(doubled),
    st.binary(max_size=200),
    st.integers(0, 3000).map(nested),
    LIKELY.map(lambda body: written(body)[:-3]),
    st.sampled_from([b'{"model": 1e999}', b'{"model": "\\ud800"}', b"{}" * 3, b"\xff\xfe{}"]),
    st.integers(1, 20_000).map(lambda n: written({"messages": [{"role": "user"}] * n})),
)

# --- what is answered --------------------------------------------------------------------

WRITE = call("refund", {"sum": 900})
USUAL = (
    chat("Hello", calls=[WRITE]),
    chat_stream(called(("call_a", "refund", {"sum": 900}))),
    messages(use_block("refund", {"sum": 900})),
    response(function_call("refund", {"sum": 900})),
)


def odd(body: Any) -> Reply:
    return Reply(written(body))


NUMBERS = st.integers() | st.floats(allow_nan=False) | st.just(_LARGE)


def claiming(reply: Reply, number: float) -> Reply:
    """Return an answer in which each number is another."""
    said = re.sub(rb"(?<=: )\d+(?=[,}])", written(number), reply.body)
    return Reply(said, reply.status, reply.headers)


def odd_stream(bodies: list[Any]) -> Reply:
    events = b"".join(b"data: " + written(body) + b"\n\n" for body in bodies)
    return Reply(events, 200, {"content-type": "text/event-stream"})


ANSWERS = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from(USUAL),
    st.sampled_from([truncated(USUAL[1]), Reply(USUAL[0].body[:-9]), Reply(b"")]),
    st.dictionaries(KEYS, VALUES, max_size=5).map(odd),
    st.builds(claiming, st.sampled_from(USUAL), NUMBERS),
    st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=4).map(odd_stream),
    st.builds(Reply, st.binary(max_size=80), st.sampled_from([200, 204, 400, 418, 429, 500, 503])),
)
"""`None`: a good answer of the endpoint that is asked."""

# --- the run -----------------------------------------------------------------------------


class Fuzz:
    """A gateway in front of an upstream whose next answer is chosen by the case."""

    def __init__(self, root: str, client: httpx2.Client) -> None:
        self.root = root
        self.client = client
        self.answer: Reply | None = None
        self.said: set[int] = set()
        self.done = 0

    def upstream(self, received: Received) -> Reply:
        reply = self.answer or healthy(received)
        self.said.add(reply.status)
        return reply

    def ask(self, mode: str, endpoint: str, raw: bytes, answer: Reply | None) -> None:
        """Send one request and check what comes of it."""
        self.answer, self.said = answer, set()
        url = f"{self.root}/{mode}/v1/{endpoint}"
        headers = {"content-type": "application/json"}
        try:
            status = self.client.post(url, content=raw, headers=headers).status_code
        except httpx2.TimeoutException as cause:
            raise AssertionError(f"no answer within {DEADLINE:g} s") from cause
        except httpx2.RemoteProtocolError:
            # In shadow mode the client sees what the upstream did to its connection.
            assert mode == "shadow" and answer is not None, "the gateway broke off by itself"
            status = 200
        self.done += 1
        # 502 stands for an upstream whose answer is none, and for one of unknown shape.
        is_none = answer is not None and status == 502
        assert status < 500 or status in self.said or is_none, f"HTTP {status} of our own"

    def batch(self) -> None:
        @settings(
            max_examples=BATCH,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(st.sampled_from(["shadow", "enforce"]), st.sampled_from(ENDPOINTS), RAW, ANSWERS)
        def case(mode: str, endpoint: str, raw: bytes, answer: Reply | None) -> None:
            self.ask(mode, endpoint, raw, answer)

        case()


@contextmanager
def fuzzed() -> Generator[tuple[Fuzz, int]]:
    with (
        tempfile.TemporaryDirectory() as name,
        httpx2.Client(trust_env=False, timeout=DEADLINE) as client,
    ):
        port = free_port()
        fuzz = Fuzz(f"http://127.0.0.1:{port}", client)
        with wire_server(fuzz.upstream) as upstream:
            config = Path(name) / "fuzz.toml"
            config.write_text(_config(upstream.root, port, Path(name)))
            words = [sys.executable, "-m", "sidecritic", "serve", "--config", str(config)]
            with process(words, port) as running:
                yield fuzz, running.pid
                assert running.poll() is None, "the gateway ended"


def _config(upstream: str, port: int, folder: Path) -> str:
    routes = "".join(
        f"""
[routes.{mode}-{provider}]
prefix = "/{mode}"
upstream = "{provider}"
mode = "{mode}"
gate = "all"
critic = "policy"
pack = "sidecritic.policies.shop:SHOP"
unknown = "pass"
"""
        for mode in ("shadow", "enforce")
        for provider in ("openai", "anthropic")
    )
    return f"""
listen = "127.0.0.1:{port}"
[upstreams.openai]
base_url = "{upstream}/v1"
[upstreams.anthropic]
provider = "anthropic"
base_url = "{upstream}"
{routes}
[store]
url = "sqlite:///{folder / "fuzz.db"}"
content = true
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    until = monotonic() + parser.parse_args().seconds
    early = 0.0
    with fuzzed() as (fuzz, pid):
        while monotonic() < until or not early:
            fuzz.batch()
            if not early and fuzz.done >= WARM:
                early = resident_mb(pid)
            grown = resident_mb(pid) - early if early else 0.0
            assert grown < GROWTH_MB, f"{grown:.0f} MB more after {fuzz.done:,} requests"
        late = resident_mb(pid)
    sys.stdout.write(
        f"{fuzz.done:,} requests of simulated agents, none failed; "
        f"{early:.0f} MB after the first {WARM:,}, {late:.0f} MB at the end\n"
    )


if __name__ == "__main__":
    main()
