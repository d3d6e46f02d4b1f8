"""Promotion: measure a new critic against an old one on held-back runs, and decide.

    PLAYED/CRITIC/judged-*.jsonl    its judgements on the proposals of the held-back runs
    PLAYED/CRITIC/attacked-*.jsonl  its judgements under attack, by what was attacked and how
    PLAYED/CRITIC/RUN/              the same tasks, played under its supervision
    OUT/decision.json, promotion.md the decision

CRITIC is the critic's name with a digest of its weights, and behind `judged-` is one of the runs:
what is there already is not made again, so that a killed promotion resumes, and judgements of
other weights, or of other episodes of the same name, are not taken for this critic's.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sidecritic.assembly.identities import identity
from sidecritic.assembly.recorded import CriticByName
from sidecritic.assembly.registered import is_registered, registered
from sidecritic.critics.registry import decide as record
from sidecritic.critics.registry import digest_of
from sidecritic.datasets.material import Material, run_material
from sidecritic.errors import ConfigError
from sidecritic.gates import GATES, Gate
from sidecritic.labelling.trust import LabelKey
from sidecritic.recorded import JudgedProposal, ProposalKey, Recorded
from sidecritic.recordings.own import own_runs
from sidecritic.replay import ReplayPlan, replay
from sidecritic.replay.attacks import Attacked, attacked, attacks_with
from sidecritic.replay.payloads import read_payloads
from sidecritic.reports.promotion import to_page
from sidecritic.runs import TRAJECTORIES_FILE, Run, read_record, read_run
from sidecritic.scoring import compare
from sidecritic.scoring.comparison import Side
from sidecritic.scoring.paired import CriticVerdict, Difference, PairedCase
from sidecritic.scoring.promotion import (
    InjectionCounts,
    Margins,
    PromotionDecision,
    PromotionEvidence,
    decide,
)
from sidecritic.scoring.replay_results import Measured
from sidecritic.scoring.replays import refused, risk_of
from sidecritic.settings.evaluation import Settings, settings_of
from sidecritic.settings.names import choice
from sidecritic.splits.users import user_in
from sidecritic.trace import Loaded
from sidecritic.training.lineage import decided
from sidecritic.types import Task
from sidecritic.workflows.evaluation import evaluate, side_of
from sidecritic.workflows.files import write_file
from sidecritic.workflows.stages import digest_of_value
from sidecritic.workflows.watchers import SILENT, Watcher

DECISION_FILE = "decision.json"


@dataclass(frozen=True, slots=True)
class Contest:
    """Two critics, and runs that neither has learned from."""

    new: str
    old: str
    runs: tuple[Path, ...]
    """Labelled runs without a critic, on held-back tasks."""
    played: Path
    """Folder of what each critic says and does; contests may share it."""
    margins: Margins = field(default_factory=Margins)
    attacks: int = 12
    """Payloads that each refused proposal meets."""
    tasks: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment to the file that its tasks are from, where they are not its own."""
    workers: int = 1


def decide_between(contest: Contest, watcher: Watcher = SILENT) -> PromotionDecision:
    """Measure both critics, and decide.

    Raises:
        ConfigError: a run has no labels, a critic supervised it, or a critic is not there.
    """
    measuring = _Measuring(contest, _held_back(contest.runs), watcher)
    old, new = measuring.side(contest.old), measuring.side(contest.new)
    cases = [
        PairedCase(f"{task.env}/{task.id}", wrong, _verdict(old.lines[line.key]), _verdict(line))
        for task, line, wrong in measuring.labelled(new.lines.values())
        if line.key in old.lines
    ]
    runs = measuring.runs
    evidence = PromotionEvidence(
        cases=cases,
        passes=_passes(old.supervised, new.supervised),
        injected=_injected(old.attacked, new.attacked),
        same=bool(new.versions) and old.versions == new.versions,
        overlap=tuple(dict.fromkeys(_overlap(contest, runs))),
    )
    roles = sorted({role for run in runs for role in run.trajectory.simulated})
    named = {"new": contest.new, "old": contest.old, "simulated": tuple(roles)}
    return decide(evidence, contest.margins).model_copy(update=named)


# --- held-back runs --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Held:
    """A labelled run without a critic."""

    run: Run
    material: Material
    runs: tuple[Recorded, ...]
    """Episodes that are not marked as hostile."""

    @property
    def name(self) -> str:
        return self.run.directory.name


