"""Rounds of learning: play, mine, label, export, train, gate, and again with the winner.

OUT/held-back/                tasks for the gate alone, played without a critic and labelled
OUT/critics.json              every critic that was trained, with its lineage and fate
OUT/round-N/play/ENV/         `alone` and `supervised` by the critic in force
OUT/round-N/mine/ENV.json     which tasks are worth learning from, and why
OUT/round-N/label/RUN/        their episodes, with labels.jsonl
OUT/round-N/export/data/      the data set of all rounds so far
OUT/round-N/train/            the weights
OUT/round-N/gate/             the decision
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from sidecritic.cli.dividing import Parts, divided
from sidecritic.cli.evaluating import evaluate
from sidecritic.cli.exporting import Asked as ExportAsked
from sidecritic.cli.exporting import export_runs
from sidecritic.cli.gating import DECISION_FILE, Contest, contested, publish
from sidecritic.cli.labellers import Asked as LabelAsked
from sidecritic.cli.labels import label_runs, sources_named
from sidecritic.cli.preflight import require_sound
from sidecritic.cli.selfplay import play_both
from sidecritic.cli.stages import Digests, Stage, digest_of_value
from sidecritic.config import Settings
from sidecritic.config.identities import identity
from sidecritic.config.recipes import LearnRecipe
from sidecritic.critics.registry import REGISTRY_FILE, add_entry, decide, digest_of
from sidecritic.datasets.material import HOSTILE_FILE, VOUCHED_FILE
from sidecritic.errors import ConfigError
from sidecritic.labelling.store import LABELS_FILE
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, read_run, write_whole
from sidecritic.scoring.mining import (
    Mined,
    MiningShares,
    kept_episodes,
    mine,
    read_mined,
    runs_in,
    write_mined,
)
from sidecritic.scoring.promotion import PromotionDecision
from sidecritic.trace import to_line
from sidecritic.training.lineage import decided, entry_of, lineage_of

HELD_BACK = "held-back"
MARKS = (HOSTILE_FILE, VOUCHED_FILE)
"""What people say of the episodes of a run, beside it."""


@dataclass(frozen=True, slots=True)
class Learning:
    """A recipe at work in a folder."""

    recipe: LearnRecipe
    out: Path
    command: str
    workers: int = 1

    @property
    def registry(self) -> Path:
        return self.out / REGISTRY_FILE

    def called(self, name: str) -> str:
        """Return the name of a critic that was trained here, as `--critic` knows it."""
        return f"registry:{self.registry}#{name}"

    def folder(self, number: int, stage: str) -> Path:
        return self.out / f"round-{number}" / stage

    def stage(self, number: int, name: str) -> Stage:
        return Stage(self.folder(number, name), f"round {number}, {name}")


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round."""

    number: int
    critic: str
    """Name of the critic that was trained."""
    before: str
    """Critic in force before, and what it says is measured too."""
    after: str
    decision: PromotionDecision


def learned(learning: Learning, rounds: int) -> Iterator[Round]:
    """Yield each round when it is done; what was done before is not done again.

    Raises:
        ConfigError: a stage cannot do its work, or was done with other inputs.
    """
    require_sound(learning.recipe)
    parts = {env: divided(learning.recipe, env) for env in learning.recipe.tasks.env}
    held = _held_back(learning, parts)
    critic = learning.recipe.start
    for number in range(1, rounds + 1):
        played = _play(learning, number, parts, critic)
        _mine(learning, number, played)
        _label(learning, number)
        _export(learning, number)
        name = _train(learning, number, critic)
        decision = _gate(learning, number, critic, held)
        after = learning.called(name) if decision.promoted else critic
        yield Round(number, name, critic, after, decision)
        critic = after


# --- stages ----------------------------------------------------------------------------------


def _held_back(learning: Learning, parts: Mapping[str, Parts]) -> tuple[Path, ...]:
    """Play the held-back tasks without a critic, and label what was done."""
    recipe = learning.recipe
    stage = Stage(learning.out / HELD_BACK, "held-back tasks")
    names = {env: _slug(env) for env in recipe.tasks.env}
    inputs = {
        "tasks": digest_of_value({env: list(part.held_back) for env, part in parts.items()}),
        **_task_files(recipe),
        "[play]": digest_of_value(recipe.play),
        "[gate] trials": str(recipe.gate.trials),
        "[label]": digest_of_value(recipe.label.model_dump(mode="json")),
    }

    def work() -> Iterator[str]:
        for env, name in names.items():
            settings = recipe.settings(
                env,
                task_ids=parts[env].held_back,
                trials=recipe.gate.trials,
                critic="none",
                # Apart from those of the rounds, which count up from the recipe's.
                seed=_seed(recipe, 0),
                out=str(stage.folder / name),
            )
            evaluate(settings, title=f"held back {env}")
            label_runs([stage.folder / name], _sources(learning, settings))
            yield from _files(name)

    stage.run(inputs, lambda: list(work()))
    return tuple(stage.folder / name for name in names.values())


