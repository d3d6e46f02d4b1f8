"""A real Ray cluster of two nodes of one core each: make test-ray."""

import asyncio
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from sidecritic.executors.protocol import Done, Lost
from sidecritic.executors.ray import RayExecutor
from sidecritic.runs import SCORES_FILE, TRAJECTORIES_FILE, read_run
from sidecritic.settings.evaluation import Settings
from sidecritic.workflows.evaluation import evaluate
from tests.unit.executors.jobs import Squares, Waits
from tests.unit.rollouts.timeless import by_key, without_times

pytestmark = pytest.mark.ray

End = Done[int, int] | Lost[int]


@pytest.fixture
def cluster() -> Iterator[Any]:
    ray, utils = import_module("ray"), import_module("ray.cluster_utils")
    # A node counts as dead after two seconds, and not after the half minute of a slow network.
    quick = {"health_check_period_ms": 500, "health_check_failure_threshold": 4}
    head = {"num_cpus": 1, "_system_config": quick}
    made = utils.Cluster(initialize_head=True, head_node_args=head)
    made.second = made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


def settings(out: Path, executor: str) -> Settings:
    return Settings.model_validate(
        {"env": ("shop",), "trials": 2, "executor": executor, "workers": 2, "out": str(out)}
    )


def test_local_processes_and_ray_give_the_same_scores(cluster: Any, tmp_path: Path) -> None:
    for executor in ("local", "processes", "ray"):
        evaluate(settings(tmp_path / executor, executor))
    texts = [(tmp_path / e / SCORES_FILE).read_text() for e in ("local", "processes", "ray")]
    assert len({without_times(text) for text in texts}) == 1
    runs = [by_key(read_run(tmp_path / e)) for e in ("local", "processes", "ray")]
    assert runs[0] == runs[1] == runs[2]
    lines = (tmp_path / "ray" / TRAJECTORIES_FILE).read_text().splitlines()
    assert len(lines) == len(runs[0])


def test_a_worker_that_is_killed_costs_nothing_but_time(cluster: Any, tmp_path: Path) -> None:
    ends: list[End] = []
    job = Squares(tmp_path / "log", kills_once=(3,), kills=(7,))
    asyncio.run(RayExecutor(2, 4).each(job, range(12), ends.append))
    done = {end.item: end.result for end in ends if isinstance(end, Done)}
    assert done == {n: n * n for n in range(12) if n != 7}
    assert [end.item for end in ends if isinstance(end, Lost)] == [7]
    assert len(ends) == 12


def test_a_node_that_is_killed_in_the_middle_loses_nothing_and_a_quarter_of_the_time(
    cluster: Any,
) -> None:
    whole, undisturbed = waited(lambda taken: None)
    assert whole == list(range(ITEMS))
    kill = Thread(target=cluster.remove_node, args=(cluster.second, False))
    ended, disturbed = waited(lambda taken: kill.start() if taken == ITEMS // 2 else None)
    kill.join()
    assert ended == list(range(ITEMS))
    told = f"undisturbed {undisturbed:.1f} s, one of two nodes killed {disturbed:.1f} s"
    assert disturbed < 1.25 * undisturbed, told


ITEMS, AT_ONCE = 1200, 20


def waited(taken: Callable[[int], None]) -> tuple[list[int], float]:
    """Return the items that ended, in order, and the seconds of it all."""
    items: list[int] = []

    def take(end: End) -> None:
        assert isinstance(end, Done)
        items.append(end.item)
        taken(len(items))

    start = monotonic()
    asyncio.run(RayExecutor(2, AT_ONCE).each(Waits(0.5), range(ITEMS), take))
    return sorted(items), monotonic() - start
