"""A real llama.cpp server with real weights (SmolLM2-135M, Q4_0), started and ended here.

`make test-real` builds what it needs: llama-cpp-python's server and, in it, the weights.
"""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-real" / "bin" / "python"
WEIGHTS = ROOT / ".venv-real" / "SmolLM2-135M-Instruct.Q4_0.gguf"
MODEL = "smollm2-135m"
CONTEXT = 8192


@dataclass(frozen=True, slots=True)
class Server:
    base_url: str
    pid: int

    def cpu_s(self) -> float:
        """Return the CPU time that the server has used, in seconds; 0 where `/proc` is not."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def llama_server(
    weights: Path = WEIGHTS, *, name: str = MODEL, context: int = CONTEXT, threads: int = 1
) -> Generator["Server"]:
    """Yield a server that keeps its last prompt in its cache.

    One thread: two that wait actively on two busy cores are slower than one. Log-probabilities
    need `logits_all`. No flash attention, as by default: on a CPU it takes a token of a batch of
    fewer than 64 ten times as long as one of a larger batch, and such is what turns add.
    """
    missing = next((path for path in (PYTHON, weights) if not path.exists()), None)
    if missing is not None:
        raise SystemExit(f"{missing} is not there; run: make test-real")
    port = _free_port()
    command = [
        PYTHON, "-m", "llama_cpp.server", "--model", weights, "--model_alias", name,
        "--port", str(port), "--n_ctx", str(context),
        "--n_threads", str(threads), "--n_threads_batch", str(threads),
        "--n_batch", "256", "--n_ubatch", "64", "--flash_attn", "false", "--logits_all", "true",
    ]  # fmt: skip
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}/v1"
        try:
            _wait_until_up(url, server)
            yield Server(url, server.pid)
        except AssertionError as cause:
            log.seek(0)
            cause.add_note(log.read()[-2000:])
            raise
        finally:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(f"{url}/models", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)  # a real process has to load real weights
    raise AssertionError("the server did not come up")
