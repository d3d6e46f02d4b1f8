"""UserBench task files: their schema, where they are, and how they are checked.

The eight databases `travelgym_data_*.json` belong to the upstream repository, and the user
downloads them. A file `SHA256SUMS` next to them, if there is one, must agree with them; a file
`splits.json` says which task ids are for training and which for testing. Our fixture has the same
schema and ships with the package: numbers made with it are not UserBench scores.

Source of the schema: the functional specification of TravelGym (arXiv:2507.22034); no code or
data of it is used.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from sidecritic.errors import ConfigError

Raw = Mapping[str, Any]

LETTERS: Mapping[str, str] = MappingProxyType(
    {"flight": "F", "hotel": "H", "apartment": "A", "rental_car": "C", "restaurant": "R"}
)
"""Aspect to the letter that its option ids begin with."""

RELEASED = tuple(f"travel{digits}" for digits in (22, 2222, 33, 233, 333, 44, 334, 444))
"""The subsets of the release, each digit the preferences of one aspect."""

FIXTURE = "fixture"
SUBSETS = (*RELEASED, FIXTURE)

_ID_PART = re.compile(r"([a-z_]+):(\d+)-")
_OBTAIN = (
    "get the databases from github.com/SalesforceAIResearch/UserBench and point "
    "SIDECRITIC_USERBENCH, or --userbench, at their folder"
)


@dataclass(frozen=True, slots=True)
class Preference:
    id: str
    """`P1`, `P2` and so on, across the aspects of a task."""
    aspect: str
    subcategory: str
    text: str
    hint: str
    """What the user says instead of the preference itself."""


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing to be chosen, with its options."""

    name: str
    preferences: tuple[Preference, ...]
    arguments: Mapping[str, Any]
    """What a search must name."""
    best: str
    correct: frozenset[str]
    """Ids that satisfy the preferences; the best one is the cheapest of them."""
    options: Mapping[str, tuple[Raw, ...]]
    """`correct`, `wrong` and `noise`, without what tells them apart."""

    @property
    def letter(self) -> str:
        return LETTERS[self.name]

    @property
    def called(self) -> str:
        return self.name.replace("_", " ")

    @property
    def ids(self) -> list[str]:
        """The ids of all options."""
        return [str(option["id"]) for kind in self.options.values() for option in kind]


@dataclass(frozen=True, slots=True)
class Trip:
    """A task of UserBench."""

    id: str
    scenario: str
    """Names every preference: for the judge only."""
    opening: str
    aspects: tuple[Aspect, ...]

    @property
    def preferences(self) -> tuple[Preference, ...]:
        return tuple(each for aspect in self.aspects for each in aspect.preferences)

    @property
    def preferences_by_id(self) -> int:
        """The number of preferences by the task's id, the denominator of what was elicited."""
        return sum(int(number) for _, number in _ID_PART.findall(self.id))


@dataclass(frozen=True, slots=True)
class Database:
    """The tasks of one subset, and which file they came from."""

    subset: str
    digest: str
    """Of the file's bytes."""
    tasks: Mapping[str, Raw]
    splits: Mapping[str, tuple[str, ...]]


# --- loading ------------------------------------------------------------------------------


