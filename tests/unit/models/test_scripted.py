"""The doubles that ship with the product."""

import asyncio
from pathlib import Path

import pytest

from sidecritic.errors import ConfigError, ModelError, ModelUnavailable, TraceError
from sidecritic.models.scripted import (
    FunctionModel,
    RecordedModel,
    ScriptedModel,
    digest_of,
    record,
)
from sidecritic.models.wrappers import Wrapper
from sidecritic.ports import Model
from sidecritic.types import Assistant, Completion, Request, Sampling, ToolCall, ToolSpec, User

CALL = ToolCall(id="c", name="f", arguments={}, raw="{}")


def asked(text: str = "Hello") -> Request:
    return Request(messages=(User(text=text),))


async def test_steps_of_every_kind_are_played_in_order():
    whole = Completion(message=Assistant(text="c"), finish="length", model="other")
    with ScriptedModel(["a", Assistant(calls=(CALL,)), whole, ModelUnavailable("busy")]) as script:
        first, second, third = [await script.complete(asked()) for _ in range(3)]
        with pytest.raises(ModelUnavailable, match="busy"):
            await script.complete(asked())

    assert (first.message, first.finish, first.model) == (Assistant(text="a"), "stop", "scripted")
    assert (second.message.calls, second.finish) == ((CALL,), "tool_calls")
    assert third is whole


async def test_a_call_beyond_the_script_fails_and_is_remembered():
    script = ScriptedModel(["a"], name="actor")
    await script.complete(asked())

    with pytest.raises(ModelError, match="call 2 is not in the script") as raised:
        await script.complete(asked("More?"))

    assert "'actor'" in str(raised.value) and "More?" in str(raised.value)
    with pytest.raises(AssertionError, match="1 steps and was called 2 times"):
        script.assert_consumed()


async def test_a_step_left_over_fails_at_the_end():
    script = ScriptedModel(["a", "b"])
    with pytest.raises(AssertionError, match="next step: 'b'"), script:
        await script.complete(asked())


def test_an_error_of_the_test_itself_is_not_covered_up():
    with pytest.raises(KeyError), ScriptedModel(["a"]):
        raise KeyError("the real problem")


async def test_a_script_keeps_the_requests_it_was_given():
    script = ScriptedModel(["a", "b"])
    for text in ("one", "two"):
        await script.complete(asked(text))

    assert script.requests == [asked("one"), asked("two")]


async def test_a_function_may_be_plain_or_async():
    async def later(request: Request) -> Assistant:
        await asyncio.sleep(0)
        return Assistant(text=f"{len(request.messages)} later")

    now = FunctionModel(lambda request: f"{len(request.messages)} now", name="now")

    assert (await now.complete(asked())).message.text == "1 now"
    assert (await now.complete(asked())).model == "now"
    assert (await FunctionModel(later).complete(asked())).message.text == "1 later"


async def test_what_a_function_raises_becomes_a_model_error():
    def broken(request: Request) -> str:
        raise ValueError("odd request")

    with pytest.raises(ModelError, match="ValueError: odd request"):
        await FunctionModel(broken).complete(asked())


class Real(Wrapper):
    @property
    def simulated(self) -> bool:
        return False


async def recorded(path: Path, model: Model, *texts: str) -> list[Completion]:
    recorder = record(model, path)
    return [await recorder.complete(asked(text)) for text in texts]


async def test_what_was_recorded_is_played_back(tmp_path: Path):
    path = tmp_path / "cassette.jsonl"
    script = ScriptedModel(["a\u2028b", Assistant(calls=(CALL,)), "again"], name="actor")
    made = await recorded(path, script, "one", "two", "one")

    replay = RecordedModel(path)
    played = [await replay.complete(asked(text)) for text in ("two", "one", "one")]

    assert played == [made[1], made[0], made[2]]
    assert isinstance(replay, Model) and replay.name == "actor"


async def test_a_request_that_was_not_recorded_fails(tmp_path: Path):
    path = tmp_path / "cassette.jsonl"
    await recorded(path, ScriptedModel(["a"]), "one")
    replay = RecordedModel(path)

    with pytest.raises(ModelError, match="was not recorded; its last message is user: 'two'"):
        await replay.complete(asked("two"))
    await replay.complete(asked("one"))
    with pytest.raises(ModelError, match="was recorded 1 times"):
        await replay.complete(asked("one"))


async def test_a_recording_is_simulated_when_what_was_recorded_was(tmp_path: Path):
    path = tmp_path / "cassette.jsonl"
    await recorded(path, Real(ScriptedModel(["a"])), "one")
    assert RecordedModel(path).simulated is False

    await recorded(path, ScriptedModel(["b"]), "two")
    assert RecordedModel(path).simulated is True


async def test_a_recording_only_ever_grows(tmp_path: Path):
    path = tmp_path / "cassette.jsonl"
    await recorded(path, ScriptedModel(["a"]), "one")
    before = path.read_bytes()
    await recorded(path, ScriptedModel(["b"]), "two")

    assert path.read_bytes().startswith(before)
    assert len(path.read_bytes().splitlines()) == 2


async def test_a_line_cut_off_by_a_kill_is_named_and_spoils_no_other(tmp_path: Path):
    path = tmp_path / "cassette.jsonl"
    await recorded(path, ScriptedModel(["a", "b"]), "one", "two")
    path.write_bytes(path.read_bytes()[:-40])
    await recorded(path, ScriptedModel(["c"]), "three")

    with pytest.raises(TraceError, match=r"cassette.jsonl, line 2: .*delete the line"):
        RecordedModel(path)
    first, _, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + third)
    assert (await RecordedModel(path).complete(asked("three"))).message.text == "c"


def test_a_cassette_that_cannot_be_used_is_named(tmp_path: Path):
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    for path in (empty, tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(ConfigError, match=r"create it with record\(model, path\)"):
            RecordedModel(path)
    with pytest.raises(ConfigError, match="can be written"):
        record(ScriptedModel([]), tmp_path / "no" / "folder.jsonl")


def test_the_digest_of_a_request_covers_all_of_it():
    base = asked()
    others = [
        asked("hello"),
        base.model_copy(update={"tools": (ToolSpec(name="f"),)}),
        base.model_copy(update={"sampling": Sampling(seed=1)}),
    ]

    assert digest_of(base) == digest_of(asked())
    assert digest_of(base) not in {digest_of(other) for other in others}
