"""Measure a new critic against an old one on held-back runs: what the promotion gate looks at.

    PLAYED/CRITIC/judged-*.jsonl    its judgements on the proposals of the held-back runs
    PLAYED/CRITIC/attacked-*.jsonl  its judgements under attack, by what was attacked and how
    PLAYED/CRITIC/RUN/              the same tasks, played under its supervision
    OUT/decision.json, gate.md      the decision

CRITIC is the critic's name with a digest of its weights, and behind `judged-` is one of the runs:
what is there already is not made again, so that a gate that was killed goes on, and judgements of
other weights, or of other episodes of the same name, are none of this critic's.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sidecritic.cli.evaluating import evaluate, side_of
from sidecritic.cli.stages import digest_of_value
from sidecritic.config import Settings
from sidecritic.config.identities import identity
from sidecritic.config.registered import is_registered, registered
from sidecritic.config.replays import CriticByName
from sidecritic.config.settings import settings_of
from sidecritic.critics.registry import Lineage, digest_of
from sidecritic.datasets.material import Material, run_material
from sidecritic.errors import ConfigError
from sidecritic.gates import GATES, Gate
from sidecritic.labelling.trust import LabelKey
from sidecritic.recorded import JudgedProposal, ProposalKey, Recorded
from sidecritic.recordings.own import own_runs
from sidecritic.replay import ReplayPlan, replay
from sidecritic.replay.attacks import Attacked, attacked, attacks_with
from sidecritic.replay.payloads import read_payloads
from sidecritic.runs import TRAJECTORIES_FILE, Run, read_record, read_run, write_whole
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
from sidecritic.splits.users import user_in
from sidecritic.trace import Loaded

DECISION_FILE = "decision.json"


@dataclass(frozen=True, slots=True)
class Contest:
    """Two critics and the runs that neither has learned from."""

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


def contested(contest: Contest) -> PromotionDecision:
    """Measure both critics, and decide.

    Raises:
        ConfigError: a run has no labels, a critic supervised it, or a critic is not there.
    """
    held = [_held(directory) for directory in contest.runs]
    _require_distinct(held)
    runs = [run for each in held for run in each.runs]
    old = _measured(contest, contest.old, held)
    new = _measured(contest, contest.new, held)
    labels = {key: wrong for each in held for key, wrong in each.truths()}
    cases = [
        PairedCase(_task(run), labels[key], _verdict(old.lines[line]), _verdict(new.lines[line]))
        for run in runs
        for key, line in _labelled(run, labels, old, new)
    ]
    evidence = PromotionEvidence(
        cases=cases,
        passes=_passes(old.supervised, new.supervised),
        injected=_injected(old.attacked, new.attacked),
        same=bool(new.versions) and old.versions == new.versions,
        overlap=tuple(_overlap(contest, runs)),
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
    """Those that nobody has marked as hostile."""

    @property
    def name(self) -> str:
        return self.run.directory.name

    def truths(self) -> Iterator[tuple[LabelKey, bool]]:
        for key, label in self.material.labels.items():
            yield key, label.wrong


def _held(directory: Path) -> _Held:
    record = read_record(directory)
    if record.settings.get("critic") != "none":
        raise ConfigError(
            f"{directory} was supervised by {record.settings.get('critic')!r}: what a critic sends "
            "back depends on the critic; give runs of `sidecritic eval --critic none`"
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


def _require_distinct(held: Sequence[_Held]) -> None:
    names = [each.name for each in held]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two of the held-back runs are named {name!r}; rename one")
    if not any(each.runs for each in held):
        raise ConfigError("the held-back runs hold no episode to measure on; play some")


def _task(run: Recorded) -> str:
    return f"{run.trajectory.task.env}/{run.trajectory.task.id}"


def _labelled(
    run: Recorded, labels: Mapping[LabelKey, bool], old: "_Side", new: "_Side"
) -> Iterator[tuple[LabelKey, ProposalKey]]:
    for key, line in new.lines.items():
        if key[:2] == (run.file, run.simulation) and key in old.lines:
            place = LabelKey(run.trajectory.id, line.turn, line.attempt)
            if place in labels:
                yield place, key


def _overlap(contest: Contest, runs: Sequence[Recorded]) -> Iterator[str]:
    tasks = {(run.trajectory.task.env, run.trajectory.task.id) for run in runs}
    users = {(run.domain, user_in(run.trajectory)) for run in runs}
    found: dict[str, None] = {}
    for name in (contest.new, contest.old):
        data = registered(name).entry.data if is_registered(name) else Lineage()
        if is_registered(name) and not data.tasks:
            found[f"nobody knows what of it: {name} has no lineage"] = None
        for env, ids in data.tasks.items():
            found |= {f"task {id_!r} of {env}": None for id_ in ids if (env, id_) in tasks}
        for domain, ids in data.users.items():
            found |= {f"user {id_!r} of {domain}": None for id_ in ids if (domain, id_) in users}
    return iter(found)


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


def _measured(contest: Contest, critic: str, held: Sequence[_Held]) -> _Side:
    folder = contest.played / identity(critic)
    runs = [run for each in held for run in each.runs]
    plan = ReplayPlan(critic, CriticByName(critic), _gate(held))
    file = folder / f"judged-{_about(held)[:12]}.jsonl"
    lines = {line.key: line for line in replay(runs, plan, file, workers=contest.workers)}
    truths = {key for each in held for key, wrong in each.truths() if wrong}
    wrong = frozenset(
        line.key
        for run in runs
        for line in lines.values()
        if line.key[:2] == (run.file, run.simulation)
        and refused(line)
        and LabelKey(run.trajectory.id, line.turn, line.attempt) in truths
    )
    return _Side(
        lines=lines,
        attacked=_attacked(contest, plan, held, wrong, folder),
        supervised=_together([_supervised(contest, each, critic, folder) for each in held]),
    )


def _about(held: Sequence[_Held]) -> str:
    """Return a digest of what happened in the held-back runs.

    Their names and the ids of their episodes say only which tasks and seeds they are of.
    """
    files = {each.name: each.run.directory / TRAJECTORIES_FILE for each in held}
    return digest_of_value({name: digest_of(file) for name, file in files.items()})


def _gate(held: Sequence[_Held]) -> Gate:
    gates = {str(each.run.record.settings.get("gate", "writes+final")) for each in held}
    for gate in GATES:
        if gates == {gate}:
            return gate
    raise ConfigError(f"the held-back runs have different gates: {', '.join(sorted(gates))}")


def _attacked(
    contest: Contest,
    plan: ReplayPlan,
    held: Sequence[_Held],
    wrong: frozenset[ProposalKey],
    folder: Path,
) -> tuple[Attacked, ...]:
    payloads, runs = read_payloads(), [run for each in held for run in each.runs]
    # Evidence of other runs, or of other attacks, is none: it has another name.
    about = digest_of_value(
        {
            "proposals": [list(key) for key in sorted(wrong)],
            "runs": _about(held),
            "episodes": [run.trajectory.id for run in runs],
            "payloads": [payload.text for payload in payloads],
            "each": contest.attacks,
        }
    )
    file = folder / f"attacked-{about[:12]}.jsonl"
    if file.exists():
        lines = file.read_text(encoding="utf-8").splitlines()
        return tuple(Attacked.model_validate_json(line) for line in lines)
    attacks = attacks_with(payloads)
    found = asyncio.run(attacked(runs, plan, wrong, attacks, each=contest.attacks))
    _write(file, "".join(f"{line.model_dump_json()}\n" for line in found))
    return found


def _supervised(contest: Contest, held: _Held, critic: str, folder: Path) -> Run:
    """Play the tasks of a held-back run under the critic, with everything else as it was."""
    directory = folder / held.name
    kept = {k: v for k, v in held.run.record.settings.items() if k in Settings.model_fields}
    files = {contest.tasks[env] for env in held.run.record.versions if env in contest.tasks}
    tasks = {"tasks": files.pop()} if files else {}
    asked = {**kept, **tasks, "critic": critic, "out": str(directory)}
    evaluate(settings_of(asked, str(held.run.directory)), title=f"{folder.name} {held.name}")
    return read_run(directory)


def _together(runs: Sequence[Run]) -> Side:
    sides = [side_of(run) for run in runs]
    return Side(
        trajectories=[t for side in sides for t in side.trajectories],
        briefings={k: v for side in sides for k, v in side.briefings.items()},
        command="; ".join(side.command for side in sides),
        planned=sum(side.planned or 0 for side in sides),
    )


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
    from sidecritic.reports.promotion import to_page

    _write(out / "gate.md", to_page(decision))
    _write(out / DECISION_FILE, decision.model_dump_json(indent=2) + "\n")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; make room") from cause
