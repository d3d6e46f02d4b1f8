"""The file of a replay: one judgement a line, appended as it is made."""

import fcntl
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal
from sidecritic.replay.judging import Plan


class Lines:
    """What is on file, and where more goes; without a file nothing is kept."""

    def __init__(self, there: Sequence[JudgedProposal], file: Path | None, descriptor: int) -> None:
        self.there = tuple(there)
        self._file = file
        self._descriptor = descriptor

    def append(self, lines: Sequence[JudgedProposal]) -> None:
        """Write the judgements on one batch of runs, whole, and sync them to disk."""
        if self._file is None or not lines:
            return
        text = memoryview("".join(line.model_dump_json() + "\n" for line in lines).encode())
        start = os.fstat(self._descriptor).st_size
        try:
            while text:
                text = text[os.write(self._descriptor, text) :]
            os.fsync(self._descriptor)
        except OSError as cause:
            os.ftruncate(self._descriptor, start)
            raise ConfigError(
                f"cannot write {self._file}: {cause.strerror}; make room, then repeat the command"
            ) from cause


@contextmanager
def open_lines(file: Path | None, plan: Plan) -> Generator[Lines]:
    """Open the file of a replay, a new one or one to go on with.

    Raises:
        ConfigError: it cannot be written, another process writes it, or it holds something
            else than judgements of this critic behind this gate.
    """
    if file is None:
        yield Lines((), None, -1)
        return
    descriptor = _locked(file)
    try:
        yield Lines(_there(file, descriptor, plan), file, descriptor)
    finally:
        os.close(descriptor)


def _locked(file: Path) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; choose another --out") from cause
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        os.close(descriptor)
        raise ConfigError(
            f"another process is writing {file}; wait for it, or choose another --out"
        ) from cause
    return descriptor


def _there(file: Path, descriptor: int, plan: Plan) -> list[JudgedProposal]:
    raw = file.read_bytes()
    # A kill may leave half a line; what it judged is judged again.
    whole = raw[: raw.rfind(b"\n") + 1]
    lines = [
        _line(text, file, number, plan)
        for number, text in enumerate(whole.splitlines(), start=1)
        if text.strip()
    ]
    if len(whole) < len(raw):
        os.ftruncate(descriptor, len(whole))
    return lines


def _line(text: bytes, file: Path, number: int, plan: Plan) -> JudgedProposal:
    try:
        line = JudgedProposal.model_validate_json(text)
    except ValidationError as cause:
        raise ConfigError(
            f"{file}, line {number} is no judgement of a replay; choose another --out, or delete "
            "the line"
        ) from cause
    if (line.critic, line.gate) != (plan.critic, plan.gate):
        raise ConfigError(
            f"{file} holds judgements of --critic {line.critic} --gate {line.gate}; choose "
            f"another --out for --critic {plan.critic} --gate {plan.gate}"
        )
    return line
