"""What the gateway adds to a request, against the same instant provider in the same run.

    python -m benchmarks.gateway [--json] [--seconds 4] [--litellm DIR/bin/litellm] [--soak 100000]

Measured for each mode and 1, 32 and 256 connections: the latency added at p50 and p99 over
asking the provider directly, and requests per second of one worker process. The critic is the
default one with the shop's pack, and it is asked about every answer. LiteLLM's proxy with a
guardrail that does nothing is measured where it is installed, in an environment of its own:

    python3 -m venv .venv-litellm
    .venv-litellm/bin/pip install 'litellm[proxy]==1.108.7'

(`make bench-gateway` does both.) `--json` prints one object: {MODE: {CONNECTIONS:
{"p50_added_ms", "p99_added_ms", "rps"}}, "litellm": {...}, "ratio_32", "rss_mb"}, with `rss_mb`
of the enforcing process after 256 connections. `ratio_32` is the median of rounds in which both
take turns, so that other work on the machine meets both; `cpu_ms_32` is the processor time of
one request in each of the two, which says the same where the machine is busy.

Everything shares the machine, load generator included. All parties are simulated.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import aiohttp
import uvloop

CONNECTIONS = (1, 32, 256)
MODES = ("off", "shadow", "enforce")
_ROUNDS = 5
_LITELLM = Path(".venv-litellm/bin/litellm")
_BODY = json.dumps(
    {
        "model": "instant",
        "messages": [
            {"role": "system", "content": "You help the customers of a shop. " * 20},
            {"role": "user", "content": "Please cancel order A1003, it is mine."},
            {"role": "assistant", "content": "Order A1003 is a kettle. Shall I cancel it?"},
            {"role": "user", "content": "Yes, please."},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "cancel_order",
                    "description": "Cancel an order.",
                    "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
                },
            }
        ],
    }
).encode()
_KEY = "sk-benchmark-7f3a9c51e2d84b06"
_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {_KEY}"}


@dataclass(frozen=True)
class Measured:
    p50: float
    p99: float
    rps: float
    asked: int
    """Requests, those of the warm-up included."""


async def load(
    root: str, connections: int, seconds: float, *, bodies: Iterator[bytes] = repeat(_BODY)
) -> Measured:
    """Ask as fast as answers come on so many connections; milliseconds and requests/s."""
    times: list[float] = []
    url = f"{root}/v1/chat/completions"
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, headers=_HEADERS) as session:

        async def ask(until: float, into: list[float]) -> None:
            while (begun := perf_counter()) < until:
                async with session.post(url, data=next(bodies)) as answer:
                    await answer.read()
                    answer.raise_for_status()
                    # A critic that sends drafts back would have us measure the provider.
                    if answer.headers.get("x-sidecritic", "approved") != "approved":
                        sys.exit("the critic refused the benchmark's answer")
                into.append(perf_counter() - begun)

        warm, first = perf_counter() + min(1.0, seconds / 4), list[float]()
        await asyncio.gather(*(ask(warm, first) for _ in range(connections)))
        begun = perf_counter()
        await asyncio.gather(*(ask(begun + seconds, times) for _ in range(connections)))
        took = perf_counter() - begun
    times.sort()
    at = [times[int(len(times) * share)] * 1000 for share in (0.5, 0.99)]
    return Measured(at[0], at[1], len(times) / took, len(times) + len(first))


# --- the parties -------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
        # A probe of a free port may be given that very port, and then reaches itself.
        return probe.getsockname() != probe.getpeername()


@contextmanager
def process(words: Sequence[str], port: int, **env: str) -> Generator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **env},
    )
    try:
        for _ in range(1200):
            if is_listening(port):
                break
            if running.poll() is not None:
                sys.exit(f"{words[0]} ended with {running.returncode} before it listened")
            sleep(0.1)
        yield running
    finally:
        running.terminate()
        running.wait()


@contextmanager
def provider() -> Generator[str]:
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", "benchmarks.upstream:app", "--port", str(port)]
    with process([*words, "--log-level", "critical", "--timeout-keep-alive", "75"], port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def sidecritic(upstream: str, mode: str, folder: Path) -> Generator[tuple[str, int]]:
    port = free_port()
    config = folder / f"{mode}.toml"
    config.write_text(
        f"""
listen = "127.0.0.1:{port}"
[upstreams.instant]
base_url = "{upstream}/v1"
[routes.bench]
upstream = "instant"
mode = "{mode}"
gate = "all"
critic = "default"
pack = "sidecritic.packs.shop:SHOP"

[store]
url = "sqlite:///{folder / mode}.db"
"""
    )
    words = [sys.executable, "-m", "sidecritic", "serve", "--config", str(config)]
    with process(words, port) as running:
        yield f"http://127.0.0.1:{port}", running.pid


_GUARDRAIL = """
from litellm.integrations.custom_guardrail import CustomGuardrail


class Trivial(CustomGuardrail):
    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        return response
"""


@contextmanager
def litellm(executable: str, upstream: str, folder: Path) -> Generator[tuple[str, int]]:
    port = free_port()
    (folder / "trivial.py").write_text(_GUARDRAIL)
    config = folder / "litellm.yaml"
    config.write_text(
        f"""
