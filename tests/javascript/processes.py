"""Processes with real clients, each started once and given one job after another.

One is of Node, for the clients of JavaScript; one is of the environment of LiteLLM, whose pins
clash with those of the other clients in Python.
"""

import json
import os
from base64 import b64decode
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from subprocess import PIPE, Popen
from typing import Any

from tests.wire import Json

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Heard:
    """What came of a conversation, as its client has it."""

    ran: list[tuple[str, Any]]
    """Each tool that ran, with what it was given: an object, or the text of one."""
    texts: list[str]
    """What it said at last to each line of the user."""
    sent: list[Json]
    """The bodies of its requests."""
    bodies: list[bytes]
    """The answers to them, byte for byte; none where it failed."""
    error: str | None


@dataclass(frozen=True)
class Clients:
    process: "Popen[str]"

    def converse(
        self, client: str, root: str, says: Sequence[str], tools: Mapping[str, str], *, stream: bool
    ) -> Heard:
        """Say these lines with one of the clients; `tools` maps names to results."""
        assert self.process.stdin and self.process.stdout
        job = {"client": client, "root": root, "stream": stream, "says": says, "tools": tools}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        got = json.loads(line)
        return Heard(
            ran=[(name, given) for name, given in got["ran"]],
            texts=got["texts"],
            sent=[json.loads(body) for body in got["sent"]],
            bodies=[b64decode(body) for body in got["bodies"]],
            error=got["error"],
        )


@dataclass(frozen=True)
class Processes:
    node: Clients
    litellm: Clients


@contextmanager
def started(*command: str | Path | None, **environment: str) -> Generator[Clients]:
    """Start what runs clients, without a proxy and without a key of anybody."""
    if not all(part and Path(part).exists() for part in command):
        raise FileNotFoundError("the clients are not installed: make test-javascript")
    process = Popen(
        [str(part) for part in command],
        stdin=PIPE,
        stdout=PIPE,
        text=True,
        cwd=HERE,
        env={"PATH": os.environ["PATH"], **environment},
    )
    with process:  # the end of its input ends it
        yield Clients(process)


def node() -> AbstractContextManager[Clients]:
    installed = which("node") if (HERE / "node_modules").is_dir() else None
    return started(installed, HERE / "serve.mjs")


def litellm() -> AbstractContextManager[Clients]:
    return started(
        HERE.parents[1] / ".venv-litellm" / "bin" / "python",
        HERE / "litellm_reader.py",
        LITELLM_LOCAL_MODEL_COST_MAP="True",  # or it fetches a list of prices
        PYTHONWARNINGS="ignore",
    )


@contextmanager
def processes() -> Generator[Processes]:
    with node() as of_node, litellm() as of_litellm:
        yield Processes(of_node, of_litellm)
