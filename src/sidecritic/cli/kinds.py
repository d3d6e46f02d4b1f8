"""Train a critic of some kind on labelled runs: the one place that knows the kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from sidecritic.cli.edge import note
from sidecritic.critics.registry import CriticKind
from sidecritic.errors import ConfigError
from sidecritic.runs import write_whole

if TYPE_CHECKING:
    from sidecritic.training.lora.recipe import Recipe

LLAMA_CPP = "llama_cpp"
"""Key of [train]: a folder of llama.cpp's source, whose converter makes the GGUF file."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to learn from, and where the result goes."""

    name: str
    runs: tuple[Path, ...]
    """Labelled runs."""
    data: Path
    """The data set that was exported from them."""
    out: Path
    """Folder of the weights."""
    workers: int = 1


def train_kind(kind: CriticKind, lesson: Lesson, settings: Mapping[str, JsonValue]) -> Path:
    """Return where in the lesson's folder the weights are.

    Raises:
        ConfigError: there is nothing to learn from, or what the kind needs is not there.
    """
    match kind:
        case "head":
            return _head(lesson)
        case "lora":
            return _lora(lesson, settings)


def _head(lesson: Lesson) -> Path:
    from sidecritic.config.heads import head_from_runs
    from sidecritic.critics.head_weights import to_json

    made = head_from_runs(lesson.runs, name=lesson.name, workers=lesson.workers)
    file = lesson.out / f"{lesson.name}.json"
    write_whole(file, to_json(made.weights))
    return file.relative_to(lesson.out)


def _lora(lesson: Lesson, settings: Mapping[str, JsonValue]) -> Path:
    """Fine-tune on the exported data set, and return the GGUF file that `--critic` can read."""
    from sidecritic.config.held_out import held_out_of
    from sidecritic.training.lora.export import export
    from sidecritic.training.lora.run import tune

    made, folder = lesson.out / "tuned", lesson.out / "gguf"
    recipe = lora_recipe(settings, str(lesson.data))
    tune(recipe, made, say=note, tests_of=held_out_of)
    if not folder.exists():
        export(
            made,
            folder,
            "gguf",
            name=lesson.name,
            weights="q8_0",
            llama_cpp=_llama_cpp(settings),
        )
    return next(folder.glob("*.gguf")).relative_to(lesson.out)


def require_tunable(settings: Mapping[str, JsonValue]) -> None:
    """Check that there is what a fine-tune needs: its base, and the converter of the result.

    Raises:
        ConfigError: one of them is not.
    """
    from sidecritic.training.lora.base import require_base
    from sidecritic.training.lora.export import CONVERTER

    require_base(lora_recipe(settings, data="-").base)
    folder = _llama_cpp(settings)
    if not (folder / CONVERTER).is_file():
        raise ConfigError(
            f"{folder / CONVERTER} is not there; run `make .venv-train/llama.cpp`, or set "
            f"train.{LLAMA_CPP} to a folder of llama.cpp's source"
        )


def _llama_cpp(settings: Mapping[str, JsonValue]) -> Path:
    return Path(str(settings.get(LLAMA_CPP, ".venv-train/llama.cpp")))


def lora_recipe(settings: Mapping[str, JsonValue], data: str) -> "Recipe":
    """Return the recipe of a fine-tune on a data set.

    Raises:
        ConfigError: a key or value cannot be used.
    """
    from sidecritic.training.lora.recipe import Recipe

    given = {key: value for key, value in settings.items() if key != LLAMA_CPP}
    try:
        return Recipe.model_validate({**given, "data": data})
    except ValidationError as cause:
        first = cause.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(f"the table [train] of the recipe: {key}: {first['msg']}") from cause
