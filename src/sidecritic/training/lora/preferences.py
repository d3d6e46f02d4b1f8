"""The second stage: direct preference optimisation, beginning at the best adapter of the first.

OUT/best-dpo    its adapter and `preferences.json`, complete or not there at all

The first stage's adapter is never written: a second stage that is killed begins again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from sidecritic.datasets.files import new_folder
from sidecritic.datasets.rows import PreferenceRow, VerdictRow
from sidecritic.errors import ConfigError
from sidecritic.training.lora.base import load_base
from sidecritic.training.lora.packages import needed
from sidecritic.training.lora.recipe import Preferences, Recipe, common_arguments
from sidecritic.training.lora.rows import FittingPairs
from sidecritic.training.lora.verdicts import tokens_of
from sidecritic.training.lora.watch import quality
from sidecritic.types import Record

PREFERRED_FILE = "preferences.json"


class PreferenceResult(Record):
    """The contents of `preferences.json`: the result of the second stage."""

    auroc: float
    """On the validation rows, after it."""
    before: float
    """Of the adapter that it began with, measured alike."""
    steps: int
    pairs: int
    too_long: int

    @property
    def kept(self) -> bool:
        """Whether its adapter is the better critic, or as good."""
        return self.auroc >= self.before


class SecondStage(NamedTuple):
    """The input and output of the second stage."""

    place: str
    """Of the base."""
    best: Path
    """The first stage's adapter."""
    out: Path


def length_of(tokenizer: Any, pair: PreferenceRow) -> int:
    """Return the tokens of the longer answer with its prompt, as the trainer will count them."""
    sides = (pair.chosen, pair.rejected)
    answers = (tokenizer.encode(a[0].content, add_special_tokens=False) for a in sides)
    # The end of the turn, and what a template writes after it.
    return len(tokens_of(tokenizer, pair.prompt)) + max(map(len, answers)) + 2


def prefer(
    recipe: Recipe,
    settings: Preferences,
    stage: SecondStage,
    fitting: FittingPairs,
    held: Sequence[VerdictRow],
) -> PreferenceResult:
    """Train on preference pairs and measure; a finished stage is read.

    Source: Rafailov et al., Direct Preference Optimization (arXiv:2305.18290).
    """
    if stage.out.exists():
        return _read(stage.out / PREFERRED_FILE)
    model, tokenizer = load_base(stage.place, dtype=recipe.dtype)
    model = needed("peft").PeftModel.from_pretrained(model, stage.best, is_trainable=True)
    before = quality(model, tokenizer, held).auroc
    scratch = stage.out.parent / "checkpoints"
    trainer = _trainer(recipe, settings, (model, tokenizer), fitting.pairs, scratch)
    trainer.train()
    found = PreferenceResult(
        auroc=quality(trainer.model, tokenizer, held).auroc,
        before=before,
        steps=int(trainer.state.global_step),
        pairs=len(fitting.pairs),
        too_long=fitting.too_long,
    )
    if trainer.accelerator.is_main_process:
        with new_folder(stage.out) as draft:
            trainer.model.save_pretrained(draft, selected_adapters=["default"])
            tokenizer.save_pretrained(draft)
            text = found.model_dump_json(indent=2)
            (draft / PREFERRED_FILE).write_text(text, encoding="utf-8")
    return found


def _trainer(
    recipe: Recipe,
    settings: Preferences,
    loaded: tuple[Any, Any],
    pairs: Sequence[PreferenceRow],
    folder: Path,
) -> Any:
    model, tokenizer = loaded
    trl, datasets = needed("trl"), needed("datasets")
    arguments = trl.DPOConfig(
        output_dir=str(folder),
        max_length=recipe.max_tokens,
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        beta=settings.beta,
        **common_arguments(recipe),
    )
    plain = [pair.model_dump(include={"prompt", "chosen", "rejected"}) for pair in pairs]
    return trl.DPOTrainer(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list(plain),
        processing_class=tokenizer,
    )


def _read(file: Path) -> PreferenceResult:
    try:
        return PreferenceResult.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as cause:
        raise ConfigError(
            f"{file} cannot be read; remove {file.parent}, and the same command makes it again"
        ) from cause
