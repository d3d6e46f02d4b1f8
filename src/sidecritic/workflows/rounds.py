"""Rounds of learning: play, mine, label, export, train, promote, and again with the winner.

OUT/held-back/                tasks for promotion alone, played without a critic and labelled
OUT/critics.json              every critic that was trained, with its lineage and fate
OUT/round-N/play/ENV/         `alone` and `supervised` by the critic in force
OUT/round-N/mine/ENV.json     which tasks are worth learning from, and why
OUT/round-N/label/RUN/        their episodes, with labels.jsonl
OUT/round-N/export/data/      the data set of all rounds so far
OUT/round-N/train/            the weights
OUT/round-N/promotion/        the decision
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from sidecritic.assembly.identities import identity
from sidecritic.assembly.registered import called
from sidecritic.critics.head_weights import to_json
from sidecritic.critics.registry import REGISTRY_FILE, add_entry, decide, digest_of, read_registry
from sidecritic.datasets.material import HOSTILE_FILE, VOUCHED_FILE
from sidecritic.errors import ConfigError
from sidecritic.labelling.store import LABELS_FILE
from sidecritic.reports.rounds import RoundRow
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, read_run, write_whole
from sidecritic.scoring.mining import (
    Mined,
    kept_episodes,
    mine,
    read_mined,
    runs_in,
    write_mined,
)
from sidecritic.scoring.promotion import PromotionDecision
from sidecritic.settings.learning import LearnRecipe
from sidecritic.trace import to_line
from sidecritic.training.lineage import decided, entry_of, lineage_of
from sidecritic.types import Record
from sidecritic.workflows.division import Division, divide
from sidecritic.workflows.evaluation import evaluate
from sidecritic.workflows.export import ExportRequest, export_runs
from sidecritic.workflows.labellers import LabelRequest
from sidecritic.workflows.labels import label_runs, sources_of
from sidecritic.workflows.preflight import require_sound
from sidecritic.workflows.promotion import DECISION_FILE, Contest, decide_between, publish
from sidecritic.workflows.selfplay import play_both
from sidecritic.workflows.stages import Digests, Stage, digest_of_value
from sidecritic.workflows.training import head_from_runs, tune_to_gguf
from sidecritic.workflows.watchers import SILENT, Watcher

HELD_BACK = "held-back"
STAGES = ("play", "mine", "label", "export", "train", "promotion")
MARKS = (HOSTILE_FILE, VOUCHED_FILE)
"""Files in which people judge the episodes of a run."""


@dataclass(frozen=True, slots=True)
class Learning:
    """A recipe at work in a folder."""

    recipe: LearnRecipe
    out: Path
    command: str
    workers: int = 1
    watcher: Watcher = SILENT

    @property
    def registry(self) -> Path:
        return self.out / REGISTRY_FILE

    def stage(self, number: int, name: str) -> Stage:
        return Stage(self.out / f"round-{number}" / name, f"round {number}, {name}")

    def seed(self, number: int) -> int:
        return int(str(self.recipe.play.get("seed", 0))) * 1000 + number

    def label(self, run: Path, env: str) -> Iterator[str]:
        """Label a run, and yield its files as the outputs of a stage."""
        part = self.recipe.label
        request = LabelRequest(
            sources=sources_of(part.sources),
            gate=self.recipe.settings(env).gate,
            continuations=part.continuations,
            teacher=part.teacher,
        )
        label_runs([run], request, self.watcher)
        yield f"{run.name}/{TRAJECTORIES_FILE}"
        yield f"{run.name}/{LABELS_FILE}"


def learn(learning: Learning, rounds: int) -> Iterator[RoundRow]:
    """Yield each round when it is done; stages that are done already are not repeated.

    Raises:
        ConfigError: a stage cannot do its work, or was done with other inputs.
    """
    recipe = learning.recipe
    require_sound(recipe)
    parts = {env: divide(recipe, env, learning.watcher) for env in recipe.tasks.env}
    held = _held_back(learning, parts)
    critic = recipe.start
    for number in range(1, rounds + 1):
        stages = _Stages(learning, number, critic)
        stages.play(parts)
        stages.mine()
        stages.label()
        stages.export()
        stages.train()
        decision = stages.promote(held)
        after = stages.candidate if decision.promoted else critic
        yield stages.row(after, decision)
        critic = after


def _held_back(learning: Learning, parts: Mapping[str, Division]) -> tuple[Path, ...]:
    """Play the held-back tasks without a critic, and label what was done."""
    recipe = learning.recipe
    stage = Stage(learning.out / HELD_BACK, "held-back tasks")
    runs = {env: stage.folder / _slug(env) for env in recipe.tasks.env}
    inputs = {
        **_played(recipe, {env: part.held_back for env, part in parts.items()}),
        "[promotion] trials": str(recipe.promotion.trials),
        "[label]": _digest(recipe.label),
    }

    def work() -> Iterator[str]:
        for env, run in runs.items():
            settings = recipe.settings(
                env,
                task_ids=parts[env].held_back,
                trials=recipe.promotion.trials,
                critic="none",
                # Apart from those of the rounds, which count up from the recipe's.
                seed=learning.seed(0),
                out=str(run),
            )
            evaluate(settings, title=f"held back {env}", watcher=learning.watcher)
            yield from learning.label(run, env)

    stage.run(inputs, work)
    return tuple(runs.values())


@dataclass(frozen=True, slots=True)
class _Stages:
    """The stages of one round."""

    learning: Learning
    number: int
    critic: str
    """Critic in force."""

    @property
    def recipe(self) -> LearnRecipe:
        return self.learning.recipe

    @property
    def name(self) -> str:
        """Name of the critic that this round trains."""
        return f"{self.recipe.kind}-r{self.number}"

    @property
    def candidate(self) -> str:
        """The same critic, as `--critic` knows it."""
        return called(self.name, self.learning.registry)

    def _stage(self, name: str) -> Stage:
        return self.learning.stage(self.number, name)

    def play(self, parts: Mapping[str, Division]) -> None:
        stage = self._stage("play")
        inputs = {
            **_played(self.recipe, {env: part.train for env, part in parts.items()}),
            "critic in force": identity(self.critic),
        }

        def work() -> Iterator[str]:
            for env in self.recipe.tasks.env:
                seed = self.learning.seed(self.number)
                settings = self.recipe.settings(
                    env, task_ids=parts[env].train, critic=self.critic, seed=seed
                )
                for run in play_both(settings, stage.folder / _slug(env), self.learning.watcher):
                    yield f"{_slug(env)}/{run.name}/{TRAJECTORIES_FILE}"

        stage.run(inputs, work)

    def mine(self) -> None:
        stage, played = self._stage("mine"), self._stage("play")
        part = self.recipe.mine

        def work() -> Iterator[str]:
            for name in map(_slug, self.recipe.tasks.env):
                mined = mine(played.folder / name, shares=part)
                write_mined(mined, stage.folder / f"{name}.json")
                yield f"{name}.json"

        stage.run({"[mine]": _digest(part), **_outputs(played)}, work)

    def label(self) -> None:
        stage, played, mined = self._stage("label"), self._stage("play"), self._stage("mine")
        inputs = {"[label]": _digest(self.recipe.label), **_outputs(played), **_outputs(mined)}

        def work() -> Iterator[str]:
            for env in self.recipe.tasks.env:
                kept = read_mined(mined.folder / f"{_slug(env)}.json")
                for name, run in runs_in(played.folder / _slug(env)).items():
                    # Data sets and judgements name a run by its folder, and hold all rounds.
                    made = stage.folder / f"r{self.number}-{_slug(env)}-{name}"
                    if _keep(run, made, kept):
                        yield from self.learning.label(made, env)

        stage.run(inputs, work)

    def _labelled(self) -> tuple[list[Path], Digests]:
        """Return the labelled runs of all rounds so far, also as the inputs of a stage."""
        stages = [self.learning.stage(each, "label") for each in range(1, self.number + 1)]
        files = [file for s in stages for file in sorted(s.folder.glob(f"*/{LABELS_FILE}"))]
        inputs = {name: digest for s in stages for name, digest in _outputs(s).items()}
        return [file.parent for file in files], inputs

    def export(self) -> None:
        stage, part = self._stage("export"), self.recipe.export
        runs, inputs = self._labelled()

        def work() -> list[str]:
            folder = stage.folder / "data"
            if folder.exists():
                # Written whole by a run that was killed before it could say so.
                rmtree(folder)
            request = ExportRequest(
                folder, part.rendering, balance=part.balance, parquet=part.parquet
            )
            export_runs(runs, request, self.learning.watcher)
            return ["data"]

        stage.run({"[export]": _digest(part), **inputs}, work)

    def train(self) -> None:
        recipe, learning = self.recipe, self.learning
        stage, exported = self._stage("train"), self._stage("export")
        runs, inputs = self._labelled()
        inputs = {
            "kind": recipe.kind,
            "[train]": digest_of_value(recipe.train),
            **inputs,
            **(_outputs(exported) if recipe.kind != "head" else {}),
        }

        def work() -> list[str]:
            if recipe.kind == "head":
                file = stage.folder / f"{self.name}.json"
                made = head_from_runs(runs, name=self.name, workers=learning.workers)
                write_whole(file, to_json(made.weights))
            else:
                data = exported.folder / "data"
                file = tune_to_gguf(recipe.train, self.name, data, stage.folder, learning.watcher)
            return [file.relative_to(stage.folder).as_posix()]

        stage.run(inputs, work)
        if (done := stage.done) is None:
            raise ConfigError(f"{stage.folder} is gone; repeat the command")
        weights, data = stage.folder / next(iter(done.outputs)), lineage_of(runs)
        entry = entry_of(self.name, recipe.kind, weights, registry=learning.registry, data=data)
        more = {
            "parent": self.critic,
            "base": str(recipe.train.get("base", "")),
            "rendering": recipe.export.rendering if recipe.kind == "lora" else "",
            "command": learning.command,
        }
        add_entry(learning.registry, entry.model_copy(update=more), replace=True)

    def promote(self, held: tuple[Path, ...]) -> PromotionDecision:
        learning, part, stage = self.learning, self.recipe.promotion, self._stage("promotion")
        inputs = {
            "[promotion]": _digest(part),
            "new critic": identity(self.candidate),
            "critic in force": identity(self.critic),
            **_outputs(Stage(learning.out / HELD_BACK, "held-back tasks")),
        }

        def work() -> list[str]:
            contest = Contest(
                new=self.candidate,
                old=self.critic,
                runs=held,
                played=learning.out / HELD_BACK / "critics",
                margins=part.margins,
                tasks=self.recipe.tasks.files,
                attacks=part.attacks,
                workers=learning.workers,
            )
            publish(decide_between(contest, learning.watcher), stage.folder)
            return [DECISION_FILE]

        stage.run(inputs, work)
        decision = PromotionDecision.model_validate_json(
            (stage.folder / DECISION_FILE).read_bytes()
        )
        decide(learning.registry, self.name, decided(decision, datetime.now(UTC)))
        return decision

    def row(self, after: str, decision: PromotionDecision) -> RoundRow:
        """Return what came of the round, with the critic in force `after` it."""
        stages = [self._stage(name).done for name in STAGES]
        data = read_registry(self.learning.registry).entry(self.name, self.learning.registry).data
        return RoundRow(
            number=self.number,
            critic=self.name,
            before=self.critic.rpartition("#")[2],
            after=after.rpartition("#")[2],
            decision=decision,
            lessons=f"{data.episodes} episodes of {sum(map(len, data.tasks.values()))} tasks",
            seconds=sum(each.seconds for each in stages if each is not None),
        )


def _keep(run: Path, made: Path, mined: Mined) -> bool:
    """Write the episodes of the tasks that are kept as a new run; say if there are any."""
    read = read_run(run)
    kept = kept_episodes(mined, read.trajectories)
    made.mkdir(parents=True, exist_ok=True)
    write_whole(made / RUN_FILE, read.record.model_dump_json(indent=2) + "\n")
    write_whole(made / TRAJECTORIES_FILE, "".join(map(to_line, kept)))
    for name in MARKS:
        if (run / name).exists():
            write_whole(made / name, (run / name).read_text(encoding="utf-8"))
    return bool(kept)


def _outputs(stage: Stage) -> Digests:
    """Return what a stage made, as the input of the next one, and what people marked in it."""
    if (done := stage.done) is None:
        return {}
    folder = stage.folder
    made = {f"{folder.name}/{k}": v for k, v in done.outputs.items()}
    marks = [file for name in MARKS for file in sorted(folder.rglob(name))]
    return made | {f"{folder.name}/{f.relative_to(folder)}": digest_of(f) for f in marks}


def _played(recipe: LearnRecipe, tasks: Mapping[str, Sequence[str]]) -> Digests:
    """Return what decides the episodes of these tasks, as the inputs of a stage."""
    return {
        "tasks": digest_of_value({env: list(ids) for env, ids in tasks.items()}),
        **{file: digest_of(Path(file)) for file in recipe.tasks.files.values()},
        "[play]": digest_of_value(recipe.play),
    }


def _digest(part: Record) -> str:
    return digest_of_value(part.model_dump(mode="json"))


def _slug(env: str) -> str:
    return env.replace(":", "-")
