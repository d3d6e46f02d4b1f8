"""One fine-tune, from rows to the best adapter, resumable after a kill.

OUT/run.json       its inputs: another recipe or data set needs another folder
OUT/base           the dequantised base, where that was a GGUF file
OUT/checkpoints    the last two, for resuming
OUT/curve.jsonl    one line a validation
OUT/best           adapter and tokenizer of the highest validation AUROC
OUT/best-dpo       those of the second stage, where there was one
OUT/result.json    written last; says which of the two is the critic
"""

import json
import platform
import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sidecritic.datasets.rows import VerdictRow
from sidecritic.errors import ConfigError, TrainingError, boundary
from sidecritic.runs import write_whole
from sidecritic.training.lora.base import load_base, require_base, safetensors_of, verdict_tokens
from sidecritic.training.lora.curve import best, is_stuck
from sidecritic.training.lora.lean import lean_trainer
from sidecritic.training.lora.packages import needed, quiet
from sidecritic.training.lora.preferences import SecondStage, length_of, prefer
from sidecritic.training.lora.recipe import Recipe, common_arguments
from sidecritic.training.lora.result import RESULT_FILE, Result, outcome, read_result
from sidecritic.training.lora.rows import (
    FittingPairs,
    TestsOf,
    TuningRows,
    fitting_pairs,
    read_material,
    require_no_test_rows,
)
from sidecritic.training.lora.verdicts import tokens_of
from sidecritic.training.lora.watch import Say, Watch, callback
from sidecritic.types import Record

RUN_FILE = "run.json"

_PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "sidecritic")


class TuningRecord(Record):
    """The contents of `run.json`: the inputs of the adapter."""

    recipe: Recipe
    data_digest: str
    rendering: str
    versions: dict[str, str]


def tune(recipe: Recipe, out: Path, *, say: Say, tests_of: TestsOf) -> Result:
    """Fine-tune, or resume; a finished run is read.

    `tests_of` says what must not be learned from; `config.held_out.held_out_of` knows it of every
    benchmark. No caller can forget to ask.

    Raises:
        ConfigError: the recipe, the data set or the folder cannot be used, or a row is of a test
            task or of a user in one.
        TrainingError: it broke underway; checkpoints are kept.
    """
    require_base(recipe.base)
    material = read_material(
        Path(recipe.data),
        examples=recipe.examples,
        validation=recipe.validation,
        seed=recipe.seed,
        preferences=recipe.dpo is not None,
    )
    require_no_test_rows(material, tests_of)
    state = needed("accelerate").PartialState(cpu=not needed("torch").cuda.is_available())
    versions = {name: version(name) for name in _PACKAGES}
    made = TuningRecord(
        recipe=recipe,
        data_digest=material.digest,
        rendering=material.rendering,
        versions={**versions, "python": platform.python_version()},
    )
    if state.is_main_process:
        _claim(out, made)
    state.wait_for_everyone()
    if (out / RESULT_FILE).exists():
        return read_result(out)
    with boundary(TrainingError, "fine-tuning"):
        return _tuned(recipe, material, out, made, _Ranks(state, say))


@dataclass(frozen=True, slots=True)
class _Ranks:
    """The processes of one run; the first one writes and speaks."""

    state: Any
    tell: Say

    @property
    def first(self) -> bool:
        return bool(self.state.is_main_process)

    def say(self, text: str) -> None:
        if self.first:
            self.tell(text)


def _claim(out: Path, made: TuningRecord) -> None:
    """Record the inputs of the run, or check that the folder holds a run of the same."""
    file = out / RUN_FILE
    try:
        if file.exists():
            there = TuningRecord.model_validate_json(file.read_bytes())
            if there.model_dump(exclude={"versions"}) != made.model_dump(exclude={"versions"}):
                raise ConfigError(
                    f"{out} holds a fine-tune of another recipe or data set; choose another --out"
                )
            return
        if out.exists() and any(out.iterdir()):
            raise ConfigError(f"{out} holds something else; choose another --out")
        out.mkdir(parents=True, exist_ok=True)
        write_whole(file, made.model_dump_json(indent=2))
    except ValidationError as cause:
        raise ConfigError(f"{file} is damaged; choose another --out") from cause
    except OSError as cause:
        raise ConfigError(f"cannot write {out}: {cause.strerror}; choose another --out") from cause


def _tuned(
    recipe: Recipe, material: TuningRows, out: Path, made: TuningRecord, ranks: _Ranks
) -> Result:
    torch = needed("torch")
    if recipe.threads is not None:
        torch.set_num_threads(recipe.threads)
    quiet()
    needed("transformers").set_seed(recipe.seed)
    with ranks.state.main_process_first():
        place = safetensors_of(recipe.base, out / "base")
    model, tokenizer = load_base(place, dtype=recipe.dtype)
    verdict_tokens(tokenizer)
    train, lengths = _fitting(tokenizer, material.train, recipe.max_tokens)
    held, _ = _fitting(tokenizer, material.validation, recipe.max_tokens)
    too_long = len(material.train) - len(train)
    pairs = _fitting_pairs(tokenizer, material, recipe) if recipe.dpo is not None else None
    ranks.say(
        f"{len(train)} rows to learn from, the longest of {max(lengths)} tokens, "
        f"{too_long} too long; {len(held)} to validate with"
    )
    watch = Watch(out, tokenizer, held, patience=recipe.patience, say=ranks.say, writes=ranks.first)
    trainer = _trainer(recipe, out, (model, tokenizer), train)
    taken = _trained(trainer, watch, recipe, out)
    ranks.state.wait_for_everyone()
    first, second = best(watch.points), None
    if recipe.dpo is not None and pairs is not None:
        stage = SecondStage(place, watch.best_folder, out / "best-dpo")
        second = prefer(recipe, recipe.dpo, stage, pairs, held)
        ranks.say(f"after preferences: validation AUROC {second.auroc:.3f}")
    result = Result(
        recipe=recipe,
        data_digest=made.data_digest,
        rendering=made.rendering,
        examples=len(train),
        validation=len(held),
        too_long=too_long,
        longest=max(lengths),
        stopped_early=taken < trainer.state.max_steps,
        base_auroc=watch.points[0].auroc,
        seconds=round(watch.seconds, 1),
        peak_memory_mb=peak_memory_mb(),
        machine=f"{platform.machine()}, {torch.get_num_threads()} threads, {_device(torch)}",
        versions=made.versions,
        **outcome(first, taken, second),
    )
    if ranks.first:
        write_whole(out / RESULT_FILE, result.model_dump_json(indent=2))
    ranks.state.wait_for_everyone()
    return result