def _task_files(recipe: LearnRecipe) -> Digests:
    return {file: digest_of(Path(file)) for file in recipe.tasks.files.values()}


def _seed(recipe: LearnRecipe, number: int) -> int:
    return int(str(recipe.play.get("seed", 0))) * 1000 + number


def _sources(learning: Learning, settings: Settings) -> LabelAsked:
    part = learning.recipe.label
    return LabelAsked(
        sources=sources_named(",".join(part.sources)),
        gate=settings.gate,
        continuations=part.continuations,
        teacher=part.teacher,
    )


def _files(name: str) -> Iterator[str]:
    yield f"{name}/{TRAJECTORIES_FILE}"
    yield f"{name}/{LABELS_FILE}"


def _play(
    learning: Learning, number: int, parts: Mapping[str, Parts], critic: str
) -> tuple[str, ...]:
    recipe, stage = learning.recipe, learning.stage(number, "play")
    names = {env: _slug(env) for env in recipe.tasks.env}
    inputs = {
        "tasks": digest_of_value({env: list(part.train) for env, part in parts.items()}),
        **_task_files(recipe),
        "[play]": digest_of_value(recipe.play),
        "critic in force": identity(critic),
    }

    def work() -> Iterator[str]:
        for env, name in names.items():
            settings = recipe.settings(
                env,
                task_ids=parts[env].train,
                critic=critic,
                seed=_seed(recipe, number),
            )
            found = play_both(settings, stage.folder / name)
            yield from (f"{name}/{run.name}/{TRAJECTORIES_FILE}" for run in found.runs)

    stage.run(inputs, lambda: list(work()))
    return tuple(names.values())


def _mine(learning: Learning, number: int, played: Sequence[str]) -> None:
    stage, source = learning.stage(number, "mine"), learning.folder(number, "play")
    part = learning.recipe.mine
    inputs = {"[mine]": digest_of_value(part.model_dump(mode="json")), **_outputs(source)}

    def work() -> Iterator[str]:
        shares = MiningShares(**part.model_dump())
        for name in played:
            write_mined(mine(source / name, shares=shares), stage.folder / f"{name}.json")
            yield f"{name}.json"

    stage.run(inputs, lambda: list(work()))


def _outputs(folder: Path) -> Digests:
    """Return what a stage made, as the input of the next one, and what people marked in it."""
    done = Stage(folder, folder.name).done
    if done is None:
        return {}
    made = {f"{folder.name}/{k}": v for k, v in done.outputs.items()}
    marks = [file for name in MARKS for file in sorted(folder.rglob(name))]
    return made | {f"{folder.name}/{f.relative_to(folder)}": digest_of(f) for f in marks}


def _label(learning: Learning, number: int) -> None:
    stage, mined = learning.stage(number, "label"), learning.folder(number, "mine")
    played = learning.folder(number, "play")
    inputs = {
        "[label]": digest_of_value(learning.recipe.label.model_dump(mode="json")),
        **_outputs(played),
        **_outputs(mined),
    }

    def work() -> Iterator[str]:
        for env in learning.recipe.tasks.env:
            kept = read_mined(mined / f"{_slug(env)}.json")
            for name, run in runs_in(played / _slug(env)).items():
                made = stage.folder / _run_name(number, env, name)
                if _keep(run, made, kept):
                    label_runs([made], _sources(learning, learning.recipe.settings(env)))
                    yield from _files(made.name)

    stage.run(inputs, lambda: list(work()))


def _run_name(number: int, env: str, run: str) -> str:
    # Data sets and judgements name a run by its folder, and hold those of all rounds.
    return f"r{number}-{_slug(env)}-{run}"


