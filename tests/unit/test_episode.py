"""How an episode ends, and who is blamed."""

from sidecritic.episode import run_episode
from sidecritic.errors import EnvError, ModelError
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Ended, Event, Failed
from sidecritic.types import Assistant, Completion, Escalate, Halt, Limits, Request, ToolCall
from tests.parties import Acts, EchoWorld, Judges, call, calling, conversation


async def play(
    actor: Acts, critic: Judges, world: EchoWorld | None = None, limits: Limits = Limits()
) -> list[Event]:
    log: list[Event] = []
    supervisor = Supervisor(actor, critic, limits=limits)
    await run_episode(conversation(world), supervisor, log, task_id="t")
    return log


def end(log: list[Event]) -> Ended:
    last = log[-1]
    assert isinstance(last, Ended)
    return last


async def test_the_user_ends_the_conversation_and_the_episode_is_graded() -> None:
    ended = end(await play(Acts([Assistant(text="Sure.")]), Judges([])))
    assert ended.reason == "env_done"
    assert ended.outcome is not None
    assert ended.outcome.passed


async def test_a_user_that_never_stops_meets_the_turn_limit_and_is_still_graded() -> None:
    env_lines = ["More!"] * 50
    log: list[Event] = []
    env = conversation(lines=env_lines)
    supervisor = Supervisor(Acts([]), Judges([]), limits=Limits(max_turns=5))
    await run_episode(env, supervisor, log, task_id="t")
    ended = end(log)
    assert ended.reason == "max_turns"
    assert ended.outcome is not None
    assert ended.outcome.passed is False


async def test_halt_and_escalation_are_reasons_of_their_own() -> None:
    write = calling(call("put"))
    assert end(await play(Acts([write]), Judges([Halt(reason="no")]))).reason == "halted"
    assert end(await play(Acts([write]), Judges([Escalate(reason="ask")]))).reason == "escalated"


class Silent(Acts):
    async def complete(self, request: Request) -> Completion:
        raise ModelError("the server answered with HTML")


async def test_a_failing_actor_is_an_infrastructure_failure_not_a_zero() -> None:
    log = await play(Silent([]), Judges([]))
    assert log[-2] == Failed(
        where="actor", error="ModelError", message="the server answered with HTML"
    )
    assert end(log) == Ended(reason="error", outcome=None)


async def test_a_failing_user_is_told_apart_from_a_failing_environment() -> None:
    log: list[Event] = []
    env = conversation(lines=[""])
    await run_episode(env, Supervisor(Acts([]), Judges([])), log, task_id="t")
    failed = log[-2]
    assert isinstance(failed, Failed)
    assert (failed.where, failed.error) == ("user", "UserError")

    def breaks(call: ToolCall) -> None:
        raise OSError("disk full")

    log = await play(Acts([calling(call("put"))]), Judges([]), EchoWorld(on_call=breaks))
    failed = log[-2]
    assert isinstance(failed, Failed)
    assert (failed.where, failed.error) == ("environment", EnvError.__name__)
    assert "disk full" in failed.message


async def test_a_fork_and_its_origin_do_not_see_each_others_writes() -> None:
    world = EchoWorld()
    env = conversation(world)
    await env.start()
    snapshot = env.snapshot()
    await env.step(calling(call("put", "original")))
    fork = snapshot.fork()
    await fork.step(calling(call("put", "forked-1")))
    await fork.step(calling(call("put", "forked-2")))
    assert (await env.outcome()).native["writes"] == ["put"]
    assert (await fork.outcome()).native["writes"] == ["put", "put"]
    assert (await snapshot.fork().outcome()).native["writes"] == []


async def test_a_look_reads_within_its_budget_and_never_writes() -> None:
    world = EchoWorld()
    env = conversation(world)
    look = env.snapshot().look(1)
    assert (await look.call("put", {})).is_error
    assert (await look.call("get", {})).text == "ok"
    assert "budget" in (await look.call("get", {})).text
    assert world.received == []
