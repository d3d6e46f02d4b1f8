"""Runs of a simulated actor and the data sets that are made of them."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.critic_faults import ENVS
from sidecritic.assembly.plans import plan_for
from sidecritic.assembly.synthesis import workshop_for
from sidecritic.datasets.rows import VerdictRow
from sidecritic.envs.task_files import to_lines
from sidecritic.rollouts.play import play
from sidecritic.runs import write_whole
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.synthesis.generator import SynthesisOrder, make
from sidecritic.workflows.export import ExportRequest, export_runs
from sidecritic.workflows.labels import LabelRequest, label_runs

TASKS = 200
"""New tasks of each domain, of users who are in no test task."""


def learned_from(folder: Path, trials: int, seed: int) -> tuple[Path, ...]:
    """Play and label the train tasks, and new ones, without a critic."""
    own = Settings(env=ENVS, split="train", trials=trials, seed=seed + 1, critic="none", gate="all")
    runs = [played(own, folder / "runs" / "train")]
    for env in ENVS:
        name = env.rpartition(":")[2]
        tasks = folder / "tasks" / f"{name}.jsonl"
        if not tasks.exists():
            tasks.parent.mkdir(parents=True, exist_ok=True)
            asyncio.run(_synthesised(env, tasks, seed + 5))
        new = own.model_copy(
            update={"env": (env,), "tasks": str(tasks), "trials": 2, "seed": seed + 3}
        )
        runs.append(played(new, folder / "runs" / f"new-{name}"))
    return tuple(runs)


def held_back(folder: Path, seed: int) -> Path:
    """Play and label the test tasks: nothing is learned from them, nor from their users."""
    settings = Settings(env=ENVS, split="test", trials=3, seed=seed + 2, critic="none", gate="all")
    return played(settings, folder / "runs" / "test")


async def _synthesised(env: str, file: Path, seed: int) -> None:
    shop = workshop_for(env, None)
    order = SynthesisOrder(number=TASKS, seed=seed, refusals=0.2, patience=20, at_once=1)
    made = await make(shop.author, shop.verifier, order, shop.known)
    write_whole(file, to_lines(made[0]))


def played(settings: Settings, folder: Path) -> Path:
    """Play without a critic, and label by the faults that were planted."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            await play(plan_for(settings, keys_from_environment(), stack), folder)

    asyncio.run(run())
    label_runs([folder], LabelRequest(sources=("fault",), gate="writes+final"))
    return folder


def data_set(folder: Path, runs: Sequence[Path], rendering: str, seed: int) -> Path:
    """Export the runs once, in one rendering; validation has users of its own."""
    out = folder / "data" / rendering
    if not out.exists():
        asked = ExportRequest(
            out=out,
            rendering=rendering,
            seed=seed,
            shares=(0.2, 0.0),
            held_out="drop",
            parquet=False,
        )
        export_runs(list(runs), asked)
    return out


def users_of(data: Path) -> frozenset[tuple[str, str]]:
    """Return domain and id of every user that something was learned or chosen with."""
    rows = [
        VerdictRow.model_validate_json(line)
        for split in ("train", "validation")
        for line in (data / "verdict" / f"{split}.jsonl").read_text().splitlines()
    ]
    return frozenset((r.provenance.env.split(":")[1], r.provenance.user_id) for r in rows)