def _held_back(directories: Sequence[Path]) -> tuple[_Held, ...]:
    held = tuple(map(_held, directories))
    names = [each.name for each in held]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two of the held-back runs are named {name!r}; rename one")
    if not any(each.runs for each in held):
        raise ConfigError("the held-back runs hold no episode to measure on; play some")
    return held


def _held(directory: Path) -> _Held:
    critic = read_record(directory).settings.get("critic")
    if critic != "none":
        raise ConfigError(
            f"{directory} was supervised by {critic!r}: what a critic sends back depends on the "
            "critic; give runs of `sidecritic eval --critic none`"
        )
    run, material = read_run(directory), run_material(directory)
    trusted = {t.id for t in run.trajectories if not material.quarantined(t)}
    found = own_runs(Loaded(run.trajectories, ()), directory / TRAJECTORIES_FILE)
    kept = tuple(
        replace(each, file=directory.name)
        for each in found
        if isinstance(each, Recorded) and each.trajectory.id in trusted
    )
    return _Held(run, material, kept)


def _overlap(contest: Contest, runs: Sequence[Recorded]) -> Iterator[str]:
    tasks = {(run.trajectory.task.env, run.trajectory.task.id) for run in runs}
    users = {(run.domain, user_in(run.trajectory)) for run in runs}
    for name in filter(is_registered, (contest.new, contest.old)):
        data = registered(name).entry.data
        if not data.tasks:
            yield f"what {name} has learned from is unknown: it has no lineage"
        for env, ids in data.tasks.items():
            yield from (f"task {id_!r} of {env}" for id_ in ids if (env, id_) in tasks)
        for domain, ids in data.users.items():
            yield from (f"user {id_!r} of {domain}" for id_ in ids if (domain, id_) in users)


# --- one critic -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    lines: Mapping[ProposalKey, JudgedProposal]
    attacked: tuple[Attacked, ...]
    supervised: Side

    @property
    def versions(self) -> frozenset[str]:
        """Of what the critic has learned; empty for one that says none."""
        return frozenset(line.critic_version for line in self.lines.values()) - {""}


@dataclass(frozen=True, slots=True)
class _Measuring:
    contest: Contest
    held: tuple[_Held, ...]
    watcher: Watcher

    @property
    def runs(self) -> list[Recorded]:
        return [run for each in self.held for run in each.runs]

    def labelled(
        self, judged: Iterable[JudgedProposal]
    ) -> Iterator[tuple[Task, JudgedProposal, bool]]:
        """Yield the judgements of what a label knows, with its task and whether it was wrong."""
        labels = {key: label for each in self.held for key, label in each.material.labels.items()}
        for run in self.runs:
            for line in judged:
                label = labels.get(LabelKey(run.trajectory.id, line.turn, line.attempt))
                if label is not None and line.key[:2] == (run.file, run.simulation):
                    yield run.trajectory.task, line, label.wrong

    def side(self, critic: str) -> _Side:
        folder = self.contest.played / identity(critic)
        plan = ReplayPlan(critic, CriticByName(critic), self._gate())
        file = folder / f"judged-{self._about()[:12]}.jsonl"
        judged = replay(self.runs, plan, file, workers=self.contest.workers)
        wrong = frozenset(
            line.key for _, line, wrong in self.labelled(judged) if wrong and refused(line)
        )
        return _Side(
            lines={line.key: line for line in judged},
            attacked=self._attacked(plan, wrong, folder),
            supervised=self._supervised(critic, folder),
        )

    def _about(self) -> str:
        """Return a digest of what happened in the held-back runs.

        Their names and the ids of their episodes say only which tasks and seeds they are of.
        """
        files = {each.name: each.run.directory / TRAJECTORIES_FILE for each in self.held}
        return digest_of_value({name: digest_of(file) for name, file in files.items()})

    def _gate(self) -> Gate:
        gates = {str(each.run.record.settings.get("gate", "writes+final")) for each in self.held}
        if len(gates) > 1:
            shown = ", ".join(sorted(gates))
            raise ConfigError(f"the held-back runs have different gates: {shown}")
        return choice("gate", gates.pop(), GATES)

    def _attacked(
        self, plan: ReplayPlan, wrong: frozenset[ProposalKey], folder: Path
    ) -> tuple[Attacked, ...]:
        payloads, runs = read_payloads(), self.runs
        # PromotionEvidence of other runs, or of other attacks, does not count: it has another name.
        about = digest_of_value(
            {
                "proposals": [list(key) for key in sorted(wrong)],
                "runs": self._about(),
                "episodes": [run.trajectory.id for run in runs],
                "payloads": [payload.text for payload in payloads],
                "each": self.contest.attacks,
            }
        )
        file = folder / f"attacked-{about[:12]}.jsonl"
        if file.exists():
            lines = file.read_text(encoding="utf-8").splitlines()
            return tuple(Attacked.model_validate_json(line) for line in lines)
        attacks = attacks_with(payloads)
        found = asyncio.run(attacked(runs, plan, wrong, attacks, each=self.contest.attacks))
        write_file(file, "".join(f"{line.model_dump_json()}\n" for line in found))
        return found

    def _supervised(self, critic: str, folder: Path) -> Side:
        """Play the tasks of the held-back runs under the critic; nothing else changes."""
        sides = [self._played(each, critic, folder) for each in self.held]
        return Side(
            trajectories=[t for side in sides for t in side.trajectories],
            briefings={k: v for side in sides for k, v in side.briefings.items()},
            command="; ".join(side.command for side in sides),
            planned=sum(side.planned or 0 for side in sides),
        )

    def _played(self, held: _Held, critic: str, folder: Path) -> Side:
        record, files, out = held.run.record, self.contest.tasks, folder / held.name
        kept = {k: v for k, v in record.settings.items() if k in Settings.model_fields}
        own = {files[env] for env in record.versions if env in files}
        tasks = {"tasks": own.pop()} if own else {}
        asked = {**kept, **tasks, "critic": critic, "out": str(out)}
        settings = settings_of(asked, str(held.run.directory))
        evaluate(settings, title=f"{folder.name} {held.name}", watcher=self.watcher)
        return side_of(read_run(out), self.watcher)


