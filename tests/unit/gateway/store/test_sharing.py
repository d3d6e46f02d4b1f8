"""What workers share, seen from two of them in one process."""

from collections.abc import Generator
from pathlib import Path
from socket import socketpair

import pytest

from sidecritic.gateway.server.admission import Admission
from sidecritic.gateway.settings import ClientSettings
from sidecritic.gateway.store.history_digest import HistoryDigest
from sidecritic.gateway.store.sharing import Seat, clear, seated
from sidecritic.gateway.wire.refusals import HttpError

KEY = b"k" * 32
SHOP = ClientSettings(name="shop", concurrency=2, per_minute=60)


@pytest.fixture
def seats(tmp_path: Path) -> Generator[list[Seat]]:
    ours, theirs = socketpair()
    with ours, theirs:
        yield [Seat(n, 2, tmp_path, KEY, (), theirs) for n in range(2)]


def test_a_link_that_one_worker_made_is_remembered_by_the_other(seats: list[Seat]) -> None:
    first, second = (HistoryDigest(KEY, True, seat.links()) for seat in seats)
    link, other = "ab" * 32, "ab" * 4 + "cd" * 28  # in one place
    first.remember(link)
    assert second.is_remembered(link)
    assert second.remembers_all
    second.remember(other)
    assert not first.is_remembered(link)
    assert not first.remembers_all, "one has forgotten, so both have"


def test_requests_under_way_are_counted_by_all_workers(seats: list[Seat]) -> None:
    first, second = (Admission(lambda: 1.0, seat.uses) for seat in seats)
    with first.enter(SHOP):
        with second.enter(SHOP), pytest.raises(HttpError, match="more than 2"), first.enter(SHOP):
            pass
        with second.enter(SHOP):
            pass


def test_what_a_dead_worker_had_under_way_is_taken_back(seats: list[Seat], tmp_path: Path) -> None:
    first, second = (Admission(lambda: 1.0, seat.uses) for seat in seats)
    with first.enter(SHOP), first.enter(SHOP):
        clear(tmp_path, 0, 1)
        with second.enter(SHOP), second.enter(SHOP):
            pass
        (tmp_path / "gauge_livesum_7.db").touch()
        (tmp_path / "counter_7.db").touch()
        clear(tmp_path, 0, 7)
    assert [path.name for path in tmp_path.glob("*_7.db")] == ["counter_7.db"]


def test_requests_of_a_minute_come_out_of_one_bucket(seats: list[Seat]) -> None:
    now = [100.0]
    admissions = [Admission(lambda: now[0], seat.uses) for seat in seats]

    def admitted(number: int) -> int:
        count = 0
        for at in range(number):
            try:
                with admissions[at % 2].enter(SHOP):
                    count += 1
            except HttpError:
                pass
        return count

    assert admitted(80) == 60
    now[0] += 5
    assert admitted(20) == 5


async def test_a_worker_whose_supervisor_is_gone_refuses_what_it_cannot_know(
    tmp_path: Path,
) -> None:
    ours, theirs = socketpair()
    worker = await seated(Seat(0, 1, tmp_path, KEY, (), theirs))
    ours.close()
    await worker.line.listen()
    with pytest.raises(HttpError, match="ending"):
        await worker.conversations.find("shop", "resp_1")
