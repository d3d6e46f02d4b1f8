"""What critics say of held-back mistakes and of recorded writes, and how they differ."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sidecritic.assembly.recorded import CriticByName
from sidecritic.critics.compact import rendering
from sidecritic.datasets.flags import FlagFinder
from sidecritic.datasets.row_builder import said
from sidecritic.labelling.label_files import read_labels_file
from sidecritic.labelling.store import read_labels as fault_labels
from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.recordings import load
from sidecritic.replay import ReplayPlan, replay
from sidecritic.scoring.detection import Example, detection
from sidecritic.scoring.statistics import SEED
from sidecritic.trace import proposals
from sidecritic.training.examples import judged_runs, known_writes
from sidecritic.training.lora.export import load_tuned
from sidecritic.training.lora.verdicts import risks

Place = tuple[int, int, int]
"""Position of the run in its file, turn and attempt."""

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Judge:
    """A critic, by a name for tables and by the name that `replay` takes."""

    name: str
    critic: str
    base_url: str | None
    folder: Path
    in_memory: bool = False
    """Then `critic` is the rendering, and `name` the folder of the fine-tune."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one critic says of examples that are known, in a fixed order."""

    examples: tuple[Example, ...]
    failed: int = 0

    def measured(self) -> dict[str, Any]:
        found = detection(self.examples)
        by_domain = {
            stratum: detection([e for e in self.examples if e.stratum == stratum]).auroc
            for stratum in sorted({e.stratum for e in self.examples})
        }
        return {
            "n": found.n,
            "wrong": found.wrong,
            "users": len({example.group for example in self.examples}),
            "auroc": found.auroc,
            "auroc_ci": found.auroc_ci,
            "ap": found.ap,
            "recall_at_5": found.recall_at_fpr["0.05"],
            "by_domain": by_domain,
            "failed": self.failed,
        }


def judged_faults(judge: Judge, run: Path) -> Sight:
    """Judge the labelled proposals of a run of a simulated actor."""
    wrong = {(x.trajectory, x.turn, x.attempt): x.wrong for x in fault_labels(run)}
    runs = _loaded(run)
    found = _in_memory(judge, runs, wrong) if judge.in_memory else _served(judge, runs, "faults")
    examples: list[Example] = []
    failed = 0
    for at, each in ((r.simulation, r) for r in runs):
        for (simulation, turn, attempt), risk in sorted(found.items()):
            label = wrong.get((each.trajectory.id, turn, attempt)) if simulation == at else None
            if label is None:
                continue
            failed += risk is None
            score = 0.5 if risk is None else risk
            examples.append(Example(score, label, f"{each.domain}/{each.user_id}", each.domain))
    return Sight(tuple(examples), failed)


def judged_recorded(
    judge: Judge, files: Path, labels: Path, *, seen: frozenset[tuple[str, str]]
) -> Sight:
    """Judge the first wrong writes that readers held detectable, and right writes.

    `seen` are domains and ids of users who are left out.
    """
    known = read_labels_file(labels).readers or {}
    fresh = [
        run
        for run in _loaded(files)
        if run.domain in ("retail", "airline") and (run.domain, run.user_id) not in seen
    ]
    told = [run.recorded for run in judged_runs(fresh, ()) if any(known_writes(run, known))]
    lines = _replayed(judge, told, "recorded", gate="writes")
    examples: list[Example] = []
    failed = 0
    for run in judged_runs(told, lines):
        for write, line, knowable in known_writes(run, known):
            if line is None or not knowable:
                continue
            risk = line.judgement.risk
            failed += risk is None
            score = 0.5 if risk is None else line.judgement.call_risks.get(write.call_id, risk)
            user = f"{run.recorded.domain}/{run.recorded.user_id}"
            examples.append(Example(score, write.standing == "wrong", user, run.recorded.domain))
    return Sight(tuple(examples), failed)


@cache
def _loaded(files: Path) -> tuple[Recorded, ...]:
    return load([files]).runs


def _served(judge: Judge, runs: Sequence[Recorded], what: str) -> Mapping[Place, float | None]:
    lines = _replayed(judge, runs, what, gate="writes+final")
    return {(x.simulation, x.turn, x.attempt): x.judgement.risk for x in lines}


