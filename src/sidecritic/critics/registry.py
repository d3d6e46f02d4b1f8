"""Which critics there are and where they come from: `critics.json`, readable by people.

Each entry names its weights, what they hash to, and their lineage: parent, base model, data,
figures, command. Entries are added and their status changes; nothing else of them ever does.
"""

import fcntl
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.runs import write_whole
from sidecritic.types import Record

REGISTRY_FILE = "critics.json"

CriticKind = Literal["head", "lora"]
CriticStatus = Literal["candidate", "promoted", "refused"]

NAME = r"^[\w.+-]{1,64}$"


class Figure(Record):
    """A measured number."""

    value: float
    low: float | None = None
    """Of its 95 % interval."""
    high: float | None = None
    n: int
    """How many things it was measured on."""
    of: str = ""
    """What these are, such as `held-out proposals`."""


class Lineage(Record):
    """What a critic was trained on."""

    inputs: dict[str, str] = {}
    """File or folder to its SHA-256."""
    tasks: dict[str, tuple[str, ...]] = {}
    """Ids of the tasks by environment: none of them may decide a promotion."""
    users: dict[str, tuple[str, ...]] = {}
    """Ids of the tasks' users by domain: likewise."""
    episodes: int = 0
    simulated: tuple[str, ...] = ()
    """Roles that a script or simulation played in the data."""

    @property
    def digest(self) -> str:
        """Of all of it: the same digest, the same data."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:16]


class RegisteredCritic(Record, allow_inf_nan=False):
    """One critic."""

    name: str = Field(pattern=NAME)
    kind: CriticKind
    weights: str
    """File or folder, from where the registry is."""
    sha256: str
    """Of the file, or of the names and digests of everything in the folder."""
    parent: str = ""
    """Critic that it was trained to replace, as `--critic` would name it."""
    base: str = ""
    """Model that was fine-tuned; empty for a kind that has none."""
    rendering: str = ""
    """How a fine-tuned model reads a proposal, as it was trained; empty for a head."""
    data: Lineage = Field(default_factory=Lineage)
    metrics: dict[str, Figure] = {}
    command: str = ""
    """That made it."""
    versions: dict[str, str] = {}
    created: str = ""
    """Date and time, UTC."""
    status: CriticStatus = "candidate"
    reasons: tuple[str, ...] = ()
    """Why it was promoted or refused."""
    decided: str = ""
    """Date and time of that decision, UTC."""
    over: str = ""
    """Critic that it was compared with."""


class Registry(Record):
    """The contents of the file."""

    schema_version: Literal[1] = 1
    critics: dict[str, RegisteredCritic] = {}
    """By name, in the order in which they were added."""

    def entry(self, name: str, file: Path) -> RegisteredCritic:
        """Return the entry of that name.

        Raises:
            ConfigError: there is none.
        """
        if name not in self.critics:
            known = ", ".join(self.critics) or "none yet"
            raise ConfigError(f"{file} has no critic {name!r}; known: {known}")
        return self.critics[name]


def read_registry(file: Path) -> Registry:
    """Read a registry.

    Raises:
        ConfigError: there is none, or it is damaged.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(
            f"cannot read the registry of critics {file}: {cause}; check the path, or create one "
            "with `sidecritic critics add` or `sidecritic learn`"
        ) from cause
    try:
        return Registry.model_validate_json(text)
    except ValidationError as cause:
        problem = first_problem(cause, "the whole file")
        raise ConfigError(
            f"the registry of critics {file}: {problem}; restore it from a copy"
        ) from cause


def add_entry(file: Path, entry: RegisteredCritic, *, replace: bool = False) -> None:
    """Add a critic; the file is created if need be. Adding the same one again changes nothing.

    With `replace` another critic of that name gives way, and the decision about it is gone.

    Raises:
        ConfigError: another critic has the name, or the file cannot be read or written.
    """

    def added(registry: Registry) -> Registry:
        there = registry.critics.get(entry.name)
        if there is None or (there.sha256, there.data) == (entry.sha256, entry.data):
            return _with(registry, there or entry)
        if not replace:
            raise ConfigError(
                f"{file} has a critic {entry.name!r} already, with other weights or data "
                f"({there.sha256[:12]}, {there.data.digest}); choose another name"
            )
        return _with(registry, entry)

    _change(file, added)


def decide(file: Path, name: str, decision: Mapping[str, object]) -> RegisteredCritic:
    """Write the decision about a critic: `status`, `reasons`, `decided`, `over`, `metrics`.

    Raises:
        ConfigError: there is no such critic, or the file cannot be read or written.
    """

    def decided(registry: Registry) -> Registry:
        return _with(registry, registry.entry(name, file).model_copy(update=decision))

    return _change(file, decided).critics[name]


def _with(registry: Registry, entry: RegisteredCritic) -> Registry:
    return registry.model_copy(update={"critics": {**registry.critics, entry.name: entry}})


def _change(file: Path, change: Callable[[Registry], Registry]) -> Registry:
    with _locked(file):
        registry = change(read_registry(file) if file.exists() else Registry())
        try:
            write_whole(file, registry.model_dump_json(indent=2) + "\n")
        except OSError as cause:
            raise ConfigError(f"cannot write {file}: {cause.strerror}; make room") from cause
    return registry


@contextmanager
def _locked(file: Path) -> Generator[None]:
    # Next to the file, which is replaced: a lock on it would hold the old one.
    lock = file.with_name(f".{file.name}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; name another file") from cause
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def weights_of(entry: RegisteredCritic, file: Path) -> Path:
    """Return where the weights of an entry are, after a look at whether they are still the same.

    Raises:
        ConfigError: they are gone or changed.
    """
    weights = file.parent / entry.weights
    found = digest_of(weights)
    if found != entry.sha256:
        raise ConfigError(
            f"the weights {weights} of the critic {entry.name!r} are not those that {file} knows: "
            f"their SHA-256 begins with {found[:12]}, and not {entry.sha256[:12]}; restore them, "
            "or register them under another name"
        )
    return weights


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and digests of the files in a folder.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        if not path.is_dir():
            with path.open("rb") as read:
                return file_digest(read, "sha256").hexdigest()
        inside = sorted(each for each in path.rglob("*") if each.is_file())
    except OSError as cause:
        raise ConfigError(f"cannot read {path}: {cause.strerror}; restore it") from cause
    lines = [f"{each.relative_to(path).as_posix()} {digest_of(each)}\n" for each in inside]
    return sha256("".join(lines).encode()).hexdigest()
