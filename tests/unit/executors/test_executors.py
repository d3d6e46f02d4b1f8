"""Maps here and over processes: the same results, each once, whatever ends in between."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.executors.local import LocalExecutor
from sidecritic.executors.processes import ProcessExecutor
from sidecritic.executors.protocol import Done, Executor, Lost
from sidecritic.executors.tasks import Enough
from tests.unit.executors.jobs import Squares

End = Done[int, int] | Lost[int]


async def mapped(executor: Executor, job: Squares, size: int = 12) -> list[End]:
    ends: list[End] = []
    await executor.each(job, range(size), ends.append)
    return ends


def squares(ends: list[End]) -> dict[int, int]:
    done = [end for end in ends if isinstance(end, Done)]
    found = {end.item: end.result for end in done}
    assert len(found) == len(done), "an item was taken twice"
    return found


@pytest.mark.parametrize("executor", [LocalExecutor(3), ProcessExecutor(2, 4)])
async def test_every_item_is_worked_and_taken_once(executor: Executor, tmp_path: Path) -> None:
    ends = await mapped(executor, Squares(tmp_path / "log"))
    assert squares(ends) == {n: n * n for n in range(12)}


async def test_each_process_opens_the_job_once_and_works_many_items(tmp_path: Path) -> None:
    job = Squares(tmp_path / "log")
    await mapped(ProcessExecutor(2, 4), job, 40)
    assert len(job.openers()) <= 2
    assert os.getpid() not in job.openers()


async def test_no_more_processes_are_started_than_items_may_be_under_way(tmp_path: Path) -> None:
    job = Squares(tmp_path / "log")
    await mapped(ProcessExecutor(8, 1), job, 3)
    assert len(job.openers()) == 1


async def test_what_was_under_way_in_a_killed_process_is_worked_again(tmp_path: Path) -> None:
    job = Squares(tmp_path / "log", kills_once=(3, 7))
    ends = await mapped(ProcessExecutor(2, 4), job)
    assert squares(ends) == {n: n * n for n in range(12)}


async def test_an_item_that_ends_every_process_is_lost_alone_and_says_how(tmp_path: Path) -> None:
    job = Squares(tmp_path / "log", kills=(5,))
    ends = await mapped(ProcessExecutor(2, 4), job, 8)
    assert squares(ends) == {n: n * n for n in range(8) if n != 5}
    [lost] = [end for end in ends if isinstance(end, Lost)]
    assert lost.item == 5
    assert "tried 3 times" in lost.reason
    assert "killed by signal 9" in lost.reason


@pytest.mark.parametrize("executor", [LocalExecutor(3), ProcessExecutor(1, 3)])
async def test_items_are_drawn_only_when_there_is_room(executor: Executor, tmp_path: Path) -> None:
    drawn = taken = most = 0

    def items() -> Iterator[int]:
        nonlocal drawn, most
        for number in range(20):
            drawn += 1
            most = max(most, drawn - taken)
            yield number

    def take(end: End) -> None:
        nonlocal taken
        taken += 1

    await executor.each(Squares(tmp_path / "log"), items(), take)
    assert taken == 20
    assert most <= 3


@pytest.mark.parametrize("executor", [LocalExecutor(3), ProcessExecutor(1, 3)])
async def test_what_concerns_the_whole_map_ends_it(executor: Executor, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2 has no square here"):
        await mapped(executor, Squares(tmp_path / "log", refuses=2))


async def test_a_job_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs the package 'ray'.*pip install"):
        await mapped(ProcessExecutor(1, 1), Squares(tmp_path / "log", broken=True))


@pytest.mark.parametrize("executor", [LocalExecutor(3), ProcessExecutor(1, 3)])
async def test_a_map_ends_early_without_an_error_when_enough_is_taken(
    executor: Executor, tmp_path: Path
) -> None:
    ends: list[End] = []

    def take(end: End) -> None:
        ends.append(end)
        if len(ends) == 4:
            raise Enough

    await executor.each(Squares(tmp_path / "log"), range(1000), take)
    assert 4 <= len(ends) <= 6, "what was finished at the same moment may be taken"


async def test_a_cancelled_map_leaves_no_process_behind(tmp_path: Path) -> None:
    job = Squares(tmp_path / "log")
    first = asyncio.Event()

    def take(end: End) -> None:
        first.set()

    run = asyncio.create_task(ProcessExecutor(2, 2).each(job, range(1_000_000), take))
    await first.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    for process in job.openers():
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
