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

Exit code 1 when a target is missed: 200 cases, of which 90 % are right; a fork in less than 1 ms;
100 episodes with at most 8 continuations of each proposal labelled in less than 60 s.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean, median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from sidecritic.assembly.benchmarks import benchmark_for
from sidecritic.assembly.plans import plan_for
from sidecritic.labelling.advantage import Advantage, Branch, Effort, Players, advantage
from sidecritic.labelling.branching import by_branching
from sidecritic.labelling.feedback import feedback_on, true_feedback
from sidecritic.labelling.logged import LoggedProposal, logged_proposals
from sidecritic.labelling.scene import Scene, rebuild
from sidecritic.ports import Benchmark, Snapshot
from sidecritic.rollouts.play import play
from sidecritic.runs import Run, read_run
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.simulation.actor import simulated_actor
from sidecritic.simulation.scripted_user import scripted_user
from sidecritic.types import Limits, ToolSpec

ENVS = ("tau2:retail", "tau2:airline")
CASES, COVERED = 200, 0.9
FORK_US = 1000.0
EPISODES, CONTINUATIONS, SECONDS = 100, 8, 60.0
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
        faulty = [p for p in logged_proposals(trajectory, briefing) if p.faults]
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

    async def tells(place: LoggedProposal, snapshot: Snapshot) -> str:
        return feedback_on(place) or "Compare it with the policy and with what the user wants."

    started, cpu, labels, proposals = perf_counter(), process_time(), 0, 0
    episodes = run.trajectories[:EPISODES]
    for trajectory in episodes:
        briefing = run.record.briefings[trajectory.briefing]
        rebuilt = await rebuild(trajectory, benchmarks[trajectory.task.env])
        given = Players(actor=simulated_actor(briefing.tools), user=scripted_user(briefing.tools))
        scene = Scene(trajectory, briefing, rebuilt)
        found = await by_branching(scene, given, effort=effort, tells=tells)
        labels += len(found)
        proposals += sum(1 for _ in logged_proposals(trajectory, briefing))
    return {
        "episodes": len(episodes),
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
        "labelling": await label_seconds(run, benchmarks, Effort(most=CONTINUATIONS)),
    }


def misses(found: Mapping[str, Any]) -> list[str]:
    """Return the targets that were missed, in words."""
    missed: list[str] = []
    if found["cases"] < CASES:
        missed.append(f"{found['cases']} cases were tried; the target is said of {CASES}")
    if found["covered"] < COVERED:
        missed.append(
            f"the true effect lay within the interval in {found['covered']:.1%} of cases; the "
            f"target is {COVERED:.0%}"
        )
    if found["fork_us"]["p99"] >= FORK_US:
        missed.append(
            f"a fork took {found['fork_us']['p99']:.0f} µs (99th percentile); the target is less "
            f"than {FORK_US:.0f} µs"
        )
    labelling = found["labelling"]
    if labelling["episodes"] < EPISODES:
        missed.append(f"{labelling['episodes']} of {EPISODES} episodes were labelled")
    if labelling["seconds"] >= SECONDS:
        missed.append(
            f"labelling took {labelling['seconds']:.1f} s; the target is less than {SECONDS:.0f} s"
        )
    return missed


def shown(found: Mapping[str, Any]) -> str:
    made = found["labelling"]
    return "\n".join(
        (
            f"{found['cases']} planted faults of known effect (simulated actor and user)",
            f"  true effect within the interval: {found['covered']:.1%}",
            f"  where chance decides: {found['covered_where_chance_decides']:.1%}",
            f"  continuations {found['continuations']:.1f}, width {found['width']:.2f}",
            f"  mean error {found['error']:.3f}; found to help {found['helps']:.0%}",
            f"  true effects: {found['true_effects']}",
            "  fork, µs: " + ", ".join(f"{k} {v:.0f}" for k, v in found["fork_us"].items()),
            f"{made['episodes']} episodes, {made['proposals']} proposals, at most "
            f"{made['continuations_of_a_proposal']} continuations each: {made['seconds']:.1f} s "
            f"({made['cpu_seconds']:.1f} s of CPU)",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--continuations", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = asyncio.run(measured(asked, Path(folder)))
    found["missed"] = misses(found)
    print(json.dumps(found, indent=2) if asked.json else shown(found))
    if found["missed"]:
        sys.exit("\n".join(f"target missed: {miss}" for miss in found["missed"]))


if __name__ == "__main__":
    main()
