"""Train critics on labelled and recorded runs: heads, and small language models."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue, ValidationError

from sidecritic.assembly.held_out import held_out_of, require_no_test
from sidecritic.assembly.recorded import CriticByName
from sidecritic.calibration.enough import LEAST_WRONG
from sidecritic.critics.head_weights import HeadWeights, to_json
from sidecritic.errors import ConfigError, MissingExtra, NoChecks, first_problem
from sidecritic.packs import pack_for
from sidecritic.recorded import JudgedProposal, ReadersLabels, Recorded
from sidecritic.replay import ReplayPlan, replay
from sidecritic.reports.curves import plot_curve
from sidecritic.scoring.replay_results import CrossValidated
from sidecritic.settings.evaluation import settings_from
from sidecritic.training.head import Held, Trained, cross_validated, held_out, train
from sidecritic.training.lora.base import require_base
from sidecritic.training.lora.curve import read_curve
from sidecritic.training.lora.export import CONVERTER, export
from sidecritic.training.lora.recipe import Recipe, read_recipe
from sidecritic.training.lora.result import Result
from sidecritic.training.lora.run import tune
from sidecritic.training.own import (
    WEIGHT,
    Lessons,
    from_chats,
    lessons,
    read_own_runs,
    together,
)
from sidecritic.workflows.files import require_file, write_file
from sidecritic.workflows.replay import ReplayRequest, judge_files
from sidecritic.workflows.watchers import SILENT, Watcher

LLAMA_CPP = "llama_cpp"
"""Key of [train]: a folder of llama.cpp's source, whose converter makes the GGUF file."""


# --- fine-tunes of rounds ----------------------------------------------------------------------


def tune_to_gguf(
    settings: Mapping[str, JsonValue], name: str, data: Path, out: Path, watcher: Watcher = SILENT
) -> Path:
    """Fine-tune on an exported data set, and return the GGUF file that `--critic` can read.

    Raises:
        ConfigError: there is nothing to learn from, or something that it needs is missing.
    """
    made, folder = out / "tuned", out / "gguf"
    tune(lora_recipe(settings, str(data)), made, say=watcher.say, tests_of=held_out_of)
    if not folder.exists():
        converter = _llama_cpp(settings)
        export(made, folder, "gguf", name=name, weights="q8_0", llama_cpp=converter)
    return next(folder.glob("*.gguf"))


def require_tunable(settings: Mapping[str, JsonValue]) -> None:
    """Check what a fine-tune needs: its base, and the converter of the result.

    Raises:
        ConfigError: one of them is missing.
    """
    require_base(lora_recipe(settings, data="-").base)
    folder = _llama_cpp(settings)
    if not (folder / CONVERTER).is_file():
        raise ConfigError(
            f"{folder / CONVERTER} is not there; run `make .venv-train/llama.cpp`, or set "
            f"train.{LLAMA_CPP} to a folder of llama.cpp's source"
        )


def _llama_cpp(settings: Mapping[str, JsonValue]) -> Path:
    return Path(str(settings.get(LLAMA_CPP, ".venv-train/llama.cpp")))


def lora_recipe(settings: Mapping[str, JsonValue], data: str) -> Recipe:
    """Return the recipe of a fine-tune on a data set.

    Raises:
        ConfigError: a key or value cannot be used.
    """
    given = {key: value for key, value in settings.items() if key != LLAMA_CPP}
    try:
        return Recipe.model_validate({**given, "data": data})
    except ValidationError as cause:
        raise ConfigError(f"the table [train] of the recipe: {first_problem(cause)}") from cause


# --- heads -------------------------------------------------------------------------------------


CHECKS = "policy"
"""The critic whose flags a head learns from."""


def head_from_runs(
    directories: Iterable[Path], *, name: str = "head", workers: int = 1, test_users: bool = False
) -> Trained:
    """Fit a head to run directories alone, without recorded runs; `weights` go to a file.

    Raises:
        ConfigError: there is no run, nothing right and nothing wrong to learn from, or one is of
            a test task or, unless `test_users`, of a user in one.
    """
    own = lessons_from(directories, workers=workers, test_users=test_users)
    return train((), (), {}, own=own, name=name)


def lessons_from(
    directories: Iterable[Path],
    *,
    weight: float = WEIGHT,
    workers: int = 1,
    test_users: bool = False,
) -> Lessons:
    """Return what run directories teach, judged with the checks of today.

    Raises:
        ConfigError: one of them holds no run, none is of an environment that has checks, or one
            is of a test task or, unless `test_users`, of a user in one.
    """
    own = read_own_runs(directories)
    own = replace(own, runs=_with_checks(own.runs))
    require_no_test((run.trajectory for run in own.runs), test_users=test_users)
    lines = replay(own.runs, ReplayPlan(CHECKS, CriticByName(CHECKS)), workers=workers)
    return lessons(own, lines, weight=weight)


def _with_checks(runs: Sequence[Recorded]) -> tuple[Recorded, ...]:
    refused: dict[str, str] = {}
    for env in sorted({run.critic_env for run in runs}):
        try:
            pack_for(env)
        except NoChecks as error:
            refused[env] = error.problem
    if runs and all(run.critic_env in refused for run in runs):
        raise ConfigError(f"a head learns from what checks notice: {next(iter(refused.values()))}")
    return tuple(run for run in runs if run.critic_env not in refused)


@dataclass(frozen=True, slots=True)
class Chats:
    """Labelled chat logs to learn from, and what the operator says of their agent."""

    files: tuple[Path, ...] = ()
    policy: Path | None = None
    tools: Path | None = None
    labels: Path | None = None


