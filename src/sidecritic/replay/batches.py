"""Many recorded runs, over several processes, resumable."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.executors.local import LocalExecutor
from sidecritic.executors.processes import ProcessExecutor
from sidecritic.executors.protocol import Done, Executor, Lost
from sidecritic.ports import Critic, version_of
from sidecritic.recorded import JudgedProposal, ProposalKey, Recorded
from sidecritic.replay.judgement import ReplayPlan, covered, judge_run, unjudged
from sidecritic.replay.lines import aligned, open_lines
from sidecritic.replay.shadow import Worlds

_BATCH = 8
"""Runs in one unit of work: a kill loses few, and none of the workers is long the last one."""

Work = Sequence[tuple[Recorded, frozenset[ProposalKey]]]
"""Runs of one environment, each with the proposals that are still to be judged."""

Progress = Callable[[int, int], None]
"""Takes how many judgements there are, of how many."""


def replay(
    runs: Sequence[Recorded],
    plan: ReplayPlan,
    out: Path | None = None,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress = lambda done, total: None,
) -> tuple[JudgedProposal, ...]:
    """Judge every proposal that the gate covers, and return all judgements in order.

    It is done in so many processes (with one, in this one), or by an executor.

    Raises:
        ConfigError: `out` holds judgements of another critic, another version of it, another gate
            or other runs of the same name, or cannot be written; or there is no such critic.
    """
    wanted = {key: run for run in runs for key in covered(run, plan.gate)}
    with open_lines(out, plan) as (there, append):
        judged = {line.key: line for line in aligned(there, runs) if line.key in wanted}
        _require_current(judged.values(), wanted, plan, out)
        progress(len(judged), len(wanted))

        def take(lines: list[JudgedProposal]) -> None:
            append(lines)
            judged.update((line.key, line) for line in lines)
            progress(len(judged), len(wanted))

        if works := list(_works(runs, wanted.keys() - judged.keys())):
            if executor is None:
                executor = over_processes(min(workers, len(works)))
            asyncio.run(_judge(works, plan, executor, take))
    return tuple(judged[key] for key in sorted(judged))


def over_processes(workers: int) -> Executor:
    """Return what judges in so many processes, or in this one; the next batch is there in time."""
    return LocalExecutor() if workers <= 1 else ProcessExecutor(workers, 2 * workers)


def _require_current(
    judged: Collection[JudgedProposal],
    runs: Mapping[ProposalKey, Recorded],
    plan: ReplayPlan,
    out: Path | None,
) -> None:
    """Raise for judgements of other runs, or by other weights."""
    envs = {runs[line.key].critic_env for line in judged}
    versions = asyncio.run(_versions(plan, envs)) if envs else {}
    for line in judged:
        run = runs[line.key]
        task = run.trajectory.task
        if (line.env, line.task_id) != (task.env, task.id):
            raise ConfigError(
                f"{out}: simulation {line.simulation} of {line.file} was task {line.task_id} of "
                f"{line.env}, and is task {task.id} of {task.env} now; choose another --out"
            )
        if line.critic_version != versions[run.critic_env]:
            raise ConfigError(
                f"{out} holds judgements of {plan.critic} in the version "
                f"{line.critic_version or '(none)'}, and it is {versions[run.critic_env]} now; "
                "choose another --out"
            )


async def _versions(plan: ReplayPlan, envs: Collection[str]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for env in envs:
        async with plan.critic_for(env) as critic:
            versions[env] = version_of(critic)
    return versions


def _works(runs: Sequence[Recorded], left: set[ProposalKey]) -> Iterator[Work]:
    by_run: dict[tuple[str, int], set[ProposalKey]] = {}
    for key in left:
        by_run.setdefault(key[:2], set()).add(key)
    by_env: dict[str, list[tuple[Recorded, frozenset[ProposalKey]]]] = {}
    for run in runs:
        if keys := by_run.get((run.file, run.simulation)):
            by_env.setdefault(run.critic_env, []).append((run, frozenset(keys)))
    for _, work in sorted(by_env.items()):
        for start in range(0, len(work), _BATCH):
            yield work[start : start + _BATCH]


@dataclass(frozen=True, slots=True)
class Judges:
    """The job of judging runs: each process makes its own critics and worlds, once."""

    plan: ReplayPlan

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Callable[[Work], Awaitable[list[JudgedProposal]]]]:
        """Yield what judges a batch; one at a time, as their processor time is measured."""
        plan, worlds, critics = self.plan, Worlds(), dict[str, Critic]()
        turn = asyncio.Lock()
        async with AsyncExitStack() as stack:

            async def work(batch: Work) -> list[JudgedProposal]:
                lines: list[JudgedProposal] = []
                async with turn:
                    env = batch[0][0].critic_env
                    if env not in critics:
                        critics[env] = await stack.enter_async_context(plan.critic_for(env))
                    for run, keys in batch:
                        lines.extend(
                            await judge_run(run, critics[env], plan, worlds=worlds, wanted=keys)
                        )
                return lines

            yield work


async def _judge(
    works: Sequence[Work],
    plan: ReplayPlan,
    executor: Executor,
    take: Callable[[list[JudgedProposal]], None],
) -> None:
    lost: list[Lost[Work]] = []

    def sort(end: Done[Work, list[JudgedProposal]] | Lost[Work]) -> None:
        match end:
            case Done(result=lines):
                take(lines)
            case Lost():
                lost.append(end)

    await executor.each(Judges(plan), works, sort)
    # One run of a batch may have ended its process; the others can be judged without it.
    if singles := [[one] for each in lost if len(each.item) > 1 for one in each.item]:
        await _judge(singles, plan, executor, take)
    for each in lost:
        if len(each.item) == 1:
            run, keys = each.item[0]
            version = (await _versions(plan, {run.critic_env}))[run.critic_env]
            take(unjudged(run, plan, version, wanted=keys, reason=each.reason))
