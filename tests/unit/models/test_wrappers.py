"""Models made from models."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from sidecritic.errors import ConfigError, ModelError, ModelRejected, ModelUnavailable
from sidecritic.models.openai import OpenAIChat
from sidecritic.models.scripted import FunctionModel, ScriptedModel
from sidecritic.models.wrappers import (
    Limited,
    Price,
    Priced,
    Retrying,
    Sampled,
    Wrapper,
    backoff,
    load_prices,
)
from sidecritic.ports import Model
from sidecritic.types import Assistant, Completion, Request, Sampling, Usage, User
from tests import wire
from tests.wire import wire_server

ASKED = Request(messages=(User(text="Hello"),))
BUSY = ModelUnavailable("busy")


async def test_an_unavailable_model_is_asked_again():
    with ScriptedModel([BUSY, BUSY, "Hello"]) as script:
        answer = await Retrying(script, attempts=3, max_wait=0).complete(ASKED)

    assert answer.message.text == "Hello"


async def test_the_last_failure_is_the_one_that_is_told():
    script = ScriptedModel([BUSY, ModelUnavailable("still busy")])
    with script, pytest.raises(ModelUnavailable, match="still busy"):
        await Retrying(script, attempts=2, max_wait=0).complete(ASKED)


@pytest.mark.parametrize("error", [ModelRejected("no"), ModelError("odd"), ConfigError("bad")])
async def test_other_failures_are_final(error: Exception):
    with ScriptedModel([error]) as script, pytest.raises(type(error)):
        await Retrying(script, attempts=3, max_wait=0).complete(ASKED)


def test_the_servers_wait_is_kept_to_unless_it_is_too_long():
    rule = backoff(60.0)

    assert rule(ModelUnavailable("busy", retry_after=7.5)) == 7.5
    assert rule(ModelUnavailable("busy", retry_after=61.0)) is False
    assert rule(ModelUnavailable("busy", retry_after=0.0)) is True
    assert rule(ModelUnavailable("busy")) is True
    assert backoff(0)(ModelUnavailable("busy", retry_after=7.5)) is True


async def test_a_wait_is_really_waited_for():
    loop = asyncio.get_running_loop()
    with ScriptedModel([ModelUnavailable("busy", retry_after=0.02), "Hello"]) as script:
        started = loop.time()
        await Retrying(script, attempts=2, max_wait=1).complete(ASKED)

    assert loop.time() - started >= 0.02


def test_senseless_settings_are_refused():
    for attempts, max_wait in ((0, 1.0), (3, -1.0)):
        with pytest.raises(ConfigError, match="at least"):
            Retrying(ScriptedModel([]), attempts=attempts, max_wait=max_wait)


async def test_a_limit_holds_across_the_models_of_one_endpoint():
    slots = asyncio.Semaphore(2)
    busy = most = 0

    async def answer(request: Request) -> str:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return "Hello"

    actor, user = (Limited(FunctionModel(answer), slots) for _ in range(2))
    await asyncio.gather(*(model.complete(ASKED) for model in (actor, user) for _ in range(5)))

    assert most == 2


async def test_a_failed_call_gives_its_slot_back():
    limited = Limited(ScriptedModel([BUSY, "Hello"]), asyncio.Semaphore(1))
    with pytest.raises(ModelUnavailable):
        await limited.complete(ASKED)

    assert (await limited.complete(ASKED)).message.text == "Hello"


def spent(model: str, usage: Usage) -> Completion:
    return Completion(message=Assistant(text="x"), finish="stop", model=model, usage=usage)


USED = Usage(input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)


async def test_a_call_is_priced_by_fresh_cached_and_written_tokens():
    prices = {"m": Price(input=2.0, cached_input=0.5, output=10.0)}

    answer = await Priced(ScriptedModel([spent("m", USED)]), prices).complete(ASKED)

    assert answer.usage.cost_usd == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)
    assert answer.usage.input_tokens == USED.input_tokens


async def test_the_name_asked_for_stands_in_for_an_unlisted_served_name():
    prices = {"alias": Price(input=1.0, output=0.0)}
    script = ScriptedModel([spent("alias-2026-01-01", USED)], name="alias")

    answer = await Priced(script, prices).complete(ASKED)

    assert answer.usage.cost_usd == pytest.approx(1.0)


async def test_an_unknown_price_is_not_a_price_of_zero():
    answer = await Priced(ScriptedModel([spent("m", USED)]), {}).complete(ASKED)

    assert answer.usage.cost_usd is None


def test_a_price_table_is_read_from_toml(tmp_path: Path):
    file = tmp_path / "prices.toml"
    file.write_text('["org/m-1.5"]\ninput = 2\ncached_input = 0.5\noutput = 10.0\n')

    assert load_prices(file) == {"org/m-1.5": Price(input=2.0, cached_input=0.5, output=10.0)}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"[m\n", "not TOML"),
        (b"\xff", "not TOML"),
        (b"[m]\ninput = 1\n", "m.output"),
        (b"[m]\ninput = -1\noutput = 1\n", "m.input"),
        (b"[m]\ninput = nan\noutput = 1\n", "m.input"),
        (b"[m]\ninput = 1\noutput = 1\nprompt = 1\n", "m.prompt"),
        (b"m = 3\n", "m"),
    ],
)
def test_a_bad_price_table_is_named_with_its_entry(tmp_path: Path, content: bytes, named: str):
    file = tmp_path / "prices.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError) as raised:
        load_prices(file)
    assert str(file) in str(raised.value) and named in str(raised.value)
    assert "USD per million tokens" in str(raised.value)


def test_a_price_table_that_is_not_there(tmp_path: Path):
    with pytest.raises(ConfigError, match="No such file"):
        load_prices(tmp_path / "none.toml")


class Real(Wrapper):
    @property
    def simulated(self) -> bool:
        return False


@pytest.mark.parametrize("inner", [ScriptedModel([], name="m"), Real(ScriptedModel([], name="m"))])
def test_wrappers_say_what_they_wrap(inner: Model):
    for model in (Retrying(inner), Limited(inner, asyncio.Semaphore(1)), Priced(inner, {})):
        assert isinstance(model, Model)
        assert (model.name, model.simulated) == ("m", inner.simulated)


async def test_the_whole_stack_survives_a_bad_day_of_the_server():
    prices = {"served-model": Price(input=1.0, output=1.0)}
    replies = [wire.failure(429, retry_after="0.01"), wire.failure(500), wire.html(), wire.chat()]
    with wire_server(replies) as server:
        client = OpenAIChat("m", base_url=server.base_url)
        stack = Priced(Retrying(Limited(client, asyncio.Semaphore(1)), max_wait=0.02), prices)
        async with aclosing(stack):
            answer = await stack.complete(ASKED)
        assert len(server.received) == 4

    assert answer.message.text == "Hello"
    assert answer.usage.cost_usd == pytest.approx(17e-6)


async def test_a_sampled_model_samples_in_its_own_way():
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "Hello."

    own = Sampling(temperature=0.0, seed=7)
    model = Sampled(FunctionModel(answer), own)
    asked = Request(messages=(User(text="Hi"),), sampling=Sampling(temperature=1.0))
    await model.complete(asked)
    assert [request.sampling for request in seen] == [own]
    assert seen[0].messages == asked.messages
