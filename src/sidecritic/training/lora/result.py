"""The result of a fine-tune: `result.json`, and which stage's adapter is the critic."""

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from sidecritic.errors import ConfigError
from sidecritic.training.lora.curve import Point
from sidecritic.training.lora.preferences import PreferenceResult
from sidecritic.training.lora.recipe import Recipe
from sidecritic.types import Record

RESULT_FILE = "result.json"


class Result(Record):
    """The contents of `result.json`."""

    recipe: Recipe
    data_digest: str
    rendering: str
    examples: int
    validation: int
    too_long: int
    """Rows that were left out because they have more tokens than the recipe allows."""
    longest: int
    """Tokens of the longest row that was learned from."""
    step: int
    """At which the adapter that is kept was made, over both stages."""
    steps: int
    """That were taken, in both stages."""
    stopped_early: bool
    """In the first stage."""
    auroc: float
    """Of the adapter that is kept."""
    base_auroc: float
    """Of the untuned base on the same validation rows."""
    adapter: Literal["best", "best-dpo"] = "best"
    """Folder of the adapter that is kept: the second stage's only if its AUROC is not lower."""
    sft_auroc: float | None = None
    """Before the second stage, where there was one."""
    dpo_auroc: float | None = None
    """After it."""
    pairs: int | None = None
    """That it learned from."""
    pairs_too_long: int | None = None
    seconds: float
    peak_memory_mb: int
    machine: str
    versions: dict[str, str]


def read_result(folder: Path) -> Result:
    """Read the result of a finished fine-tune.

    Raises:
        ConfigError: the folder holds no result.
    """
    file = folder / RESULT_FILE
    try:
        return Result.model_validate_json(file.read_bytes())
    except OSError as cause:
        raise ConfigError(
            f"{folder} holds no finished fine-tune; run `sidecritic train --kind lora` to its end"
        ) from cause
    except ValidationError as cause:
        raise ConfigError(f"{file} is damaged; train again with another --out") from cause


def outcome(first: Point, taken: int, second: PreferenceResult | None) -> dict[str, Any]:
    """Return what `Result` says of the stage whose adapter is kept: the second, unless worse.

    `first` is the best validation of the first stage, which took so many steps.
    """
    if second is None:
        return {"adapter": "best", "step": first.step, "steps": taken, "auroc": first.auroc}
    return {
        "adapter": "best-dpo" if second.kept else "best",
        "step": first.step + second.steps if second.kept else first.step,
        "steps": taken + second.steps,
        "auroc": second.auroc if second.kept else first.auroc,
        "sft_auroc": second.before,
        "dpo_auroc": second.auroc,
        "pairs": second.pairs,
        "pairs_too_long": second.too_long,
    }
