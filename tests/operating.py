"""What an operator does beside a running gateway: a config file, commands, and a request to see."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from tests.wire import Json

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
DOOR = Path(sys.executable).with_name("sidecritic")
PLAIN = "correct horse battery staple"
"""A secret that looks like none."""


def post(root: str, body: Any = HI, **headers: str) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=120) as client:
        return client.post(f"{root}/v1/chat/completions", json=body, headers=headers)


def config_file(folder: Path, upstream: str, database: Path, *, content: bool = False) -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        f"""
[upstreams.openai]
base_url = "{upstream}/v1"

[routes.openai]  # the only one
upstream = "openai"
mode = "shadow"  # for now
critic = "policy"
pack = "sidecritic.packs.shop:SHOP"
gate = "all"

[store]
url = "sqlite:///{database}"
content = {str(content).lower()}
redact = ["{PLAIN}"]
"""
    )
    return file


def command(*words: str) -> Result:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done


def waiting_case(config: Path) -> Json:
    for _ in range(2000):
        found = json.loads(command("reviews", "ls", "--json", "--config", str(config)).stdout)
        if found["cases"]:
            return found["cases"][0]
    raise AssertionError("no case was filed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_up(root: str) -> bool:
    try:
        return httpx2.get(f"{root}/healthz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


class Process:
    """A program of ours, with what it says read as it says it."""

    def __init__(self, words: list[str], *, stderr: Any = subprocess.PIPE, **options: Any) -> None:
        self._running = subprocess.Popen(words, stderr=stderr, **options)
        self._said: Queue[bytes] = Queue()
        self._passed: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        if self._running.stderr is not None:
            with self._running.stderr as lines:
                for line in lines:
                    self._said.put(line)

    def wait_for(self, word: bytes) -> bytes:
        """Return the first line that holds the word and was not returned before.

        Lines of the server and of its probe come in any order, so none is lost on the way.
        """
        for at, line in enumerate(self._passed):
            if word in line:
                return self._passed.pop(at)
        while word not in (line := self._said.get(timeout=120)):
            self._passed.append(line)
        return line

    def send(self, number: int) -> None:
        self._running.send_signal(number)

    def end(self) -> int:
        code = self._running.wait(60)
        self._reader.join()
        return code

    def kill(self) -> None:
        self._running.kill()
        self.end()


@contextmanager
def process(
    config: Path, database: str, *, workers: int = 1, **options: Any
) -> Generator[tuple[Process, str]]:
    port = free_port()
    text = config.read_text()
    config.write_text(f'listen = "127.0.0.1:{port}"\n{text}')
    words = [str(DOOR), "serve", "--config", str(config), "--workers", str(workers)]
    running = Process(words, env={**os.environ, "STORE_URL": database}, **options)
    root = f"http://127.0.0.1:{port}"
    try:
        if not options:
            running.wait_for(b"running on" if workers == 1 else b"listening on")
        while not is_up(root):
            pass
        yield running, root
    finally:
        running.kill()