def require_subset(subset: str) -> None:
    """Raise a `ConfigError` unless there is such a subset."""
    if subset not in SUBSETS:
        close = get_close_matches(subset, SUBSETS, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise ConfigError(
            f"unknown UserBench subset {subset!r}; {meant}known: {', '.join(SUBSETS)}"
        )


def load(subset: str, *, folder: Path | None = None, file: Path | None = None) -> Database:
    """Read one subset, and nothing but it, from the fixture, a folder or a file.

    Raises:
        ConfigError: an unknown subset, a missing or damaged file, or one that is not what
            `SHA256SUMS` says.
    """
    require_subset(subset)
    if file is None and subset == FIXTURE:
        return _fixture()
    if file is None:
        if folder is None:
            raise ConfigError(f"UserBench subset {subset!r} has no task files here; {_OBTAIN}")
        file = folder / f"travelgym_data_{subset.removeprefix('travel')}.json"
    try:
        data = file.read_bytes()
    except OSError as cause:
        raise ConfigError(f"UserBench tasks {file}: {cause.strerror}; {_OBTAIN}") from cause
    digest = sha256(data).hexdigest()
    _require_sum(file, digest)
    tasks = _tasks(data, str(file))
    return Database(subset, digest, tasks, _splits(file.parent, subset, tasks))


def _fixture() -> Database:
    data = files("sidecritic.envs.userbench").joinpath("fixture.json").read_bytes()
    tasks = _tasks(data, "the fixture")
    splits: dict[str, tuple[str, ...]] = {"test": tuple(tasks)}
    for id_ in tasks:
        name = "travel" + "".join(sorted(number for _, number in _ID_PART.findall(id_)))
        splits[name] = (*splits.get(name, ()), id_)
    return Database(FIXTURE, sha256(data).hexdigest(), tasks, splits)


def _require_sum(path: Path, digest: str) -> None:
    try:
        lines = (path.parent / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    except OSError as cause:
        raise ConfigError(f"cannot read {path.parent / 'SHA256SUMS'}: {cause.strerror}") from cause
    for words in (line.split() for line in lines):
        if len(words) == 2 and words[1].lstrip("*") == path.name and words[0] != digest:
            raise ConfigError(
                f"checksum mismatch: {path} is {digest[:16]}..., and SHA256SUMS says "
                f"{words[0][:16]}...; download it again, or correct SHA256SUMS"
            )


def _tasks(data: bytes, where: str) -> dict[str, Raw]:
    try:
        read = json.loads(data)
    except ValueError as cause:
        raise ConfigError(f"UserBench tasks {where}: not JSON: {cause}") from cause
    if not isinstance(read, dict) or not read:
        raise ConfigError(f"UserBench tasks {where}: not an object of tasks by their ids")
    return cast("dict[str, Raw]", read)


def _splits(folder: Path, subset: str, tasks: Mapping[str, Raw]) -> Mapping[str, tuple[str, ...]]:
    """Return the splits that `splits.json` names, and `all`."""
    every: dict[str, tuple[str, ...]] = {"all": tuple(tasks)}
    file = folder / "splits.json"
    if not file.exists():
        return every
    try:
        named = json.loads(file.read_text(encoding="utf-8")).get(subset, {})
        for split, ids in named.items():
            missing = [id_ for id_ in ids if id_ not in tasks]
            if missing:
                raise ConfigError(f"{file}: {split} of {subset} names {missing[0]!r}, not a task")
            every[split] = tuple(ids)
    except (OSError, ValueError, AttributeError, TypeError) as cause:
        raise ConfigError(
            f"{file} cannot be used: {cause}; write it as "
            '{"travel22": {"test": [IDS], "train": [IDS]}}'
        ) from cause
    return every


# --- reading a task -----------------------------------------------------------------------


def trip_of(id_: str, record: Raw) -> Trip:
    """Read and check one task.

    Raises:
        ConfigError: the record is not one of UserBench's; the message says where.
    """
    try:
        dimensions = tuple(record["dimensions"])
        counted = iter(range(1, 1000))
        aspects = tuple(_aspect(name, record[name], counted) for name in dimensions)
        trip = Trip(id_, str(record["scenario"]), str(record["initial_description"]), aspects)
    except (KeyError, TypeError, AttributeError, IndexError) as cause:
        raise ConfigError(
            f"UserBench task {id_!r} is not in the schema: {type(cause).__name__}: {cause}"
        ) from cause
    for problem in _problems(trip):
        raise ConfigError(f"UserBench task {id_!r}: {problem}")
    return trip


def _aspect(name: str, record: Raw, counted: Iterator[int]) -> Aspect:
    if name not in LETTERS:
        raise KeyError(f"no such aspect: {name}")
    listed = [each for each in record["preferences"] if len(each) >= 4]
    return Aspect(
        name=name,
        preferences=tuple(Preference(f"P{next(counted)}", *map(str, each[:4])) for each in listed),
        arguments=dict(record["arguments"]),
        best=str(record["best_id"]),
        correct=frozenset(map(str, record["correct_ids"])),
        options={
            kind: tuple(
                {key: value for key, value in option.items() if key not in ("type", "reason")}
                for option in record["options"].get(kind, ())
            )
            for kind in ("correct", "wrong", "noise")
        },
    )


def _problems(trip: Trip) -> Iterator[str]:
    if not trip.aspects:
        yield "it has no aspects"
    for aspect in trip.aspects:
        wrong = [id_ for id_ in aspect.ids if id_[:1] != aspect.letter]
        if wrong:
            yield f"option {wrong[0]} of {aspect.name} does not begin with {aspect.letter}"
        if aspect.best not in aspect.correct:
            yield f"the best {aspect.name}, {aspect.best}, is not among the correct ones"
        absent = sorted(aspect.correct.difference(aspect.ids))
        if absent:
            yield f"{absent[0]} is a correct {aspect.name} but not an option"
        if not aspect.arguments:
            yield f"a search for the {aspect.name} has no arguments"
        if not aspect.preferences:
            yield f"the {aspect.name} has no preferences"
