"""What all requests of the gateway share."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from sidecritic.gateway.services import Background, Closing


async def test_a_second_signal_gives_no_further_moment() -> None:
    closing = Closing(_at=0.0)  # the first was long ago
    closing.begin()
    with pytest.raises(TimeoutError):
        async with closing.limit():
            await asyncio.Event().wait()


def noting(done: list[int], number: int) -> Callable[[], Coroutine[None, None, None]]:
    async def work() -> None:
        done.append(number)

    return work


async def test_work_that_waits_its_turn_does_not_begin_where_it_is_handed_over() -> None:
    background, done = Background(8), list[int]()
    assert background.later(noting(done, 1))
    await asyncio.sleep(0)
    assert done == [], "whoever handed it over goes on first"
    await background.finish(10)
    assert done == [1]


async def test_work_takes_its_turn_in_order_however_often_requests_come() -> None:
    background, done, all_done = Background(8), list[int](), asyncio.Event()

    async def last() -> None:
        all_done.set()

    for number in range(3):
        assert background.later(noting(done, number))
    assert background.later(last)
    async with asyncio.timeout(20):
        while not all_done.is_set():
            background.stir()
            await asyncio.sleep(0)
    assert done == [0, 1, 2]


async def test_what_waits_counts_against_the_bound_and_is_done_at_the_end() -> None:
    background, done = Background(2), list[int]()
    assert [background.later(noting(done, n)) for n in range(3)] == [True, True, False]
    assert background.is_full
    assert not background.spawn(noting(done, 9))
    await background.finish(10)
    assert done == [0, 1]
    assert not background.is_full


async def test_work_that_waited_long_is_counted() -> None:
    late = list[int]()
    background, done = Background(2, lambda: late.append(1), -1.0), asyncio.Event()

    async def work() -> None:
        done.set()

    background.later(work)
    await asyncio.wait_for(done.wait(), 20)
    assert late == [1]
