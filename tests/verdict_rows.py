"""Data sets for tests of fine-tuning: a rule that a model can learn from one word."""

import json
from collections.abc import Iterator
from pathlib import Path

from sidecritic.critics.prompt import APPROVE, REFUSE
from sidecritic.datasets.rows import PreferenceRow, Provenance, Said, Split, VerdictRow

_GOODS = ("lamp", "kettle", "boots", "tablet", "bottle", "chair")


def row(number: int, split: Split = "train", *, wrong: bool | None = None) -> VerdictRow:
    """Return a row whose prompt says `strong` when it is wrong."""
    wrong = number % 2 == 0 if wrong is None else wrong
    against = "strong: order not delivered" if wrong else "nothing"
    text = f"Action: return the {_GOODS[number % 6]} #{number}\nAgainst: {against}\nRight?"
    return VerdictRow(
        id=f"{split}-{number}",
        prompt=(Said(role="system", content="You check."), Said(role="user", content=text)),
        completion=(Said(role="assistant", content=REFUSE if wrong else APPROVE),),
        wrong=wrong,
        weight=1.0,
        split=split,
        provenance=provenance(f"{split}-{number}"),
    )


def provenance(who: str) -> Provenance:
    return Provenance(
        run="r",
        trajectory=f"t-{who}",
        turn=1,
        attempt=0,
        env="tau2:retail",
        task_id=f"task-{who}",
        user_id=f"user-{who}",
        actor="simulated",
        source="fault",
        trust="simulated",
    )


def write_data(folder: Path, *, train: int = 24, validation: int = 12) -> Path:
    """Write a data set as `datagen export` does: verdicts and preference pairs."""
    (folder / "verdict").mkdir(parents=True)
    (folder / "preference").mkdir()
    splits: tuple[tuple[Split, int], ...] = (("train", train), ("validation", validation))
    for split, count in splits:
        rows = [row(number, split) for number in range(count)]
        _write(folder / "verdict" / f"{split}.jsonl", (r.model_dump_json() for r in rows))
        pairs = (_pair(each).model_dump_json() for each in rows)
        _write(folder / "preference" / f"{split}.jsonl", pairs)
    (folder / "data.json").write_text(json.dumps({"rendering": "brief"}))
    return folder


def _pair(of: VerdictRow) -> PreferenceRow:
    other = APPROVE if of.wrong else REFUSE
    return PreferenceRow(
        id=of.id,
        prompt=of.prompt,
        chosen=of.completion,
        rejected=(Said(role="assistant", content=other),),
        about="verdict",
        weight=1.0,
        split=of.split,
        provenance=of.provenance,
    )


def _write(file: Path, lines: Iterator[str]) -> None:
    file.write_text("".join(f"{line}\n" for line in lines))