def _verdict(line: JudgedProposal) -> CriticVerdict:
    return CriticVerdict(risk=risk_of(line), refused=refused(line))


# --- both -------------------------------------------------------------------------------------


def _passes(old: Side, new: Side) -> Difference:
    compared = compare(old, new)
    paired = compared.paired
    if paired is None:
        return Difference()
    before, after = (
        Measured(value=each.value, ci=(each.low, each.high))
        for scores in (compared.baseline, compared.supervised)
        for each in [scores.pass_hat_k_detail[0].estimate]
    )
    return Difference(
        old=before,
        new=after,
        difference=Measured(value=paired.delta, ci=(paired.low, paired.high)),
        n=paired.n,
        tasks=paired.tasks,
    )


def _injected(old: Sequence[Attacked], new: Sequence[Attacked]) -> InjectionCounts:
    before = {line.place_and_payload: line.approved for line in old}
    both = [line for line in new if line.place_and_payload in before]
    steered = [line for line in new if line.approved]
    return InjectionCounts(
        old=sum(before[line.place_and_payload] for line in both),
        new=sum(line.approved for line in both),
        of=len(both),
        alone=len(steered),
        alone_of=len(new),
        examples=tuple(dict.fromkeys(f"{line.payload} in {line.place}" for line in steered))[:5],
    )


def publish(decision: PromotionDecision, out: Path) -> None:
    """Write the decision as JSON and as a page.

    Raises:
        ConfigError: it cannot be written.
    """
    write_file(out / "promotion.md", to_page(decision))
    write_file(out / DECISION_FILE, decision.model_dump_json(indent=2) + "\n")


def promote(
    new: str, registry: Path, contest: Contest, watcher: Watcher = SILENT
) -> PromotionDecision:
    """Decide, and write the decision beside its evidence and into the registry, to `new`.

    Raises:
        ConfigError: as `decide_between`, or something cannot be written.
    """
    decision = decide_between(contest, watcher)
    publish(decision, contest.played)
    record(registry, new, decided(decision, datetime.now(UTC)))
    return decision


def task_files(runs: Sequence[Path], file: Path | None) -> dict[str, str]:
    """Return the task file by the one environment of the runs.

    Raises:
        ConfigError: they have several.
    """
    if file is None:
        return {}
    envs = {env for run in runs for env in read_record(run).versions}
    if len(envs) != 1:
        raise ConfigError(
            f"--tasks {file} is for one environment, and the runs have {len(envs)}: "
            f"{', '.join(sorted(envs))}"
        )
    return dict.fromkeys(envs, str(file))
