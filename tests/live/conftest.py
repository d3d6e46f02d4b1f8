"""A real llama.cpp server with real weights (SmolLM2-135M), shared by the tests of one module."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.live import MODEL, ROOT

PYTHON = ROOT / ".venv-real" / "bin" / "python"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    assert PYTHON.exists(), "no llama.cpp server; run: make test-real"
    weights = next((ROOT / ".venv-real").rglob("SmolLM2-135M-Instruct*.gguf"))
    port = free_port()
    log = tmp_path_factory.mktemp("llama") / "server.log"
    command = [PYTHON, "-m", "llama_cpp.server", "--model", weights, "--model_alias", MODEL]
    options = ["--port", str(port), "--n_ctx", "8192", "--n_threads", "1", "--logits_all", "true"]
    with log.open("w") as output:
        server = subprocess.Popen([*command, *options], stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        wait_until_up(url, server, log)
        yield url
    finally:
        server.kill()
        server.wait()


def wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{url}/models", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)  # a real process has to load real weights
    raise AssertionError(f"the server did not come up: {log.read_text()[-2000:]}")
