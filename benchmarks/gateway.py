"""What the gateway adds to a request, against the same instant provider in the same run.

    python -m benchmarks.gateway [--json] [--seconds 4] [--rounds 5] [--soak 100000]

Measured for each mode and 1, 32 and 256 connections: the latency added at p50 and p99 over
asking the provider directly, and requests per second of one worker process. The critic is the
default one without a pack, what needs no knowledge of a domain, and it is asked about every answer.
Then all take turns in rounds of one run, so that other work on the machine meets each of them:
one worker, two, LiteLLM's proxy with a guardrail that does nothing, and Portkey's gateway with a
regular expression that every text matches. Peers are measured where they are installed:

    python3 -m venv .venv-litellm
    .venv-litellm/bin/pip install 'litellm[proxy]==1.108.7'
    npm install --no-save --no-package-lock @portkey-ai/gateway@1.15.2

(`make bench-gateway` does all.) `--json` prints one object: {MODE: {CONNECTIONS: {"p50_added_ms",
"p99_added_ms", "rps"}}, "turns_32": {PARTY: {"rps", "p50_ms", "cpu_ms", "rss_mb"}}, "ratios_32":
{PARTY: ...}, "turns_1": ..., "added_ms_1": {MODE: ...}}. Ratios are medians over the rounds of
enforce's requests per second, with one worker, by the other's; `cpu_ms` is the processor time of
one request, which says the same where the machine is busy; `rss_mb` is that of all processes.

Everything shares the machine, load generator included. All parties are simulated.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import aiohttp
import uvloop

from benchmarks.gateway_parties import (
    KEY,
    LITELLM,
    PORTKEY,
    Party,
    litellm,
    portkey,
    provider,
    sidecritic,
)

CONNECTIONS = (1, 32, 256)
MODES = ("off", "shadow", "enforce")
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
_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}


@dataclass(frozen=True)
class Measured:
    p50: float
    p99: float
    rps: float
    asked: int
    """Requests, those of the warm-up included."""


async def load(
    party: Party, connections: int, seconds: float, *, bodies: Iterator[bytes] = repeat(_BODY)
) -> Measured:
    """Ask as fast as answers come on so many connections; milliseconds and requests/s."""
    times: list[float] = []
    url = f"{party.root}/v1/chat/completions"
    connector = aiohttp.TCPConnector(limit=connections)
    headers = {**_HEADERS, **party.headers}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

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


# --- the measurement ---------------------------------------------------------------------


Cells = dict[str, dict[str, float]]


def cells(party: Party, direct: dict[int, Measured], seconds: float) -> Cells:
    found: Cells = {}
    for connections in CONNECTIONS:
        measured = uvloop.run(load(party, connections, seconds))
        base = direct[connections]
        found[str(connections)] = {
            "p50_added_ms": round(measured.p50 - base.p50, 3),
            "p99_added_ms": round(measured.p99 - base.p99, 3),
            "rps": round(measured.rps, 1),
        }
    return found


def soak(party: Party, requests: int) -> dict[str, float]:
    """Return resident memory after a tenth, a half and all of so many requests.

    Each belongs to another conversation: what is remembered by conversation would show.
    """
    bodies = (_BODY.replace(b"A1003", b"B%07d" % number) for number in count())
    seen: dict[str, float] = {}
    done = 0
    for name, share in (("early", 0.1), ("half", 0.5), ("late", 1.0)):
        while done < requests * share:
            done += uvloop.run(load(party, 32, 5.0, bodies=bodies)).asked
        seen[f"rss_mb_{name}"] = round(party.resident_mb(), 1)
    return {"requests": done, **seen}


@dataclass(frozen=True)
class Turns:
    """What each party did in each round."""

    measured: dict[str, list[Measured]]
    cells: Cells

    def ratios(self) -> dict[str, float]:
        """Return the median over the rounds of enforce's requests per second by each other's."""
        ours = self.measured["enforce"]
        return {
            name: round(median(a.rps / b.rps for a, b in zip(ours, theirs, strict=True)), 2)
            for name, theirs in self.measured.items()
            if name != "enforce"
        }

    def added(self, name: str) -> float:
        """Return the median over the rounds of what it adds at p50 to asking directly, in ms."""
        pairs = zip(self.measured[name], self.measured["direct"], strict=True)
        return round(median(a.p50 - b.p50 for a, b in pairs), 3)


def in_turns(parties: Mapping[str, Party], connections: int, seconds: float, rounds: int) -> Turns:
    """Load all in turns, each for so many seconds in each round."""
    measured: dict[str, list[Measured]] = {name: [] for name in parties}
    used = dict.fromkeys(parties, 0.0)
    for _ in range(rounds):
        for name, party in parties.items():
            before = party.cpu_seconds()
            measured[name].append(uvloop.run(load(party, connections, seconds)))
            used[name] += party.cpu_seconds() - before
    found: Cells = {}
    for name, party in parties.items():
        asked = sum(each.asked for each in measured[name])
        found[name] = {
            "rps": round(median(each.rps for each in measured[name]), 1),
            "p50_ms": round(median(each.p50 for each in measured[name]), 2),
            "cpu_ms": round(used[name] / asked * 1000, 3),
            "rss_mb": round(party.resident_mb(), 1),
        }
    return Turns(measured, found)


@dataclass(frozen=True)
class Plan:
    seconds: float
    rounds: int
    requests: int
    litellm: Path
    portkey: Path


def by_mode(upstream: Party, plan: Plan, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {}
    direct = {n: uvloop.run(load(upstream, n, plan.seconds)) for n in CONNECTIONS}
    result["direct"] = {
        str(n): {"p50_added_ms": 0.0, "p99_added_ms": 0.0, "rps": round(m.rps, 1)}
        for n, m in direct.items()
    }
    for mode in MODES:
        with sidecritic(upstream, mode, folder) as party:
            result[mode] = cells(party, direct, plan.seconds)
            if mode == "enforce" and plan.requests:
                result["soak"] = soak(party, plan.requests)
    return result


def against_peers(upstream: Party, plan: Plan, folder: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        parties = {
            "enforce": stack.enter_context(sidecritic(upstream, "enforce", folder)),
            "two workers": stack.enter_context(sidecritic(upstream, "enforce", folder, 2)),
        }
        for name, start, where in (
            ("litellm", litellm, plan.litellm),
            ("portkey", portkey, plan.portkey),
        ):
            if where.exists():
                parties[name] = stack.enter_context(start(where, upstream, folder))
            else:
                print(f"no {where}: {name} is left out", file=sys.stderr)
        turns = in_turns(parties, 32, plan.seconds, plan.rounds)
    return {"turns_32": turns.cells, "ratios_32": turns.ratios()}


def at_one_connection(upstream: Party, plan: Plan, folder: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        parties = {"direct": upstream}
        for mode in MODES:
            parties[mode] = stack.enter_context(sidecritic(upstream, mode, folder))
        turns = in_turns(parties, 1, plan.seconds, plan.rounds)
    return {"turns_1": turns.cells, "added_ms_1": {mode: turns.added(mode) for mode in MODES}}


_PARTS = {"modes": by_mode, "peers": against_peers, "one": at_one_connection}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--litellm", metavar="FILE", type=Path, default=LITELLM)
    parser.add_argument("--portkey", metavar="FILE", type=Path, default=PORTKEY)
    parser.add_argument("--soak", type=int, default=0, metavar="REQUESTS")
    parser.add_argument("--only", choices=_PARTS, action="append", help="instead of all parts")
    given = parser.parse_args()
    plan = Plan(given.seconds, given.rounds, given.soak, given.litellm, given.portkey)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, provider() as upstream:
        for part in given.only or _PARTS:
            folder = Path(name) / part
            folder.mkdir()
            result |= _PARTS[part](upstream, plan, folder)
    if given.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


def show(result: dict[str, Any]) -> None:
    print("simulated provider and agents; one worker process; added latency in ms")
    for mode in ("direct", *MODES):
        for connections, cell in result.get(mode, {}).items():
            p50, p99, rps = cell["p50_added_ms"], cell["p99_added_ms"], cell["rps"]
            print(f"{mode:8} {connections:>4} conn  p50 {p50:8.2f}  p99 {p99:8.2f}  {rps:8.0f}/s")
    for key in ("turns_32", "turns_1"):
        for party, cell in result.get(key, {}).items():
            print(f"{key}: {party:12}", "  ".join(f"{k} {v:g}" for k, v in cell.items()))
    for key in ("ratios_32", "added_ms_1", "soak"):
        if key in result:
            print(f"{key}: {result[key]}")


if __name__ == "__main__":
    main()
