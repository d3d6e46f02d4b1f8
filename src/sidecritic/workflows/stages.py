"""Stages of a long piece of work: each a folder, done when its `done.json` says so.

`done.json` is written last, with digests of the stage's inputs and outputs. So a kill loses the
running stage at most, and a stage with other inputs is noticed instead of mixed in.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from pathlib import Path
from time import monotonic
from typing import Literal

from pydantic import JsonValue, ValidationError

from sidecritic.critics.registry import digest_of
from sidecritic.errors import ConfigError
from sidecritic.runs import write_whole
from sidecritic.types import Record

DONE_FILE = "done.json"

Digests = Mapping[str, str]
"""Name of an input to the digest of it."""


class Done(Record):
    """The contents of `done.json`."""

    schema_version: Literal[1] = 1
    stage: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    """Files and folders of the stage, by name, with their SHA-256."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A piece of work with its own folder."""

    folder: Path
    title: str
    """Such as `round 1, play`."""

    @property
    def done(self) -> Done | None:
        """What is known of it; `None` until it is done.

        Raises:
            ConfigError: the file cannot be read.
        """
        file = self.folder / DONE_FILE
        try:
            return Done.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as cause:
            raise ConfigError(f"cannot read {file}: {cause}; {self._again}") from cause

    @property
    def _again(self) -> str:
        return f"remove {self.folder} and what was made after it, or choose another --out"

    def run(self, inputs: Digests, work: Callable[[], Iterable[str]]) -> bool:
        """Do the work unless it is done; return whether it was done now.

        `work` returns the names of what it made in the folder.

        Raises:
            ConfigError: it was done with other inputs, what it made has changed, or it failed.
        """
        done = self.done
        if done is not None:
            self._require_same(done, inputs)
            return False
        started = monotonic()
        try:
            with writing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                made = {name: digest_of(self.folder / name) for name in sorted(work())}
                seconds = round(monotonic() - started, 3)
                done = Done(stage=self.title, inputs=dict(inputs), outputs=made, seconds=seconds)
                write_whole(self.folder / DONE_FILE, done.model_dump_json(indent=2) + "\n")
        except ConfigError as error:
            raise ConfigError(f"{self.title}: {error}") from error
        return True

    def _require_same(self, done: Done, inputs: Digests) -> None:
        changed = sorted(
            name for name in {*done.inputs, *inputs} if done.inputs.get(name) != inputs.get(name)
        )
        if changed:
            raise ConfigError(
                f"{self.title} was done with other inputs: {', '.join(changed)}; {self._again}"
            )
        for name, digest in done.outputs.items():
            if digest_of(self.folder / name) != digest:
                raise ConfigError(
                    f"{self.folder / name} is not what {self.title} made; restore it, or "
                    f"{self._again}"
                )


def digest_of_value(value: JsonValue) -> str:
    """Return a digest of plain data."""
    return sha256(dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def writing(place: Path) -> Generator[None]:
    """Turn a disk that fills, or a folder that cannot be written, into one line.

    Raises:
        ConfigError: in place of an `OSError`.
    """
    try:
        yield
    except OSError as cause:
        raise ConfigError(
            f"cannot write {cause.filename or place}: {cause.strerror}; make room, then repeat the "
            "command: it resumes"
        ) from cause
