"""The recipe of a fine-tune: the TOML file of `train --kind lora`."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.training.lora.packages import needed
from sidecritic.types import Record


class Preferences(Record):
    """A second stage: direct preference optimisation (DPO) from the best adapter of the first."""

    steps: int = Field(default=30, ge=1)
    learning_rate: float = Field(default=5e-6, gt=0)
    beta: float = Field(default=0.1, gt=0)
    """How much leaving the first stage's critic costs."""
    batch: int = Field(default=2, ge=1)


class Recipe(Record):
    base: str = Field(min_length=1)
    """A folder or name of a Hugging Face causal LM, or a GGUF file, which is dequantised."""
    data: str = Field(min_length=1)
    """Folder that `datagen export` wrote."""
    seed: int = Field(default=0, ge=0)
    """Of the choice of rows, of the order, and of the adapter's first weights."""
    examples: int = Field(default=500, ge=2)
    """Rows to learn from, at most, half of them wrong where there are enough."""
    validation: int = Field(default=100, ge=2)
    """Rows to validate with, at most."""
    max_tokens: int = Field(default=256, ge=16)
    """Longer rows are left out, and counted: a cut one would lose its verdict."""
    epochs: float = Field(default=2.0, gt=0)
    steps: int | None = Field(default=None, ge=1)
    """Steps of the optimiser, instead of epochs."""
    batch: int = Field(default=4, ge=1)
    """Rows at once, on each device."""
    accumulate: int = Field(default=2, ge=1)
    """Batches to a step."""
    learning_rate: float = Field(default=5e-4, gt=0)
    warmup: float = Field(default=0.06, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    layers: int | None = Field(default=None, ge=1)
    """The last so many layers get adapters; all without. Half of them cost a third less."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    threads: int | None = Field(default=None, ge=1)
    """Of torch on a CPU; its own choice without."""
    evaluate_every: int = Field(default=10, ge=1)
    """Steps between validations, which are also checkpoints."""
    patience: int = Field(default=4, ge=1)
    """Validations without a better AUROC after which training stops."""
    dpo: Preferences | None = None


def read_recipe(file: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: the file is missing, is not TOML, or holds an unknown key or value.
    """
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}; check --config") from cause
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ConfigError(f"{file} is not TOML: {cause}") from cause
    try:
        return Recipe.model_validate(found)
    except ValidationError as cause:
        problem = first_problem(cause)
        if problem.kind == "extra_forbidden":
            known = ", ".join(Recipe.model_fields)
            raise ConfigError(f"{file}: unknown key {problem.where!r}; known: {known}") from cause
        raise ConfigError(f"{file}: {problem}") from cause


def common_arguments(recipe: Recipe) -> dict[str, Any]:
    """Return the arguments that both stages give to their trainer."""
    return {
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "bf16": False,  # the weights are of the recipe's type already
        "use_cpu": not needed("torch").cuda.is_available(),
        "activation_checkpointing": False,
        "dataloader_pin_memory": False,
        "logging_steps": 1,
        "save_strategy": "no",  # the watch says when to save, after it has validated
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
    }
