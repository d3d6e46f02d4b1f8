"""Recipes of learning.

rounds = 2                 start = "policy"          kind = "head"
[tasks]                    env, split, held_back (a share of users), seed, limit
[play]                     keys of an evaluation, the same in every round
[mine]                     mixed, failed, passed (shares), at_most
[label]                    sources
[export]                   rendering, balance, parquet
[train]                    of a LoRA: the keys of its own recipe
[promotion]                trials, attacks and [promotion.margins]
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, JsonValue, ValidationError

from sidecritic.critics.registry import CriticKind
from sidecritic.errors import ConfigError, first_problem
from sidecritic.scoring.mining import MiningShares
from sidecritic.scoring.promotion import Margins
from sidecritic.settings.evaluation import READ, Names, Settings, settings_of
from sidecritic.settings.files import beside, read_toml, recipe_at, require_known, table_of
from sidecritic.settings.names import suggestion
from sidecritic.types import Record

_Kind = TypeVar("_Kind", bound=Record)

_OWNED = ("env", "split", "task_ids", "limit", "tasks", "critic", "out", "retry_failed", "profile")
"""Settings of an evaluation that other tables of a recipe decide."""


class TaskPart(Record, allow_inf_nan=False):
    """Which tasks, and which of them are held back to judge the result."""

    env: Names = Field(default=("tau2:retail",), min_length=1)
    split: str = "train"
    held_back: float = Field(default=0.4, gt=0, lt=1)
    """Share of users; the tasks of a user stay together."""
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


class PromotionPart(Record):
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
    promotion: PromotionPart = Field(default_factory=PromotionPart)

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
    file = recipe_at(file)
    read = read_toml(file, "recipe")
    if "gate" in read:
        raise ConfigError(f"{file}: the table [gate] is called [promotion] now; rename it")
    require_known(read, LearnRecipe.model_fields, file)
    read["play"] = table_of(read.get("play", {}), "play", file)
    known = (name for name in Settings.model_fields if name not in _OWNED)
    require_known(read["play"], known, f"{file}: play")
    read["play"] = beside(read["play"], READ, file)
    recipe = _checked(LearnRecipe, read, file)
    files = beside(recipe.tasks.files, recipe.tasks.files, file)
    recipe = recipe.model_copy(update={"tasks": recipe.tasks.model_copy(update={"files": files})})
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
    """Read the margins of promotion; without a file, the defaults.

    Raises:
        ConfigError: it cannot be read, or a key or value cannot be used.
    """
    read = {} if file is None else read_toml(file, "file of margins")
    return _checked(Margins, read, file)


def _checked(kind: type[_Kind], read: Mapping[str, object], file: Path | None) -> _Kind:
    try:
        return kind.model_validate(read)
    except ValidationError as cause:
        problem = first_problem(cause)
        if problem.kind == "extra_forbidden":
            raise ConfigError(
                f"{file}: unknown key {problem.where!r}; see docs/learning.md"
            ) from cause
        raise ConfigError(
            f"{file}: {problem.where} is {repr(problem.value)[:80]}: {problem.message}"
        ) from cause
