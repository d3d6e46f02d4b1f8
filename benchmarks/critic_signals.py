"""What each family of checks adds to the default critic, on recorded runs.

    python -m benchmarks.critic_signals [FILES... --labels FILE] [--json]

Without files it takes those under $SIDECRITIC_RECORDED (`dev/`, and `dev_labels.jsonl` beside it).
A family is the module that a check lives in. The default critic learns nothing: its rows are the
prior risks of the flags that fired. Rows of a head are fitted at one strength of shrinkage and
cross-validated by user. Cells: AUROC, and the share of wrong ones caught at 5 % false alarms.
Writes are detectable wrong ones against right ones, ends are "this run will fail".
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.critic_text import Key, out_of_fold, texts_of
from benchmarks.recorded import Missing, recorded_runs
from sidecritic.assembly.recorded import CriticByName
from sidecritic.critics.head import Part
from sidecritic.critics.head_weights import UNTRAINED
from sidecritic.critics.policy import noisy_or
from sidecritic.errors import ConfigError
from sidecritic.labelling.label_files import read_labels_file
from sidecritic.packs import pack_for
from sidecritic.ports import Critic
from sidecritic.recorded import JudgedProposal, ReadersLabels, Recorded
from sidecritic.recordings import load
from sidecritic.replay import ReplayPlan, replay
from sidecritic.scoring.detection import Example, detection
from sidecritic.scoring.replay_results import Detection
from sidecritic.trace import proposals
from sidecritic.training.examples import Example as Lesson
from sidecritic.training.examples import (
    JudgedRun,
    folds_of,
    judged_runs,
    known_writes,
    last_end,
    lesson_of,
)
from sidecritic.training.head import FOLDS, designs_of
from sidecritic.training.regression import GRID, can_fit
from sidecritic.types import Flag, Judgement, Proposal

DOMAINS = ("retail", "airline")
LONG = range(20, 31)
"""Messages in the history of a proposal whose cost is told."""
TEXT_WEIGHTS = (0.25, 0.5, 1.0, 2.0)

Lines = Sequence[JudgedProposal]
Row = dict[str, dict[str, float | None]]
Keep = Callable[[Flag, str], bool]
"""Takes a flag and its environment, and says whether the head may see it."""


@dataclass(frozen=True, slots=True)
class Blind:
    """A critic that may look nothing up."""

    critic: Critic

    @property
    def name(self) -> str:
        return self.critic.name

    async def judge(self, proposal: Proposal) -> Judgement:
        return await self.critic.judge(proposal.model_copy(update={"look": None}))


@dataclass(frozen=True, slots=True)
class BlindByName:
    """Environment to a critic that may look nothing up."""

    critics: CriticByName

    @asynccontextmanager
    async def __call__(self, env: str) -> AsyncGenerator[Critic]:
        async with self.critics(env) as critic:
            yield Blind(critic)


def families_of(envs: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the family of each check by environment and name."""
    found: dict[tuple[str, str], str] = {}
    for env in envs:
        try:
            pack = pack_for(env)
        except ConfigError:
            continue
        for check in (*pack.calls, *pack.texts):
            module = check.examine.__module__.rsplit(".", 1)[-1]
            found[env, check.name] = module
    return found


def family_of(flag: Flag, env: str, families: Mapping[tuple[str, str], str]) -> str:
    return families.get((env, flag.name.split(", case")[0]), "other")


# --- rows ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """An action of which it is known whether it was wrong, and what a head learns from it."""

    column: str
    """`writes` or `ends`."""
    lesson: Lesson
    env: str
    place: Key | None = None
    """Of a write."""


