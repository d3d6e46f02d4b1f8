"""Validation during training: it saves the best adapter, and stops without improvement."""

from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from sidecritic.datasets.rows import VerdictRow
from sidecritic.scoring.detection import Example, detection
from sidecritic.training.lora.curve import Point, best, is_stuck, read_curve, write_curve
from sidecritic.training.lora.packages import needed
from sidecritic.training.lora.verdicts import risks

Say = Callable[[str], None]


class Quality(NamedTuple):
    """How good verdicts are on some rows."""

    auroc: float
    log_loss: float


def quality(model: Any, tokenizer: Any, rows: Sequence[VerdictRow]) -> Quality:
    """Return how well the risks of the model tell wrong rows from right ones."""
    scores = risks(model, tokenizer, [row.prompt for row in rows])
    pairs = list(zip(scores, rows, strict=True))
    examples = [Example(score, row.wrong, row.provenance.user_id) for score, row in pairs]
    found = detection(examples, resamples=0).auroc
    assert found is not None, "both classes were required"
    chances = (score if row.wrong else 1 - score for score, row in pairs)
    return Quality(found, sum(-log(max(chance, 1e-9)) for chance in chances) / len(pairs))


class Watch:
    """The state of one fine-tune between validations; all of it is in the curve's file.

    Every process of a distributed run validates by itself and comes to the same conclusion, so
    none waits for another's decision; only the first one writes.
    """

    def __init__(
        self,
        folder: Path,
        tokenizer: Any,
        rows: Sequence[VerdictRow],
        *,
        patience: int,
        say: Say,
        writes: bool = True,
    ) -> None:
        self.best_folder = folder / "best"
        self._file = folder / "curve.jsonl"
        self._tokenizer = tokenizer
        self._rows = rows
        self._patience = patience
        self._say = say
        self._writes = writes
        self._before = 0.0
        self._started = perf_counter()
        self.points: tuple[Point, ...] = ()

    def resume(self, step: int) -> None:
        """Forget what came after the checkpoint: it will come again."""
        self.points = tuple(point for point in read_curve(self._file) if point.step <= step)
        self._before = self.points[-1].seconds if self.points else 0.0
        self._started = perf_counter()

    @property
    def seconds(self) -> float:
        return self._before + perf_counter() - self._started

    def validate(self, model: Any, step: int, losses: Sequence[float] = ()) -> bool:
        """Measure, keep the adapter if it is the best, and return whether to stop."""
        found = quality(model, self._tokenizer, self._rows)
        loss = sum(losses) / len(losses) if losses else None
        point = Point(
            step=step,
            auroc=found.auroc,
            log_loss=found.log_loss,
            loss=loss,
            seconds=round(self.seconds, 1),
        )
        self.points = (*self.points, point)
        if self._writes:
            if best(self.points) == point:
                model.save_pretrained(self.best_folder, selected_adapters=["default"])
                self._tokenizer.save_pretrained(self.best_folder)
            write_curve(self._file, self.points)
        shown = "" if loss is None else f", loss {loss:.3f}"
        self._say(f"step {step}: validation AUROC {found.auroc:.3f}{shown}, {point.seconds:.0f} s")
        return is_stuck(self.points, self._patience)


def callback(watch: Watch, *, every: int) -> Any:
    """Return the watch as a callback of a Hugging Face trainer."""
    base: Any = needed("transformers").TrainerCallback
    losses: list[float] = []

    class Validating(base):
        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            logged: dict[str, Any] = kwargs.get("logs", {})
            if "loss" in logged:
                losses.append(float(logged["loss"]))

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # The trainer logs and saves after this, so that a checkpoint is never ahead of it.
            if state.global_step % every == 0 or state.global_step >= state.max_steps:
                stop = watch.validate(kwargs["model"], state.global_step, tuple(losses))
                losses.clear()
                control.should_save = True
                control.should_training_stop = control.should_training_stop or stop

    return Validating()
