"""Learn from recorded runs: what `train` does."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecritic.cli.edge import command
from sidecritic.cli.replaying import Asked, judged
from sidecritic.errors import ConfigError

if TYPE_CHECKING:
    from sidecritic.critics.head_weights import HeadWeights
    from sidecritic.scoring.detection_records import CrossValidated

KINDS = ("head",)


def train(  # noqa: PLR0913 # typer makes a flag of each
    files: Annotated[
        list[Path],
        typer.Argument(help="Result files of τ-bench or τ²-bench, trajectories.jsonl, folders."),
    ],
    *,
    kind: Annotated[str, typer.Option(help="What to train: head.")] = "head",
    labels: Annotated[
        Path, typer.Option(metavar="FILE", help="Readers' labels of first wrong writes.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the weights go, as JSON.")],
    judged: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Judgements of `replay --critic policy --out FILE` by the checks of today; "
            "without it the runs are judged first.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one for each core.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")
    ] = False,
) -> None:
    """Fit a critic to recorded runs, and cross-validate it by user."""
    with command(as_json=json) as output:
        from sidecritic.reports.replaying import to_training_tables

        if kind not in KINDS:
            raise ConfigError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
        asked = Asked(tuple(files), "policy", labels=labels, out=judged)
        result = trained(asked, out, workers=workers or os.cpu_count() or 1)
        if json:
            cv = result.cv.model_dump(mode="json")
            data = result.weights.data.model_dump(mode="json")
            output.json({"out": str(out), "digest": result.weights.digest, "data": data, "cv": cv})
        else:
            output.tables(*to_training_tables(result.cv))
            output.tables(f"{out}: {result.weights.name}, digest {result.weights.digest}")


@dataclass(frozen=True, slots=True)
class Result:
    """Weights that are on file, and how good they are on users that they have not seen."""

    weights: "HeadWeights"
    cv: "CrossValidated"


def trained(asked: Asked, out: Path, *, workers: int = 1) -> Result:
    """Judge, fit, write and cross-validate.

    Raises:
        ConfigError: something cannot be read or written, or there is nothing to learn from.
    """
    from sidecritic.critics.head_weights import to_json
    from sidecritic.runs import write_whole
    from sidecritic.scoring.labels import read_labels
    from sidecritic.training.head import cross_validated
    from sidecritic.training.head import train as fit

    if asked.labels is None:
        raise ConfigError("a head learns from labels; give --labels FILE")
    if out.is_dir():
        raise ConfigError(f"cannot write {out}: it is a directory; name a file")
    labels = read_labels(asked.labels)
    found = judged(asked, workers=workers)
    made = fit(found.runs, found.lines, labels)
    try:
        write_whole(out, to_json(made.weights))
    except OSError as cause:
        raise ConfigError(f"cannot write {out}: {cause.strerror}; choose another --out") from cause
    return Result(made.weights, cross_validated(made, labels))
