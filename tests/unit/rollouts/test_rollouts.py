"""Runs that are killed, cancelled, resumed, repeated and disturbed."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sidecritic.errors import ConfigError, ModelError
from sidecritic.ports import Model
from sidecritic.rollouts.plan import Played, seeds_for
from sidecritic.rollouts.play import play
from sidecritic.rollouts.store import open_run
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord, read_run
from sidecritic.trace import Failed
from sidecritic.types import Assistant, Completion, Request, Task
from tests.parties import Acts
from tests.rounds import Desk, plan
from tests.unit.rollouts.timeless import by_key


@dataclass
class Heard:
    """A watcher that remembers, and cancels its run after so many episodes."""

    stop_after: int = 1000
    total: int = 0
    finished: int = 0
    episodes: list[Played] = field(default_factory=list[Played])
    notices: list[str] = field(default_factory=list[str])
    run: "asyncio.Task[object] | None" = None

    def begin(self, *, total: int, finished: int) -> None:
        self.total, self.finished, self.run = total, finished, asyncio.current_task()

    def episode(self, played: Played) -> None:
        self.episodes.append(played)
        if len(self.episodes) == self.stop_after and self.run:
            self.run.cancel()

    def notice(self, text: str) -> None:
        self.notices.append(text)


class Refusing(Acts):
    async def complete(self, request: Request) -> Completion:
        raise ModelError("the model is out of order")


def refuses_t1(task: Task, seed: int) -> Model:
    return Refusing([]) if task.id == "t1" else Acts([])


def record() -> RunRecord:
    return RunRecord(command="c", settings={}, episodes=0, versions={}, briefings={})


async def test_a_run_holds_one_graded_line_for_each_task_and_trial(tmp_path: Path) -> None:
    tally = await play(plan(), tmp_path)
    run = read_run(tmp_path)
    assert (tally.played, tally.skipped) == (6, 0)
    assert sorted(t.key for t in run.trajectories) == [
        ("desk", f"t{n}", trial) for n in range(3) for trial in range(2)
    ]
    assert all(t.ended and t.ended.outcome and t.ended.outcome.passed for t in run.trajectories)
    assert run.record.episodes == 6


async def test_every_briefing_is_in_the_run_file_before_the_first_episode(tmp_path: Path) -> None:
    heard = Heard(stop_after=1)
    with pytest.raises(asyncio.CancelledError):
        await play(plan(), tmp_path, watcher=heard)
    run = read_run(tmp_path)
    assert run.record.briefings[run.trajectories[0].briefing].policy == "Be right the first time."


async def test_what_is_played_depends_on_neither_concurrency_nor_order(tmp_path: Path) -> None:
    await play(plan(), tmp_path / "one", concurrency=1)
    await play(plan(), tmp_path / "many", concurrency=6)
    assert by_key(read_run(tmp_path / "one")) == by_key(read_run(tmp_path / "many"))


def test_each_role_trial_and_task_has_its_own_seed_and_the_run_seed_changes_all() -> None:
    every = [
        seed
        for run in (0, 1)
        for task in ("a", "b")
        for trial in (0, 1)
        for seed in seeds_for(run, ("desk", task, trial)).values()
    ]
    assert len(set(every)) == len(every)
    assert all(0 <= seed < 2**31 for seed in every)


async def test_a_cancelled_run_keeps_what_was_finished_and_ends_as_if_uninterrupted(
    tmp_path: Path,
) -> None:
    with pytest.raises(asyncio.CancelledError):
        await play(plan(), tmp_path / "cut", concurrency=2, watcher=Heard(stop_after=3))
    kept = read_run(tmp_path / "cut")
    assert 3 <= len(kept.trajectories) < 6
    assert not kept.problems
    tally = await play(plan(), tmp_path / "cut")
    assert tally.skipped == len(kept.trajectories)
    await play(plan(), tmp_path / "whole")
    assert by_key(read_run(tmp_path / "cut")) == by_key(read_run(tmp_path / "whole"))


@pytest.mark.parametrize("keep", [1, 100, -2])
async def test_a_line_cut_off_by_a_kill_is_set_aside_and_played_again(
    tmp_path: Path, keep: int
) -> None:
    await play(plan(), tmp_path, concurrency=1)
    file = tmp_path / TRAJECTORIES_FILE
    whole = by_key(read_run(tmp_path))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]) + lines[-1][:keep])
    heard = Heard()
    await play(plan(), tmp_path, watcher=heard)
    assert heard.finished == 5
    assert by_key(read_run(tmp_path)) == whole
    assert not read_run(tmp_path).problems
    assert (tmp_path / f"{TRAJECTORIES_FILE}.broken-1").read_bytes() == lines[-1][:keep]
    assert "cut off" in heard.notices[0]


async def test_a_last_line_that_lacks_only_its_newline_is_not_played_again(tmp_path: Path) -> None:
    await play(plan(), tmp_path)
    file = tmp_path / TRAJECTORIES_FILE
    before = file.read_bytes()
    file.write_bytes(before[:-1])
    assert (await play(plan(), tmp_path)).played == 0
    assert file.read_bytes() == before


async def test_a_spoilt_line_in_the_middle_costs_only_its_own_episode(tmp_path: Path) -> None:
    await play(plan(), tmp_path, concurrency=1)
    file = tmp_path / TRAJECTORIES_FILE
    lines = file.read_text().splitlines(keepends=True)
    lines[2] = "{spoilt\n"
    file.write_text("".join(lines))
    heard = Heard()
    assert (await play(plan(), tmp_path, watcher=heard)).played == 1
    assert "line 3" in heard.notices[0]


async def test_a_failing_episode_is_a_line_and_its_siblings_go_on(tmp_path: Path) -> None:
    await play(plan(Desk(broken=("t2",)), actor=refuses_t1), tmp_path, concurrency=6)
    failed = [t for t in read_run(tmp_path).trajectories if t.ended and t.ended.outcome is None]
    causes = {t.task.id: e for t in failed for e in t.events if isinstance(e, Failed)}
    assert len(read_run(tmp_path).trajectories) == 6
    assert causes["t1"].where == "actor"
    assert causes["t2"].where == "environment"
    assert "on fire" in causes["t2"].message


async def test_failures_are_played_again_only_when_asked_for(tmp_path: Path) -> None:
    await play(plan(actor=refuses_t1), tmp_path)
    assert (await play(plan(), tmp_path)).played == 0
    assert (await play(plan(), tmp_path, retry_failed=True)).played == 2
    assert (await play(plan(), tmp_path, retry_failed=True)).played == 0
    latest = by_key(read_run(tmp_path)).values()
    assert all(t.ended and t.ended.outcome for t in latest)


async def test_a_directory_of_other_settings_is_refused_and_the_setting_named(
    tmp_path: Path,
) -> None:
    await play(plan(), tmp_path)
    with pytest.raises(ConfigError, match=r"critic = 'none', now it is 'policy'.*--out"):
        await play(plan(settings={"critic": "policy"}), tmp_path)
    with pytest.raises(ConfigError, match="task set of desk = 'desk 1'"):
        await play(plan(Desk(versions={"task set": "desk 2"})), tmp_path)
    assert len(read_run(tmp_path).trajectories) == 6


async def test_trajectories_without_a_run_file_are_left_alone(tmp_path: Path) -> None:
    await play(plan(), tmp_path)
    (tmp_path / RUN_FILE).unlink()
    before = (tmp_path / TRAJECTORIES_FILE).read_bytes()
    with pytest.raises(ConfigError, match=r"no run\.json"):
        await play(plan(), tmp_path)
    assert (tmp_path / TRAJECTORIES_FILE).read_bytes() == before


async def test_two_writers_of_one_directory_are_refused(tmp_path: Path) -> None:
    with (
        open_run(tmp_path, record(), lambda text: None),
        pytest.raises(ConfigError, match="another process is writing"),
    ):
        await play(plan(), tmp_path)


async def test_an_out_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match=r"cannot write .*file"):
        await play(plan(), tmp_path / "file")


async def test_bad_input_that_shows_inside_an_episode_ends_the_run(tmp_path: Path) -> None:
    class Unusable(Acts):
        async def complete(self, request: Request) -> Completion:
            raise ConfigError("the package is missing")

    with pytest.raises(ConfigError, match="the package is missing"):
        await play(plan(actor=lambda task, seed: Unusable([])), tmp_path)


async def test_a_run_whose_every_episode_fails_alike_is_given_up_and_can_be_resumed(
    tmp_path: Path,
) -> None:
    def down(task: Task, seed: int) -> Model:
        return Refusing([])

    heard, desk = Heard(), Desk(size=20)
    tally = await play(plan(desk, actor=down, trials=1), tmp_path, concurrency=1, watcher=heard)
    assert (tally.played, len(read_run(tmp_path).trajectories)) == (10, 10)
    assert "10 episodes in a row" in tally.stopped
    assert "actor: ModelError: the model is out of order" in tally.stopped
    assert heard.notices == [tally.stopped]
    resumed = await play(plan(desk, trials=1), tmp_path, retry_failed=True)
    assert (resumed.played, resumed.stopped) == (20, "")


async def test_a_run_is_not_given_up_while_some_episodes_succeed_or_nothing_is_left(
    tmp_path: Path,
) -> None:
    def down(task: Task, seed: int) -> Model:
        return Refusing([])

    mixed = await play(plan(actor=refuses_t1, trials=5), tmp_path / "mixed", give_up_after=2)
    assert (mixed.played, mixed.stopped) == (15, "")
    last = await play(plan(actor=down), tmp_path / "last", give_up_after=6)
    assert (last.played, last.stopped) == (6, "")
    never = await play(plan(actor=down), tmp_path / "never", give_up_after=None)
    assert (never.played, never.stopped) == (6, "")


async def test_no_more_episodes_run_at_once_than_allowed(tmp_path: Path) -> None:
    running, most = 0, 0

    class Slow(Acts):
        async def complete(self, request: Request) -> Completion:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5):
                await asyncio.sleep(0)
            running -= 1
            return await super().complete(request)

    actor = Slow([Assistant(text="Sure.")])
    await play(plan(Desk(size=8), actor=lambda task, seed: actor), tmp_path, concurrency=3)
    assert most == 3


async def test_episode_seeds_reach_the_actor_and_the_file(tmp_path: Path) -> None:
    asked: dict[str, int | None] = {}

    class Curious(Acts):
        async def complete(self, request: Request) -> Completion:
            asked[self.name] = request.sampling.seed
            return await super().complete(request)

    def actor(task: Task, seed: int) -> Model:
        return Curious([], name=str(seed))

    await play(plan(actor=actor, trials=1), tmp_path)
    for trajectory in read_run(tmp_path).trajectories:
        seed = trajectory.seeds["actor"]
        assert trajectory.actor == str(seed)
        assert asked[str(seed)] == seed
