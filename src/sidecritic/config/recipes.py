"""Recipes of learning: what is played, mined, labelled, trained on and asked of the result.

rounds = 2                 start = "policy"          kind = "head"
[tasks]                    env, split, held_back (a share of users), seed, limit
[play]                     keys of an evaluation, the same in every round
[mine]                     mixed, failed, passed (shares), at_most
[label]                    sources
[export]                   rendering, balance, parquet
[train]                    of a LoRA: the keys of its own recipe
[gate]                     trials, attacks and [gate.margins]
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, JsonValue, ValidationError

from sidecritic.config.settings import Names, Settings, settings_of, suggestion
from sidecritic.critics.registry import CriticKind
from sidecritic.errors import ConfigError
from sidecritic.scoring.mining import MiningShares
from sidecritic.scoring.promotion import Margins
from sidecritic.types import Record

_Kind = TypeVar("_Kind", bound=Record)

_OWNED = ("env", "split", "task_ids", "limit", "tasks", "critic", "out", "retry_failed", "profile")
"""Settings of an evaluation that other tables of a recipe decide."""


class TaskPart(Record, allow_inf_nan=False):
    """Which tasks, and which of them are held back for the gate."""

    env: Names = Field(default=("tau2:retail",), min_length=1)
    split: str = "train"
    held_back: float = Field(default=0.4, gt=0, lt=1)
    """Share of users; all tasks of a user go one way."""
    seed: int = 0
    limit: int | None = Field(default=None, ge=2)
    """At most so many tasks of each environment."""
    files: dict[str, str] = {}
    """Environment to a file of other tasks, such as `tasks synth` writes."""


class MinePart(MiningShares):
    passed: float = Field(default=0.5, ge=0, le=1)


class LabelPart(Record):
    sources: Names = Field(default=("fault", "outcome"), min_length=1)
    continuations: int = Field(default=32, ge=2)
    """Of branching and teacher."""
    teacher: str = ""


class ExportPart(Record):
    rendering: str = "full"
    balance: str = "downsample"
    parquet: bool = False


class GatePart(Record):
    trials: int = Field(default=4, ge=1, le=1000)
    """Episodes for each held-back task."""
    attacks: int = Field(default=12, ge=1)
    """Payloads that each refused proposal meets."""
    margins: Margins = Field(default_factory=Margins)


class LearnRecipe(Record):
    """One way to make critics."""

    title: str = ""
    rounds: Annotated[int, Field(ge=1, le=100)] = 2
    start: str = "policy"
    """Critic that is in force before the first round."""
    kind: CriticKind = "head"
    tasks: TaskPart = Field(default_factory=TaskPart)
    play: dict[str, JsonValue] = {}
    mine: MinePart = Field(default_factory=MinePart)
    label: LabelPart = Field(default_factory=LabelPart)
    export: ExportPart = Field(default_factory=ExportPart)
    train: dict[str, JsonValue] = {}
    gate: GatePart = Field(default_factory=GatePart)

    def settings(self, env: str, **more: object) -> Settings:
        """Return the settings of a run on this environment.

        Raises:
            ConfigError: a value that cannot be used.
        """
        own = {
            "env": (env,),
            "split": self.tasks.split,
            "tasks": self.tasks.files.get(env),
            "actor": "simulated",
            "user": "scripted",
        }
        return settings_of({**own, **self.play, **more}, "the table [play] of the recipe")


def recipe_from(file: Path) -> LearnRecipe:
    """Read a recipe.

    Raises:
        ConfigError: it cannot be read, or a key or value cannot be used.
    """
    read = _toml(file, "recipe")
    _known(read, tuple(LearnRecipe.model_fields), file, "")
    play = _table(read.get("play", {}), file, "play")
    read = {**read, "play": {key.replace("-", "_"): value for key, value in play.items()}}
    known = tuple(name for name in Settings.model_fields if name not in _OWNED)
    _known(read["play"], known, file, "play: ")
    recipe = _checked(LearnRecipe, read, file)
    for env in recipe.tasks.env:
        recipe.settings(env)
    for env in recipe.tasks.files:
        if env not in recipe.tasks.env:
            known = suggestion(env, recipe.tasks.env)
            raise ConfigError(f"{file}: tasks.files: {env!r} is not in tasks.env{known}")
    if recipe.kind == "head" and recipe.train:
        keys = ", ".join(recipe.train)
        raise ConfigError(f'{file}: train: {keys}: a head has nothing to set; kind = "lora" has')
    return recipe


def margins_from(file: Path | None) -> Margins:
    """Read the margins of a gate; without a file, those that hold by default.

    Raises:
        ConfigError: it cannot be read, or a key or value cannot be used.
    """
    return Margins() if file is None else _checked(Margins, _toml(file, "file of margins"), file)


def _toml(file: Path, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ConfigError(f"cannot read {what} {file}: {cause.strerror}; check the path") from cause
    except ValueError as cause:
        raise ConfigError(f"{what} {file} is not TOML: {cause}") from cause


def _table(value: object, file: Path, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{file}: {name} is no table; write it as [{name}]")
    return {str(key): each for key, each in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _known(table: Mapping[str, object], known: tuple[str, ...], file: Path, where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"{file}: {where}unknown key {key!r}{suggestion(key, known)}")


def _checked(kind: type[_Kind], read: Mapping[str, object], file: Path) -> _Kind:
    try:
        return kind.model_validate(read)
    except ValidationError as cause:
        first = cause.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{file}: unknown key {where!r}; see docs/learning.md") from cause
        shown = repr(first["input"])[:80]
        raise ConfigError(f"{file}: {where} is {shown}: {first['msg']}") from cause
