"""Many recorded runs, over several processes, resumable."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from sidecritic.errors import ConfigError
from sidecritic.ports import version_of
from sidecritic.recorded import JudgedProposal, ProposalKey, Recorded
from sidecritic.replay.judgement import ReplayPlan, covered, judge_run
from sidecritic.replay.lines import aligned, open_lines
from sidecritic.replay.shadow import Worlds

_BATCH = 24
"""Runs in one unit of work: a kill loses few, and a database is parsed for many."""

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
    progress: Progress = lambda done, total: None,
) -> tuple[JudgedProposal, ...]:
    """Judge every proposal that the gate covers, and return all judgements in order.

    Raises:
        ConfigError: `out` holds judgements of another critic, another version of it, another gate
            or other runs of the same name, or cannot be written; or there is no such critic.
    """
    wanted = {key: run for run in runs for key in covered(run, plan.gate)}
    with open_lines(out, plan) as (there, append):
        judged = {line.key: line for line in aligned(there, runs) if line.key in wanted}
        _require_current(judged.values(), wanted, plan, out)
        progress(len(judged), len(wanted))
        for batch in _judged(_works(runs, wanted.keys() - judged.keys()), plan, workers):
            append(batch)
            judged.update((line.key, line) for line in batch)
            progress(len(judged), len(wanted))
    return tuple(judged[key] for key in sorted(judged))


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


def _judged(
    works: Iterator[Work], plan: ReplayPlan, workers: int
) -> Iterator[list[JudgedProposal]]:
    if workers <= 1:
        worlds = Worlds()
        for work in works:
            yield asyncio.run(_judge(work, plan, worlds))
        return
    # Spawned, not forked: a fork copies the threads and locks that are held here.
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with_parent
    )
    try:
        for finished in as_completed([pool.submit(_judge_in_process, w, plan) for w in works]):
            yield finished.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Make this process end when the one that started it is killed.

    A worker waits for work on a pipe that it holds both ends of, and so would wait for ever.
    """
    if parent := parent_process():
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _judge_in_process(work: Work, plan: ReplayPlan) -> list[JudgedProposal]:
    return asyncio.run(_judge(work, plan, Worlds()))


async def _judge(work: Work, plan: ReplayPlan, worlds: Worlds) -> list[JudgedProposal]:
    lines: list[JudgedProposal] = []
    async with plan.critic_for(work[0][0].critic_env) as critic:
        for run, keys in work:
            lines.extend(await judge_run(run, critic, plan, worlds=worlds, wanted=keys))
    return lines