def _replayed(
    judge: Judge, runs: Sequence[Recorded], what: str, *, gate: Any
) -> tuple[JudgedProposal, ...]:
    """Replay, keeping each judgement, so that a second start asks no server again."""
    critics = CriticByName(judge.critic, judge.base_url)
    out = judge.folder / "judged" / f"{what}-{judge.name.replace(':', '_')}.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    plan = ReplayPlan(judge.critic, critics, gate, 300.0, critics.terms)

    def progress(done: int, total: int) -> None:
        print(f"{judge.name}, {what}: {done} of {total}")

    return replay(runs, plan, out, progress=progress)


def _in_memory(
    judge: Judge, runs: Sequence[Recorded], labelled: Mapping[tuple[str, int, int], bool]
) -> Mapping[Place, float | None]:
    model, tokenizer = load_tuned(judge.folder / "tuned" / judge.name)
    places, chats = asyncio.run(_chats(judge.critic, runs, labelled))
    return dict(zip(places, risks(model, tokenizer, chats), strict=True))


async def _chats(
    name: str, runs: Sequence[Recorded], labelled: Mapping[tuple[str, int, int], bool]
) -> tuple[list[Place], list[Any]]:
    notice, render = FlagFinder(), rendering(name)
    places: list[Place] = []
    chats: list[Any] = []
    for run in runs:
        flags = await notice(run.trajectory, run.briefing)
        task = run.trajectory.task.id
        for p, _ in proposals(run.trajectory.events, task_id=task, briefing=run.briefing):
            if (run.trajectory.id, p.turn, p.attempt) in labelled:
                noticed = flags.get((p.turn, p.attempt), ())
                places.append((run.simulation, p.turn, p.attempt))
                chats.append(said(render.messages(p, noticed)))
    return places, chats


def paired(one: Sight, other: Sight) -> dict[str, Any]:
    """Return the difference in AUROC with its 95 % interval, both on the same resampled users."""
    groups = sorted({example.group for example in one.examples})
    place = {group: at for at, group in enumerate(groups)}
    owner = np.array([place[example.group] for example in one.examples])
    wrong = np.array([example.wrong for example in one.examples])
    scores = [np.array([e.score for e in sight.examples]) for sight in (one, other)]
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(len(groups), [1 / len(groups)] * len(groups), size=RESAMPLES)
    differences: list[float] = []
    for counts in (np.ones(len(groups), dtype=int), *drawn):
        rows = np.repeat(np.arange(len(owner)), counts[owner])
        if 0 < wrong[rows].sum() < len(rows):
            values = [_auroc(score[rows], wrong[rows]) for score in scores]
            differences.append(values[0] - values[1])
    low, high = np.percentile(differences[1:], (2.5, 97.5))
    return {"difference": differences[0], "ci": (float(low), float(high)), "users": len(groups)}


def _auroc(scores: Any, wrong: Any) -> float:
    order = np.unique(scores, return_inverse=True)[1]
    bad = np.bincount(order[wrong], minlength=order.max() + 1)
    good = np.bincount(order[~wrong], minlength=order.max() + 1)
    below = np.cumsum(good) - good / 2
    return float((bad * below).sum() / (bad.sum() * good.sum()))


def shown(found: Mapping[str, Any]) -> str:
    """Return the figures as text."""
    lines = ["Simulated actor and user; held back: test tasks, users in no training row"]
    if found["renderings"]:
        lines.append(f"\n{'rendering':12}{'longest':>8}{'validation':>12}{'held back':>11}")
    for row in found["renderings"]:
        lines.append(
            f"{row['rendering']:12}{row['longest']:8}{row['validation_auroc']:12.3f}"
            f"{row['held_back_auroc']:11.3f}"
        )
    tuned = found["tuned"]
    lines.append(
        f"\n{found['rendering']}: {tuned['examples']} rows, {tuned['seconds']:.0f} s, "
        f"peak memory {tuned['peak_memory_mb']} MB"
    )
    for what in ("faults", "recorded"):
        for name, row in found.get(what, {}).items():
            lines.append(
                f"{what:9} {name:24} AUROC {row['auroc']:.3f} {_range(row['auroc_ci'])} of "
                f"{row['wrong']}/{row['n']}, {row['users']} users; {row['failed']} failed"
            )
        for name, row in found.get(f"{what}_difference", {}).items():
            value = f"{row['difference']:+.3f} {_range(row['ci'])}"
            lines.append(f"{what:9} tuned - {name:16} {value}")
    return "\n".join(lines)


def _range(ci: tuple[float, float] | None) -> str:
    return "" if ci is None else f"[{ci[0]:.3f}, {ci[1]:.3f}]"