NO_CHATS = Chats()

LEAST_RIGHT = 20
"""Right calls and messages of chats below which nothing is learned."""


def lessons_from_chats(chats: Chats, *, workers: int = 1, watcher: Watcher = SILENT) -> Lessons:
    """Return what labelled chats teach, judged with the checks that need no domain.

    Raises:
        ConfigError: they cannot be read, or too few of their labels are right, or wrong.
    """
    by_checks = settings_from({"critic": "default"})
    request = ReplayRequest(
        chats.files, by_checks, chats.labels, policy=chats.policy, tools=chats.tools, fixed=True
    )
    found = judge_files(request, workers=workers, watcher=watcher)
    others = [run.file for run in found.runs if not run.is_chat]
    if others:
        raise ConfigError(f"{others[0]} holds no chats; give recorded runs as FILES, not --chats")
    made = lessons(from_chats(found.runs), found.lines, weight=1.0)
    wrong = sum(each.wrong for each in made.examples)
    right = len(made.examples) - wrong
    if right < LEAST_RIGHT or wrong < LEAST_WRONG:
        raise ConfigError(
            f"the chats teach {right} right and {wrong} wrong writes and last messages; label at "
            f"least {LEAST_RIGHT} right and {LEAST_WRONG} wrong ones, and until then take a "
            "critic that needs no training (`llm:PROVIDER:MODEL`)"
        )
    if not any(each.flags for each in made.examples if each.wrong):
        raise ConfigError(
            f"the checks noticed nothing about any of the {wrong} wrong ones, and a head weighs "
            "what they notice; take a critic that reads (`llm:PROVIDER:MODEL`)"
        )
    return made


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """Run directories of ours to learn from."""

    directories: tuple[Path, ...] = ()
    weight: float | None = None
    """What one of their actions counts for one of a recorded run; `None` for the default."""
    test_users: bool = False
    """Whether their users may be in test tasks."""
    chats: Chats = NO_CHATS


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """Weights that are on file, and how good they are on users that they have not seen."""

    weights: HeadWeights
    cv: CrossValidated
    own: Mapping[str, Held]
    """Writes of own runs by domain."""


def train_head(
    recorded: ReplayRequest,
    out: Path,
    unseen: Path | None = None,
    *,
    own: OwnRuns,
    workers: int = 1,
    watcher: Watcher = SILENT,
) -> TrainedHead:
    """Judge, fit, write and cross-validate; `unseen` gets the judgements by heads of other folds.

    Raises:
        ConfigError: something cannot be read or written, or there is nothing to learn from.
    """
    require_file(out)
    require_file(unseen)
    runs, lines, labels = _recorded(recorded, own, workers, watcher)
    weight = WEIGHT if own.weight is None else own.weight
    lessons = lessons_from(
        own.directories, weight=weight, workers=workers, test_users=own.test_users
    )
    if own.chats.files:
        taught = lessons_from_chats(own.chats, workers=workers, watcher=watcher)
        lessons = together(lessons, taught)
    made = train(runs, lines, labels, own=lessons)
    write_file(out, to_json(made.weights))
    if unseen is not None:
        named = {"critic": "head", "critic_version": made.weights.digest}
        judged = (line.model_copy(update=named).model_dump_json() for line in made.unseen())
        write_file(unseen, "".join(f"{line}\n" for line in judged))
    return TrainedHead(made.weights, cross_validated(made, labels), held_out(made, lessons))


def _recorded(
    request: ReplayRequest, own: OwnRuns, workers: int, watcher: Watcher
) -> tuple[Sequence[Recorded], Sequence[JudgedProposal], ReadersLabels]:
    if request.files:
        if request.labels is None:
            raise ConfigError("a head learns from labels of recorded runs; give --labels FILE")
        found = judge_files(request, workers=workers, watcher=watcher)
        if found.readers is None:
            raise ConfigError(
                f"{request.labels} says of no first wrong write whether it was `detectable`, which "
                "is what a head learns from FILES; labels of proposals come with a run: "
                "sidecritic datagen label RUN --human LABELS, then --runs RUN"
            )
        return found.runs, found.lines, found.readers
    if not own.directories and not own.chats.files:
        raise ConfigError("nothing to learn from: give recorded FILES, --runs RUN or --chats FILE")
    return (), (), {}


# --- fine-tunes --------------------------------------------------------------------------------


def tune_by_recipe(config: Path, out: Path, watcher: Watcher = SILENT) -> Result:
    """Fine-tune by the recipe in a file.

    Raises:
        ConfigError: the recipe, the data set or the folder cannot be used.
        TrainingError: it broke underway.
    """
    return tune(read_recipe(config), out, say=watcher.say, tests_of=held_out_of)


def draw_curve(out: Path, result: Result, watcher: Watcher = SILENT) -> None:
    """Draw the curve of a fine-tune into its folder; the watcher hears if matplotlib is missing.

    Raises:
        ConfigError: the picture cannot be written.
    """
    points = [(p.step, p.auroc, p.loss) for p in read_curve(out / "curve.jsonl")]
    title = f"{Path(result.recipe.base).name}, {result.examples} rows, {result.rendering}"
    try:
        plot_curve(points, out / "curve.png", title=title)
    except MissingExtra as error:
        watcher.say(str(error))
    except OSError as error:
        raise ConfigError(f"cannot write {out / 'curve.png'}: {error.strerror}") from error