def _fitting_pairs(tokenizer: Any, material: TuningRows, recipe: Recipe) -> FittingPairs:
    return fitting_pairs(
        material.pairs,
        lambda pair: length_of(tokenizer, pair),
        limit=recipe.max_tokens,
        number=recipe.examples,
    )


def _device(torch: Any) -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


def _fitting(
    tokenizer: Any, rows: Sequence[VerdictRow], limit: int
) -> tuple[list[VerdictRow], list[int]]:
    """Return the rows whose prompt and verdict fit, and their lengths.

    Raises:
        ConfigError: one class has no row that fits.
    """
    # The verdict, the end of the turn and what a template writes after it.
    lengths = [len(tokens_of(tokenizer, row.prompt)) + 3 for row in rows]
    fits = [(r, n) for r, n in zip(rows, lengths, strict=True) if n <= limit]
    if len({row.wrong for row, _ in fits}) < 2:
        raise ConfigError(
            f"{len(fits)} of {len(rows)} rows have at most {limit} tokens, and they are of one "
            "class; raise max_tokens, or export the data set with a shorter rendering"
        )
    return [row for row, _ in fits], [length for _, length in fits]


def _trainer(recipe: Recipe, out: Path, loaded: tuple[Any, Any], rows: Sequence[VerdictRow]) -> Any:
    model, tokenizer = loaded
    peft, trl, datasets = needed("peft"), needed("trl"), needed("datasets")
    lora = peft.LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        exclude_modules=_below(model, recipe.layers),
        task_type="CAUSAL_LM",
    )
    arguments = trl.SFTConfig(
        output_dir=str(out / "checkpoints"),
        max_length=recipe.max_tokens,
        completion_only_loss=True,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.steps or -1,
        per_device_train_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup,
        train_sampling_strategy="group_by_length",
        lr_scheduler_type="linear",
        **common_arguments(recipe),
    )
    plain = [row.model_dump(include={"prompt", "completion"}) for row in rows]
    return lean_trainer()(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list(plain),
        processing_class=tokenizer,
        peft_config=lora,
    )


def _below(model: Any, layers: int | None) -> str | None:
    """Return what matches the modules below the last so many layers; `None` for none.

    Nothing is learned below them, so nothing has to be carried back through them.
    """
    count = int(model.config.get_text_config().num_hidden_layers)
    first = 0 if layers is None else max(count - layers, 0)
    return rf".*\.layers\.({'|'.join(map(str, range(first)))})\..*" if first else None


def _trained(trainer: Any, watch: Watch, recipe: Recipe, out: Path) -> int:
    """Train to the end or until validation stops improving; return the steps taken in all."""
    last = _last_checkpoint(out / "checkpoints", keep=trainer.accelerator.is_main_process)
    watch.resume(last[0] if last else 0)
    if not watch.points:
        watch.validate(trainer.model, 0)
    if any(isinstance(c, needed("transformers").PrinterCallback) for c in _callbacks(trainer)):
        trainer.remove_callback(needed("transformers").PrinterCallback)
    trainer.add_callback(callback(watch, every=recipe.evaluate_every))
    if last is None or not _is_done(watch, recipe, last):
        trainer.train(resume_from_checkpoint=str(last[1]) if last else None)
        return int(trainer.state.global_step)
    return last[0]


def _callbacks(trainer: Any) -> Sequence[object]:
    return trainer.callback_handler.callbacks


def _is_done(watch: Watch, recipe: Recipe, last: tuple[int, Path]) -> bool:
    """Whether a kill came after the last step, or after the decision to stop."""
    state = json.loads((last[1] / "trainer_state.json").read_text())
    return last[0] >= int(state["max_steps"]) or is_stuck(watch.points, recipe.patience)


def _last_checkpoint(folder: Path, *, keep: bool) -> tuple[int, Path] | None:
    """Return the last whole checkpoint; what a kill left half-written is removed.

    The state is the last file that a trainer writes.
    """
    found: list[tuple[int, Path]] = []
    for path in folder.glob("checkpoint-*"):
        try:
            step = int(json.loads((path / "trainer_state.json").read_text())["global_step"])
            found.append((step, path))
        except (OSError, ValueError, KeyError):
            if keep:
                shutil.rmtree(path, ignore_errors=True)
    return max(found, default=None)


def peak_memory_mb() -> int:
    """Return the most memory that this process has had, on the device as well."""
    torch = needed("torch")
    device = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    unit = 1 if platform.system() == "Darwin" else 1024
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit + device) // 2**20
