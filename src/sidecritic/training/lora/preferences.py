"""The second stage: direct preference optimisation, beginning at the best adapter of the first."""

from collections.abc import Sequence
from pathlib import Path

from sidecritic.datasets.rows import PreferenceRow, VerdictRow
from sidecritic.training.lora.base import load_base
from sidecritic.training.lora.packages import needed
from sidecritic.training.lora.recipe import Preferences, Recipe
from sidecritic.training.lora.watch import quality


def prefer(
    recipe: Recipe,
    stage: Preferences,
    start: tuple[str, Path],
    pairs: Sequence[PreferenceRow],
    held: Sequence[VerdictRow],
) -> float:
    """Train on preference pairs, and return the validation AUROC afterwards.

    `start` is where base and best adapter are; the adapter is replaced unless its AUROC was
    higher before.

    Source: Rafailov et al., Direct Preference Optimization (arXiv:2305.18290).
    """
    from sidecritic.training.lora.run import common_arguments

    peft, trl, datasets = needed("peft"), needed("trl"), needed("datasets")
    place, best = start
    model, tokenizer = load_base(place, dtype=recipe.dtype)
    model = peft.PeftModel.from_pretrained(model, best, is_trainable=True)
    before = quality(model, tokenizer, held).auroc
    arguments = trl.DPOConfig(
        output_dir=str(best.parent / "preferences"),
        max_length=recipe.max_tokens,
        max_steps=stage.steps,
        per_device_train_batch_size=stage.batch,
        learning_rate=stage.learning_rate,
        beta=stage.beta,
        **common_arguments(recipe),
    )
    plain = [
        row.model_dump(include={"prompt", "chosen", "rejected"}) for row in pairs[: recipe.examples]
    ]
    trainer = trl.DPOTrainer(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list(plain),
        processing_class=tokenizer,
    )
    trainer.train()
    after = quality(trainer.model, tokenizer, held).auroc
    if after >= before and trainer.accelerator.is_main_process:
        trainer.model.save_pretrained(best, selected_adapters=["default"])
    return after
