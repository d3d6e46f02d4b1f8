"""A Node process with the real JavaScript clients, started once and given one job after another."""

import json
import os
from base64 import b64decode
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
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
class Node:
    process: "Popen[str]"

    def converse(
        self, client: str, root: str, says: Sequence[str], tools: Mapping[str, str], *, stream: bool
    ) -> Heard:
        """Say these lines with a client of `clients/`; `tools` maps names to results."""
        assert self.process.stdin and self.process.stdout
        job = {"client": client, "root": root, "stream": stream, "says": says, "tools": tools}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "node has ended"
        got = json.loads(line)
        return Heard(
            ran=[(name, given) for name, given in got["ran"]],
            texts=got["texts"],
            sent=[json.loads(body) for body in got["sent"]],
            bodies=[b64decode(body) for body in got["bodies"]],
            error=got["error"],
        )


@contextmanager
def node() -> Generator[Node]:
    program = which("node")
    if program is None or not (HERE / "node_modules").is_dir():
        raise FileNotFoundError("the clients are not installed: make test-javascript")
    process = Popen(
        [program, str(HERE / "serve.mjs")],
        stdin=PIPE,
        stdout=PIPE,
        text=True,
        cwd=HERE,
        env={"PATH": os.environ["PATH"]},  # no proxy, and no key of anybody
    )
    with process:  # the end of its input ends it
        yield Node(process)