def cases_of(runs: Iterable[JudgedRun], labels: ReadersLabels) -> Iterator[Case]:
    """Yield what is measured, in the order of the runs; and unknowable wrong writes."""
    for run in runs:
        env = run.recorded.critic_env
        for write, line, knowable in known_writes(run, labels):
            part = Part(write.call_id, "write", write.tool)
            wrong = write.standing == "wrong"
            lesson = lesson_of(run, line, part, wrong=wrong, knowable=knowable)
            yield Case("writes", lesson, env, (write.key, write.call_id))
        if (end := last_end(run)) is not None and end[0] is not None:
            for part in run.parts[end[0].key]:
                if part.kind == "final":
                    lesson = lesson_of(run, end[0], part, wrong=end[1], knowable=True)
                    yield Case("ends", lesson, env)


def row_of(cases: Sequence[Case], scores: Sequence[float]) -> Row:
    """Return AUROC and recall by domain, of writes, and of ends."""
    found: dict[str, list[Example]] = {column: [] for column in (*DOMAINS, "writes", "ends")}
    for case, score in zip(cases, scores, strict=True):
        lesson = case.lesson
        if lesson.knowable:
            example = Example(score, lesson.wrong, lesson.user, lesson.domain)
            found[case.column].append(example)
            if case.column == "writes":
                found[lesson.domain].append(example)
    return {column: _cell(examples) for column, examples in found.items() if examples}


def _cell(examples: Sequence[Example]) -> dict[str, float | None]:
    found: Detection = detection(examples, resamples=2)
    recall = found.recall_at_fpr_by_domain
    return {"auroc": found.auroc, "recall": recall["0.05"].value if recall else None}


def kept(cases: Iterable[Case], keep: Keep) -> list[Case]:
    """Return the cases without the flags that a head is not to see."""
    return [
        replace(
            case,
            lesson=replace(
                case.lesson,
                flags={k: f for k, f in case.lesson.flags.items() if keep(f, case.env)},
            ),
        )
        for case in cases
    ]


def by_priors(cases: Sequence[Case]) -> Row:
    """Return the figures of a critic that learns nothing."""
    return row_of(cases, [prior(case) for case in cases])


def prior(case: Case) -> float:
    """Return the risk by the priors of the flags alone."""
    return noisy_or(flag.risk for flag in case.lesson.flags.values() if flag.sign > 0)


def table(
    runs: Sequence[Recorded], lines: Lines, blind: Lines, labels: ReadersLabels
) -> dict[str, Row]:
    """Return the row of each critic by what is said of it."""
    families = families_of({run.critic_env for run in runs})
    cases = list(cases_of(judged_runs(runs, lines), labels))
    folds = folds_of((case.lesson.user for case in cases), FOLDS)
    names = sorted(
        {
            family_of(flag, case.env, families)
            for case in cases
            for flag in case.lesson.flags.values()
        }
    )
    rows = {"default critic": by_priors(cases)}
    for name in names:

        def others(flag: Flag, env: str, name: str = name) -> bool:
            return family_of(flag, env, families) != name

        rows[f"without {name}"] = by_priors(kept(cases, others))
    rows["without look-ups"] = by_priors(list(cases_of(judged_runs(runs, blind), labels)))
    scores = unseen_risks([case.lesson for case in cases], folds)
    rows["a head fitted to these runs"] = row_of(cases, scores)
    rows |= with_text(cases, scores, runs, folds)
    return rows


def unseen_risks(lessons: Sequence[Lesson], folds: Mapping[str, int]) -> list[float]:
    """Return the risk of each lesson by a head that has not seen its user.

    What cannot be learned about has the prior risk of its flags.
    """
    heads = {
        (fold, *place): design.cell(rows, GRID[0]).model_copy(
            update={"intercept": design.cell(design.everything, GRID[0]).intercept}
        )
        for place, design in designs_of(lessons).items()
        for fold in range(FOLDS)
        if can_fit(design, rows := np.array([folds[e.user] != fold for e in design.examples]))
    }
    cells = [heads.get((folds[e.user], e.domain, e.kind)) or UNTRAINED[e.kind] for e in lessons]
    return [cell.risk(e.tool, e.flags) for cell, e in zip(cells, lessons, strict=True)]


