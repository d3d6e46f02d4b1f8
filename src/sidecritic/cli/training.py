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
    from collections.abc import Mapping, Sequence

    from sidecritic.critics.head_weights import HeadWeights
    from sidecritic.recorded import JudgedProposal, Recorded
    from sidecritic.scoring.readers_labels import ReadersLabels
    from sidecritic.scoring.replay_results import CrossValidated
    from sidecritic.training.head import Held

HEAD = "head"
KINDS = (HEAD,)


def train(  # noqa: PLR0913 # typer makes a flag of each
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Result files of τ-bench or τ²-bench, trajectories.jsonl, folders."),
    ] = None,
    *,
    kind: Annotated[str, typer.Option(help="What to train: head.")] = HEAD,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Readers' labels of first wrong writes.")
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN",
            help="Directory of an own run to learn from as well: planted faults of simulated "
            "actors, and its labels.jsonl. May be given several times, and without FILES.",
        ),
    ] = None,
    runs_weight: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="NUMBER",
            help="What an action of --runs counts beside a recorded one; 0.5.",
        ),
    ] = None,
    test_users: Annotated[
        bool,
        typer.Option(
            "--test-users",
            help="Learn also from train tasks of --runs whose users are in test tasks, which are "
            "refused without it; a head's features name nobody.",
        ),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the weights go, as JSON.")],
    judged: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Judgements of `replay --critic policy --out FILE` by the checks of today; "
            "without it the runs are judged first.",
        ),
    ] = None,
    unseen: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the judgements of heads that have not seen the user: what "
            "`calibrate` makes a profile of.",
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
        from sidecritic.reports.replay import to_training_tables

        if kind not in KINDS:
            raise ConfigError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
        asked = Asked(tuple(files or ()), "policy", labels=labels, out=judged, fixed=True)
        own = Own(tuple(runs or ()), runs_weight, test_users=test_users)
        result = trained(asked, out, unseen, own=own, workers=workers or os.cpu_count() or 1)
        if json:
            cv = result.cv.model_dump(mode="json")
            data = result.weights.data.model_dump(mode="json")
            own_runs = {domain: held._asdict() for domain, held in result.own.items()}
            found = {"out": str(out), "digest": result.weights.digest, "data": data, "cv": cv}
            output.json({**found, "own": own_runs})
        else:
            output.tables(*to_training_tables(result.cv))
            for domain, held in result.own.items():
                output.tables(
                    f"Own runs, {domain}, by heads that have not seen the user: {held.caught} of "
                    f"{held.wrong} wrong writes caught, {held.false_alarms} of {held.right} right "
                    "ones sent back"
                )
            output.tables(f"{out}: {result.weights.name}, digest {result.weights.digest}")


@dataclass(frozen=True, slots=True)
class Result:
    """Weights that are on file, and how good they are on users that they have not seen."""

    weights: "HeadWeights"
    cv: "CrossValidated"
    own: "Mapping[str, Held]"
    """Writes of own runs by domain."""


@dataclass(frozen=True, slots=True)
class Own:
    """Run directories of ours to learn from."""

    directories: tuple[Path, ...] = ()
    weight: float | None = None
    """What one of their actions counts beside a recorded one; `None` for the default."""
    test_users: bool = False
    """Whether their users may be in test tasks."""


def trained(
    asked: Asked, out: Path, unseen: Path | None = None, *, own: Own, workers: int = 1
) -> Result:
    """Judge, fit, write and cross-validate; `unseen` gets the judgements by heads of other folds.

    Raises:
        ConfigError: something cannot be read or written, or there is nothing to learn from.
    """
    from sidecritic.config.heads import lessons_from
    from sidecritic.critics.head_weights import to_json
    from sidecritic.training.head import cross_validated, held_out
    from sidecritic.training.head import train as fit
    from sidecritic.training.own import WEIGHT

    _require_file(out)
    _require_file(unseen)
    runs, lines, labels = _recorded(asked, own, workers)
    weight = WEIGHT if own.weight is None else own.weight
    taught = lessons_from(
        own.directories, weight=weight, workers=workers, test_users=own.test_users
    )
    made = fit(runs, lines, labels, own=taught)
    _write(out, to_json(made.weights))
    if unseen is not None:
        named = {"critic": HEAD, "critic_version": made.weights.digest}
        lines = (line.model_copy(update=named).model_dump_json() for line in made.unseen())
        _write(unseen, "".join(f"{line}\n" for line in lines))
    return Result(made.weights, cross_validated(made, labels), held_out(made, taught))


def _recorded(
    asked: Asked, own: Own, workers: int
) -> "tuple[Sequence[Recorded], Sequence[JudgedProposal], ReadersLabels]":
    from sidecritic.scoring.readers_labels import read_readers_labels

    if asked.files:
        if asked.labels is None:
            raise ConfigError("a head learns from labels of recorded runs; give --labels FILE")
        labels = read_readers_labels(asked.labels)
        found = judged(asked, workers=workers)
        return found.runs, found.lines, labels
    if not own.directories:
        raise ConfigError("nothing to learn from: give recorded FILES, --runs RUN, or both")
    return (), (), {}


def _require_file(path: Path | None) -> None:
    if path is not None and path.is_dir():
        raise ConfigError(f"cannot write {path}: it is a directory; name a file")


def _write(file: Path, text: str) -> None:
    from sidecritic.runs import write_whole

    try:
        write_whole(file, text)
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; name another file") from cause