model_list:
  - model_name: instant
    litellm_params: {{model: openai/instant, api_base: {upstream}/v1, api_key: none}}
guardrails:
  - guardrail_name: trivial
    litellm_params: {{guardrail: trivial.Trivial, mode: post_call, default_on: true}}
"""
    )
    words = [executable, "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
    env = {"PYTHONPATH": str(folder), "LITELLM_MASTER_KEY": _KEY}
    with process(words, port, LITELLM_LOCAL_MODEL_COST_MAP="True", **env) as one:
        yield f"http://127.0.0.1:{port}", one.pid


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# --- the measurement ---------------------------------------------------------------------


Cells = dict[str, dict[str, float]]


def cells(root: str, direct: dict[int, Measured], seconds: float) -> Cells:
    found: Cells = {}
    for connections in CONNECTIONS:
        measured = uvloop.run(load(root, connections, seconds))
        base = direct[connections]
        found[str(connections)] = {
            "p50_added_ms": round(measured.p50 - base.p50, 3),
            "p99_added_ms": round(measured.p99 - base.p99, 3),
            "rps": round(measured.rps, 1),
        }
    return found


def soak(root: str, pid: int, requests: int) -> dict[str, float]:
    """Return resident memory after a tenth, a half and all of so many requests.

    Each belongs to another conversation: what is remembered by conversation would show.
    """
    bodies = (_BODY.replace(b"A1003", b"B%07d" % number) for number in count())
    seen: dict[str, float] = {}
    done = 0
    for name, share in (("early", 0.1), ("half", 0.5), ("late", 1.0)):
        while done < requests * share:
            done += uvloop.run(load(root, 32, 5.0, bodies=bodies)).asked
        seen[f"rss_mb_{name}"] = round(resident_mb(pid), 1)
    return {"requests": done, **seen}


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


Party = tuple[str, int]
"""Address and process id."""


def in_turns(ours: Party, theirs: Party, seconds: float) -> dict[str, Any]:
    """Load both in turns at 32 connections; the ratio of requests per second is the median."""
    ratios: list[float] = []
    used = {"enforce": 0.0, "litellm": 0.0}
    served = {"enforce": 0.0, "litellm": 0.0}
    for _ in range(_ROUNDS):
        rates: list[float] = []
        for name, (root, pid) in (("enforce", ours), ("litellm", theirs)):
            before = cpu_seconds(pid)
            measured = uvloop.run(load(root, 32, seconds))
            used[name] += cpu_seconds(pid) - before
            served[name] += measured.asked
            rates.append(measured.rps)
        ratios.append(rates[0] / rates[1])
    cpu = {name: round(used[name] / served[name] * 1000, 2) for name in used}
    return {"ratio_32": round(median(ratios), 2), "cpu_ms_32": cpu}


def measure(seconds: float, executable: str | None, requests: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, provider() as upstream:
        folder = Path(name)
        direct = {n: uvloop.run(load(upstream, n, seconds)) for n in CONNECTIONS}
        result["direct"] = {
            str(n): {"p50_added_ms": 0.0, "p99_added_ms": 0.0, "rps": round(m.rps, 1)}
            for n, m in direct.items()
        }
        for mode in MODES:
            with sidecritic(upstream, mode, folder) as (root, pid):
                result[mode] = cells(root, direct, seconds)
                if mode != "enforce":
                    continue
                result["rss_mb"] = round(resident_mb(pid), 1)
                if requests:
                    result["soak"] = soak(root, pid, requests)
                if executable:
                    with litellm(executable, upstream, folder) as theirs:
                        result["litellm"] = cells(theirs[0], direct, seconds)
                        result["litellm_rss_mb"] = round(resident_mb(theirs[1]), 1)
                        result |= in_turns((root, pid), theirs, seconds)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--litellm", metavar="FILE", help=f"by default {_LITELLM}, if it is there")
    parser.add_argument("--soak", type=int, default=0, metavar="REQUESTS")
    given = parser.parse_args()
    peer = given.litellm or (str(_LITELLM) if _LITELLM.exists() else None)
    if peer is None:
        print(
            f"no {_LITELLM}: LiteLLM is left out; `make bench-gateway` installs it", file=sys.stderr
        )
    nothing: dict[str, Any] = {"litellm": {}, "ratio_32": None}
    result = nothing | measure(given.seconds, peer, given.soak)
    if given.json:
        print(json.dumps(result, indent=2))
        return
    print("simulated provider and agents; one worker process; added latency in ms")
    for mode in ("direct", *MODES, "litellm"):
        for connections, cell in result.get(mode, {}).items():
            p50, p99, rps = cell["p50_added_ms"], cell["p99_added_ms"], cell["rps"]
            print(f"{mode:8} {connections:>4} conn  p50 {p50:8.2f}  p99 {p99:8.2f}  {rps:8.0f}/s")
    for key in ("ratio_32", "cpu_ms_32", "rss_mb", "litellm_rss_mb", "soak"):
        if result.get(key) is not None:
            print(f"{key}: {result[key]}")


if __name__ == "__main__":
    main()
