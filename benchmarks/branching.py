"""Does branching find the true effect of an intervention, and what does it cost?

    python -m benchmarks.branching [--cases N] [--continuations N] [--seed N] [--json]

Coverage: proposals of a *simulated* actor that carry a planted fault, on the train tasks of τ²
retail and airline, each with an actor that heeds feedback with a probability of its own, drawn
from [0.1, 0.95]. The true effect is computed, not estimated: chance decides only whether the
actor heeds the feedback, at each of its tries, so that the episode is played once with an actor
that always does and once with one that never does, and both are weighted by their probabilities.
An estimate counts as right when the true effect lies in its interval.

Cost: microseconds of `snapshot.fork()` with a scripted user, in the middle of an episode; and
seconds to label 100 episodes with at most so many continuations of each proposal.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean, median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from sidecritic.config import Settings, benchmark_for, keys_from_environment, plan_for
from sidecritic.envs.faults import simulated_actor
from sidecritic.envs.users import scripted_user
from sidecritic.labeling.branching import Advantage, Branch, Effort, Players, advantage
from sidecritic.labeling.effects import by_branching
from sidecritic.labeling.feedback import feedback_on, true_feedback
from sidecritic.labeling.rebuilding import Scene, rebuild
from sidecritic.labeling.subjects import Placed, placed
from sidecritic.ports import Benchmark, Snapshot
from sidecritic.rollouts import play
from sidecritic.runs import Run, read_run
from sidecritic.types import Limits, ToolSpec

ENVS = ("tau2:retail", "tau2:airline")
TRIES = Limits().max_revisions
"""Drafts after the one that is sent back: each has its chance to heed the feedback."""


@dataclass(frozen=True, slots=True)
class Case:
    branch: Branch
    tools: tuple[ToolSpec, ...]
    repair: float


@dataclass(frozen=True, slots=True)
class Found:
    kind: str
    repair: float
    true: float
    effect: Advantage

    @property
    def covered(self) -> bool:
        low, high = self.effect.interval
        return low - 1e-9 <= self.true <= high + 1e-9


async def played(folder: Path, *, trials: int, seed: int) -> Run:
    settings = Settings(
        env=ENVS, split="train", trials=trials, seed=seed, critic="none", gate="none"
    )
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        await play(plan_for(settings, keys_from_environment(), stack), folder)
    return read_run(folder)


async def cases(run: Run, benchmarks: dict[str, Benchmark], seed: int) -> list[Case]:
    dice = Random(seed)
    found: list[Case] = []
    for trajectory in run.trajectories:
        briefing = run.record.briefings[trajectory.briefing]
        faulty = [p for p in placed(trajectory, briefing) if p.faults]
        if not faulty:
            continue
        rebuilt = await rebuild(trajectory, benchmarks[trajectory.task.env])
        for place in faulty:
            snapshot = rebuilt.before[place.proposal.turn]
            branch = Branch(trajectory, place, snapshot, true_feedback(place.faults[0]))
            found.append(Case(branch, briefing.tools, dice.uniform(0.1, 0.95)))
    dice.shuffle(found)
    return found


def players(case: Case, repair: float) -> Players:
    return Players(actor=simulated_actor(case.tools, repair=repair), user=scripted_user(case.tools))


async def true_effect(case: Case) -> float:
    """Return the effect, from what happens when feedback is always and when it is never heeded."""
    once = Effort(most=2)
    heeded = await advantage(case.branch, players(case, 1.0), once)
    ignored = await advantage(case.branch, players(case, 0.0), once)
    assert heeded is not None and ignored is not None
    mends = 1 - (1 - case.repair) ** TRIES
    succeeds = mends * heeded.with_it.value + (1 - mends) * ignored.with_it.value
    return succeeds - heeded.without.value


async def coverage(chosen: Sequence[Case], effort: Effort) -> list[Found]:
    found: list[Found] = []
    for case in chosen:
        effect = await advantage(case.branch, players(case, case.repair), effort)
        assert effect is not None
        kind = case.branch.place.faults[0].kind
        found.append(Found(kind, case.repair, await true_effect(case), effect))
    return found


def fork_us(chosen: Sequence[Case], times: int = 20) -> list[float]:
    """Return the microseconds of each fork."""
    costs: list[float] = []
    for case in chosen:
        user = scripted_user(case.tools)(case.branch.trajectory.task, 0)
        for _ in range(times):
            started = perf_counter()
            case.branch.snapshot.fork(user)
            costs.append((perf_counter() - started) * 1e6)
    return costs


async def label_seconds(
    run: Run, benchmarks: dict[str, Benchmark], effort: Effort
) -> dict[str, Any]:
    """Return what it takes to label 100 episodes: rebuilding included, model calls instant."""

    async def tells(place: Placed, snapshot: Snapshot) -> str:
        return feedback_on(place) or "Compare it with the policy and with what the user wants."

    started, cpu, labels, proposals = perf_counter(), process_time(), 0, 0
    for trajectory in run.trajectories[:100]:
        briefing = run.record.briefings[trajectory.briefing]
        rebuilt = await rebuild(trajectory, benchmarks[trajectory.task.env])
        given = Players(actor=simulated_actor(briefing.tools), user=scripted_user(briefing.tools))
        scene = Scene(trajectory, briefing, rebuilt)
        found = await by_branching(scene, given, effort=effort, tells=tells)
        labels += len(found)
        proposals += sum(1 for _ in placed(trajectory, briefing))
    return {
        "episodes": 100,
        "continuations_of_a_proposal": effort.most,
        "proposals": proposals,
        "labels": labels,
        "seconds": perf_counter() - started,
        "cpu_seconds": process_time() - cpu,
    }


async def measured(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    benchmarks = {env: benchmark_for(env) for env in ENVS}
    run = await played(folder, trials=3, seed=asked.seed)
    pool = await cases(run, benchmarks, asked.seed)
    chosen = pool[: asked.cases]
    started = perf_counter()
    found = await coverage(chosen, Effort(most=asked.continuations))
    forks = fork_us(chosen)
    return {
        "simulated": ["actor", "user"],
        "cases": len(found),
        "covered": mean(each.covered for each in found),
        "covered_where_chance_decides": mean(
            each.covered for each in found if each.true not in (-1.0, 0.0, 1.0)
        ),
        "continuations": mean(each.effect.continuations for each in found),
        "width": mean(e.effect.interval[1] - e.effect.interval[0] for e in found),
        "error": mean(abs(each.effect.value - each.true) for each in found),
        "helps": mean(each.effect.helps for each in found),
        "true_effects": {
            "negative": sum(each.true < -1e-9 for each in found),
            "zero": sum(abs(each.true) <= 1e-9 for each in found),
            "partial": sum(1e-9 < each.true < 0.999 for each in found),
            "full": sum(each.true >= 0.999 for each in found),
        },
        "coverage_seconds": perf_counter() - started,
        "fork_us": {
            "median": median(forks),
            "p99": sorted(forks)[int(len(forks) * 0.99)],
            "max": max(forks),
        },
        "labelling": await label_seconds(run, benchmarks, Effort(most=8)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--continuations", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = asyncio.run(measured(asked, Path(folder)))
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['cases']} planted faults of known effect (simulated actor and user)")
    print(f"  true effect within the interval: {found['covered']:.1%}")
    print(f"  where chance decides: {found['covered_where_chance_decides']:.1%}")
    print(f"  continuations {found['continuations']:.1f}, width {found['width']:.2f}")
    print(f"  mean error {found['error']:.3f}; found to help {found['helps']:.0%}")
    print(f"  true effects: {found['true_effects']}")
    print("  fork, µs: " + ", ".join(f"{k} {v:.0f}" for k, v in found["fork_us"].items()))
    made = found["labelling"]
    print(
        f"{made['episodes']} episodes, {made['proposals']} proposals, at most "
        f"{made['continuations_of_a_proposal']} continuations each: {made['seconds']:.1f} s "
        f"({made['cpu_seconds']:.1f} s of CPU)"
    )


if __name__ == "__main__":
    main()
