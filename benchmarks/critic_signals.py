"""What each family of checks adds to the default critic, on recorded runs.

    python -m benchmarks.critic_signals FILES... --labels FILE [--json]

A family is the module that a check lives in, without the domain. Every row is a head fitted
anew, cross-validated by user: AUROC and the share of wrong ones caught at 5 % false alarms.
Writes are detectable wrong ones against right ones, ends are "this run will fail".
"""

import argparse
import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.critic_text import out_of_fold, texts_of
from sidecritic.config.replays import CriticByName
from sidecritic.critics.policy import noisy_or
from sidecritic.errors import ConfigError
from sidecritic.policies import pack_for
from sidecritic.ports import Critic
from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.recordings import load
from sidecritic.replay import Plan, replay
from sidecritic.scoring.detection import Example, detection
from sidecritic.scoring.detection_records import Detection
from sidecritic.scoring.labels import Labels, read_labels
from sidecritic.scoring.replays import risk_of
from sidecritic.trace import proposals
from sidecritic.training.examples import JudgedRun, judged_runs, known_writes, last_end
from sidecritic.training.head import Trained, train
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
            found[env, check.name] = module.removeprefix(f"{pack.name}_")
    return found


def family_of(flag: Flag, env: str, families: Mapping[tuple[str, str], str]) -> str:
    return families.get((env, flag.name.split(", case")[0]), "other")


# --- rows ----------------------------------------------------------------------------------


def figures(trained: Trained, labels: Labels) -> Row:
    """Return the cross-validated figures of one head."""
    unseen = judged_runs([run.recorded for run in trained.runs], trained.unseen())
    return measured(unseen, labels)


def measured(runs: Sequence[JudgedRun], labels: Labels) -> Row:
    writes, ends = list(_writes(runs, labels)), list(_ends(runs))
    row: Row = {}
    for domain in DOMAINS:
        row[domain] = _cell([each for each in writes if each.stratum == domain])
    row["writes"], row["ends"] = _cell(writes), _cell(ends)
    return row


def _writes(runs: Sequence[JudgedRun], labels: Labels) -> Iterator[Example]:
    for run in runs:
        for write, line, knowable in known_writes(run, labels):
            if knowable:
                score, wrong = risk_of(line, write.call_id), write.standing == "wrong"
                yield Example(score, wrong, run.recorded.user_id, run.recorded.domain)


def _ends(runs: Sequence[JudgedRun]) -> Iterator[Example]:
    for run in runs:
        if (end := last_end(run)) is not None:
            line, failed = end
            yield Example(risk_of(line), failed, run.recorded.user_id, run.recorded.domain)


def _cell(examples: Sequence[Example]) -> dict[str, float | None]:
    found: Detection = detection(examples, resamples=2)
    recall = found.recall_at_fpr_by_domain
    return {"auroc": found.auroc, "recall": recall["0.05"].value if recall else None}


def kept(lines: Lines, runs: Sequence[Recorded], keep: Keep) -> list[JudgedProposal]:
    """Return the judgements without the flags that a head is not to see."""
    envs = {(run.file, run.simulation): run.critic_env for run in runs}
    return [
        line.model_copy(
            update={
                "judgement": line.judgement.model_copy(
                    update={
                        "flags": tuple(
                            flag
                            for flag in line.judgement.flags
                            if keep(flag, envs[line.file, line.simulation])
                        )
                    }
                )
            }
        )
        for line in lines
    ]


def with_priors(line: JudgedProposal) -> JudgedProposal:
    """Return the judgement with the risk that the policy critic gives: nothing is learned."""
    against = [flag for flag in line.judgement.flags if flag.sign > 0]
    calls = {flag.call_id for flag in against}
    risks = {
        call: noisy_or(flag.risk for flag in against if flag.call_id == call)
        for call in calls
        if call is not None
    }
    of_calls = {call: risks.get(call, 0.0) for call in line.judgement.call_risks}
    found = {"risk": noisy_or(flag.risk for flag in against), "call_risks": of_calls}
    return line.model_copy(update={"judgement": line.judgement.model_copy(update=found)})


def table(runs: Sequence[Recorded], lines: Lines, blind: Lines, labels: Labels) -> dict[str, Row]:
    """Return the row of each critic by what is said of it."""
    families = families_of({run.critic_env for run in runs})
    names = sorted(
        {
            family_of(flag, run.recorded.critic_env, families)
            for run in judged_runs(runs, lines)
            if run.recorded.domain in DOMAINS
            for line in run.lines
            for flag in line.judgement.flags
        }
    )
    whole = train(runs, lines, labels)
    rows = {"default critic": figures(whole, labels)}
    rows["priors alone (policy critic)"] = measured(
        judged_runs(runs, map(with_priors, lines)), labels
    )
    for name in names:

        def others(flag: Flag, env: str, name: str = name) -> bool:
            return family_of(flag, env, families) != name

        rows[f"without {name}"] = figures(train(runs, kept(lines, runs, others), labels), labels)
    supported = kept(lines, runs, lambda flag, env: flag.sign > 0)
    rows["without supports"] = figures(train(runs, supported, labels), labels)
    rows["without look-ups"] = figures(train(runs, blind, labels), labels)
    rows["fitted to undetectable ones too"] = figures(
        train(runs, lines, dict.fromkeys(labels, True)), labels
    )
    rows |= with_text(whole, runs, labels)
    return rows


def with_text(trained: Trained, runs: Sequence[Recorded], labels: Labels) -> dict[str, Row]:
    """Return the text score alone, and beside the head at several weights."""
    texts = texts_of(runs)
    unseen = judged_runs(runs, trained.unseen())
    known = [
        (run, write, risk_of(line, write.call_id))
        for run in unseen
        for write, line, knowable in known_writes(run, labels)
        if knowable and run.recorded.domain in DOMAINS
    ]
    logits = np.zeros(len(known))
    for domain in DOMAINS:
        here = [at for at, (run, _, _) in enumerate(known) if run.recorded.domain == domain]
        logits[here] = out_of_fold(
            [texts[known[at][1].key, known[at][1].call_id] for at in here],
            np.array([float(known[at][1].standing == "wrong") for at in here]),
            [known[at][0].recorded.user_id for at in here],
            trained.folds,
        )

    def row(scores: Sequence[float]) -> Row:
        examples = [
            Example(score, write.standing == "wrong", run.recorded.user_id, run.recorded.domain)
            for (run, write, _), score in zip(known, scores, strict=True)
        ]
        by = {d: _cell([each for each in examples if each.stratum == d]) for d in DOMAINS}
        return {**by, "writes": _cell(examples)}

    head = np.array([np.log(risk / (1 - risk)) for _, _, risk in known])
    rows = {"text alone": row(_squashed(logits))}
    for weight in TEXT_WEIGHTS:
        rows[f"head + {weight:g} × text"] = row(_squashed(head + weight * logits))
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
    labels, imported = read_labels(labels_file), load(files)
    critics = CriticByName("default")
    missing = asyncio.run(critics.missing(run.critic_env for run in imported.runs))
    runs = [run for run in imported.runs if run.critic_env not in missing]
    lines = replay(runs, Plan("default", critics), workers=workers)
    blind = replay(runs, Plan("default", BlindByName(critics)), workers=workers)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.files, asked.labels, asked.workers)
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)


if __name__ == "__main__":
    main()