def with_text(
    cases: Sequence[Case],
    scores: Sequence[float],
    runs: Sequence[Recorded],
    folds: Mapping[str, int],
) -> dict[str, Row]:
    """Return the text score alone, and beside the head at several weights."""
    texts = texts_of(runs)
    both = zip(cases, scores, strict=True)
    known = [(case, s) for case, s in both if case.place and case.lesson.knowable]
    logits = np.zeros(len(known))
    for domain in DOMAINS:
        here = [at for at, (case, _) in enumerate(known) if case.lesson.domain == domain]
        lessons = [known[at][0].lesson for at in here]
        logits[here] = out_of_fold(
            [texts[place] for at in here if (place := known[at][0].place)],
            np.array([float(lesson.wrong) for lesson in lessons]),
            [lesson.user for lesson in lessons],
            folds,
        )
    writes = [case for case, _ in known]
    head = np.array([np.log(risk / (1 - risk)) for _, risk in known])
    rows = {"text alone": row_of(writes, _squashed(logits))}
    for weight in TEXT_WEIGHTS:
        rows[f"head + {weight:g} × text"] = row_of(writes, _squashed(head + weight * logits))
    return rows


def _squashed(logits: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    return (1 / (1 + np.exp(-logits))).tolist()


# --- cost ----------------------------------------------------------------------------------


def cost(runs: Sequence[Recorded], lines: Lines) -> dict[str, float]:
    """Return the median CPU time of a verdict in long histories, look-ups included."""
    lengths = {
        (run.file, run.simulation, proposal.turn, proposal.attempt): len(proposal.history)
        for run in runs
        for proposal, _ in proposals(
            run.trajectory.events, task_id=run.trajectory.task.id, briefing=run.briefing
        )
    }
    spent = [line.cpu_seconds * 1000 for line in lines if lengths[line.key] in LONG]
    writes = [
        line.cpu_seconds * 1000
        for line in lines
        if lengths[line.key] in LONG and line.kind == "write"
    ]
    return {"verdicts": len(spent), "cpu_ms": median(spent), "cpu_ms_of_writes": median(writes)}


def measure(files: Sequence[Path], labels_file: Path, workers: int) -> dict[str, Any]:
    labels, imported = (read_labels_file(labels_file).readers or {}), load(files)
    critics = CriticByName("default")
    missing = asyncio.run(critics.missing(run.critic_env for run in imported.runs))
    runs = [run for run in imported.runs if run.critic_env not in missing]
    lines = replay(runs, ReplayPlan("default", critics), workers=workers)
    blind = replay(runs, ReplayPlan("default", BlindByName(critics)), workers=workers)
    return {"rows": table(runs, lines, blind, labels), "cost": cost(runs, lines)}


def show(found: dict[str, Any]) -> None:
    print(f"{'AUROC and recall at 5 %':34}{'retail':>13}{'airline':>13}{'writes':>13}{'ends':>13}")
    for name, row in found["rows"].items():
        cells = (_text(row.get(column)) for column in (*DOMAINS, "writes", "ends"))
        print(f"{name:34}" + "".join(f"{cell:>13}" for cell in cells))
    spent = found["cost"]
    print(
        f"\nCPU of a verdict after {LONG.start} to {LONG.stop - 1} messages, look-ups included: "
        f"median {spent['cpu_ms']:.2f} ms of {spent['verdicts']:.0f}; of writes "
        f"{spent['cpu_ms_of_writes']:.2f} ms"
    )


def _text(cell: dict[str, float | None] | None) -> str:
    if cell is None or cell["auroc"] is None or cell["recall"] is None:
        return ""
    return f"{cell['auroc']:.3f} {100 * cell['recall']:3.0f} %"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    try:
        recorded = recorded_runs(asked.files, asked.labels, os.environ)
        found = measure(recorded.files, recorded.labels, asked.workers)
    except (Missing, ConfigError) as error:
        print(error, file=sys.stderr)
        return 2
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