def _keep(run: Path, made: Path, mined: Mined) -> bool:
    """Write the episodes of the tasks that are kept as a run of its own; say if there are any."""
    read = read_run(run)
    kept = kept_episodes(mined, read.trajectories)
    made.mkdir(parents=True, exist_ok=True)
    write_whole(made / RUN_FILE, read.record.model_dump_json(indent=2) + "\n")
    write_whole(made / TRAJECTORIES_FILE, "".join(map(to_line, kept)))
    for name in MARKS:
        if (run / name).exists():
            write_whole(made / name, (run / name).read_text(encoding="utf-8"))
    return bool(kept)


def labelled(learning: Learning, number: int) -> tuple[Path, ...]:
    """Return the labelled runs of all rounds up to one."""
    found: list[Path] = []
    for each in range(1, number + 1):
        folder = learning.folder(each, "label")
        found += sorted(path.parent for path in folder.glob(f"*/{LABELS_FILE}"))
    return tuple(found)


def _lessons(learning: Learning, number: int) -> Digests:
    """Return what the rounds up to one have labelled, as an input."""
    every = [learning.folder(each, "label") for each in range(1, number + 1)]
    return {name: digest for folder in every for name, digest in _outputs(folder).items()}


def _export(learning: Learning, number: int) -> None:
    stage, part = learning.stage(number, "export"), learning.recipe.export
    inputs = {
        "[export]": digest_of_value(part.model_dump(mode="json")),
        **_lessons(learning, number),
    }

    def work() -> list[str]:
        folder = stage.folder / "data"
        if folder.exists():
            # Written whole by a run that was killed before it could say so.
            rmtree(folder)
        asked = ExportAsked(
            out=folder,
            rendering=part.rendering,
            balance=part.balance,
            held_out="refuse",
            parquet=part.parquet,
        )
        export_runs(labelled(learning, number), asked)
        return ["data"]

    stage.run(inputs, work)


def _train(learning: Learning, number: int, critic: str) -> str:
    from sidecritic.cli.kinds import Lesson, train_kind

    recipe, stage = learning.recipe, learning.stage(number, "train")
    name = f"{recipe.kind}-r{number}"
    inputs = {
        "kind": recipe.kind,
        "[train]": digest_of_value(recipe.train),
        **_lessons(learning, number),
        **(_outputs(learning.folder(number, "export")) if recipe.kind != "head" else {}),
    }
    runs = labelled(learning, number)

    def work() -> list[str]:
        lesson = Lesson(
            name=name,
            runs=runs,
            data=learning.folder(number, "export") / "data",
            out=stage.folder,
            workers=learning.workers,
        )
        return [train_kind(recipe.kind, lesson, recipe.train).as_posix()]

    stage.run(inputs, work)
    done = stage.done
    if done is None:
        raise ConfigError(f"{stage.folder} is gone; repeat the command")
    weights = stage.folder / next(iter(done.outputs))
    entry = entry_of(name, recipe.kind, weights, registry=learning.registry, data=lineage_of(runs))
    base = str(recipe.train.get("base", ""))
    read_as = recipe.export.rendering if recipe.kind == "lora" else ""
    more = {
        "parent": critic,
        "base": base,
        "rendering": read_as,
        "command": learning.command,
    }
    add_entry(learning.registry, entry.model_copy(update=more), replace=True)
    return name


def _gate(
    learning: Learning, number: int, critic: str, held: tuple[Path, ...]
) -> PromotionDecision:
    recipe, stage = learning.recipe, learning.stage(number, "gate")
    name = f"{recipe.kind}-r{number}"
    new = learning.called(name)
    inputs = {
        "[gate]": digest_of_value(recipe.gate.model_dump(mode="json")),
        "new critic": identity(new),
        "critic in force": identity(critic),
        **_outputs(learning.out / HELD_BACK),
    }

    def work() -> list[str]:
        contest = Contest(
            new=new,
            old=critic,
            runs=held,
            played=learning.out / HELD_BACK / "critics",
            margins=recipe.gate.margins,
            tasks=recipe.tasks.files,
            attacks=recipe.gate.attacks,
            workers=learning.workers,
        )
        publish(contested(contest), stage.folder)
        return [DECISION_FILE]

    stage.run(inputs, work)
    decision = PromotionDecision.model_validate_json((stage.folder / DECISION_FILE).read_bytes())
    decide(learning.registry, name, decided(decision, datetime.now(UTC)))
    return decision


def _slug(env: str) -> str:
    return env.replace(":", "-")
