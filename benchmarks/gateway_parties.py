"""The parties of `benchmarks.gateway`: an instant provider, Sidecritic, and its peers."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

LITELLM = Path(".venv-litellm/bin/litellm")
PORTKEY = Path("node_modules/@portkey-ai/gateway/build/start-server.js")
KEY = "sk-benchmark-7f3a9c51e2d84b06"


@dataclass(frozen=True)
class Party:
    """A server under load."""

    root: str
    pid: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each of its requests carries besides."""

    @property
    def processes(self) -> list[int]:
        """Its own process and those that it has started."""
        found = [self.pid] if self.pid else []
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            found += map(int, children.split())
        return found

    def cpu_seconds(self) -> float:
        """Return the processor time that its processes have used."""
        used = 0
        for pid in self.processes:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
        return used / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Return the resident memory of its processes; what they share counts for each."""
        pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in self.processes)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


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
def provider() -> Generator[Party]:
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", "benchmarks.upstream:app", "--port", str(port)]
    with process([*words, "--log-level", "critical", "--timeout-keep-alive", "75"], port):
        yield Party(f"http://127.0.0.1:{port}")


@contextmanager
def sidecritic(upstream: Party, mode: str, folder: Path, workers: int = 1) -> Generator[Party]:
    port = free_port()
    name = f"{mode}-{workers}"
    config = folder / f"{name}.toml"
    config.write_text(
        f"""
listen = "127.0.0.1:{port}"
[upstreams.instant]
base_url = "{upstream.root}/v1"
[routes.bench]
upstream = "instant"
mode = "{mode}"
gate = "all"
critic = "default"

[store]
url = "sqlite:///{folder / name}.db"
"""
    )
    words = [sys.executable, "-m", "sidecritic", "serve", "--config", str(config)]
    with process([*words, "--workers", str(workers)], port) as running:
        party = Party(f"http://127.0.0.1:{port}", running.pid)
        # One of them prepares the database before the others start.
        while workers > 1 and len(party.processes) < workers + 2:
            sleep(0.1)
        sleep(2.0 if workers > 1 else 0.0)
        yield party


_GUARDRAIL = """
from litellm.integrations.custom_guardrail import CustomGuardrail


class Trivial(CustomGuardrail):
    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        return response
"""


@contextmanager
def litellm(executable: Path, upstream: Party, folder: Path) -> Generator[Party]:
    port = free_port()
    (folder / "trivial.py").write_text(_GUARDRAIL)
    config = folder / "litellm.yaml"
    config.write_text(
        f"""
model_list:
  - model_name: instant
    litellm_params: {{model: openai/instant, api_base: {upstream.root}/v1, api_key: none}}
guardrails:
  - guardrail_name: trivial
    litellm_params: {{guardrail: trivial.Trivial, mode: post_call, default_on: true}}
"""
    )
    words = [str(executable), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
    env = {"PYTHONPATH": str(folder), "LITELLM_MASTER_KEY": KEY}
    with process(words, port, LITELLM_LOCAL_MODEL_COST_MAP="True", **env) as one:
        yield Party(f"http://127.0.0.1:{port}", one.pid)


@contextmanager
def portkey(script: Path, upstream: Party, folder: Path) -> Generator[Party]:
    """Run Portkey's gateway; its guardrail is a regular expression that every text matches."""
    port = free_port()
    config = {
        "provider": "openai",
        "api_key": "none",
        "custom_host": f"{upstream.root}/v1",
        "output_guardrails": [{"default.regexMatch": {"rule": "[a-z]"}, "deny": True}],
    }
    words = ["node", str(script), f"--port={port}", "--headless"]
    with process(words, port, NODE_ENV="production") as one:
        headers = {"x-portkey-config": json.dumps(config)}
        yield Party(f"http://127.0.0.1:{port}", one.pid, headers)
