"""Every way in which a server can fail, for both clients: one clear line, and no key in it."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sidecritic.errors import ConfigError, ModelError, ModelRejected, ModelUnavailable
from sidecritic.models.anthropic import AnthropicMessages
from sidecritic.models.endpoint import retry_after
from sidecritic.models.openai import OpenAIChat
from sidecritic.ports import Model
from sidecritic.types import Request, User
from tests import wire
from tests.wire import Reply, wire_server

KEY = "sk-secret-0123456789"
ASKED = Request(messages=(User(text="Hello"),))

Client = Callable[..., OpenAIChat | AnthropicMessages]
clients = pytest.mark.parametrize("client", [OpenAIChat, AnthropicMessages])


async def error_of(client: Client, url: str, *, seconds: float = 10.0) -> ModelError:
    async with aclosing(client("m", base_url=url, api_key=KEY, timeout=seconds)) as model:
        with pytest.raises(ModelError) as raised:
            await model.complete(ASKED)
    line = str(raised.value)
    assert "\n" not in line and len(line) < 600
    assert "'m'" in line and "127.0.0.1" in line
    assert KEY not in line
    return raised.value


async def error_after(client: Client, reply: Reply, *, seconds: float = 10.0) -> ModelError:
    with wire_server(reply) as server:
        return await error_of(client, server.base_url, seconds=seconds)


@clients
@pytest.mark.parametrize("url", ["http://127.0.0.1:port/v1", "http://127.0.0.1:99999/v1"])
def test_a_port_that_is_none_is_refused_at_once(client: Client, url: str):
    with pytest.raises(ConfigError, match=r"is not a web address \(Port .*http://HOST:PORT"):
        client("m", base_url=url, api_key=None)


@clients
async def test_an_answer_that_is_no_object_is_said_to_be_none(client: Client):
    error = await error_after(client, Reply(body=b"null"))

    assert "not a JSON object but null" in str(error)


@clients
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_overload_is_unavailable(client: Client, status: int):
    error = await error_after(client, wire.failure(status, "busy"))

    assert isinstance(error, ModelUnavailable)
    assert f"HTTP {status} (busy)" in str(error)


@clients
@pytest.mark.parametrize(
    ("status", "remedy"),
    [(400, "supports"), (401, "API key"), (403, "API key"), (404, "base URL"), (422, "supports")],
)
async def test_a_refused_request_says_what_to_do(client: Client, status: int, remedy: str):
    error = await error_after(client, wire.failure(status, "no"))

    assert type(error) is ModelRejected
    assert f"HTTP {status} (no); " in str(error) and remedy in str(error)


@clients
async def test_a_server_that_asks_to_wait_is_quoted(client: Client):
    in_seconds = await error_after(client, wire.failure(429, retry_after="7"))
    in_millis = await error_after(client, wire.failure(503, retry_after_ms="1500"))
    silent = await error_after(client, wire.failure(429))

    waits = [
        e.retry_after for e in (in_seconds, in_millis, silent) if isinstance(e, ModelUnavailable)
    ]
    assert waits == [7.0, 1.5, None]


@clients
async def test_a_key_that_the_server_echoes_is_not_repeated(client: Client):
    error = await error_after(client, wire.failure(401, f"Incorrect key: {KEY} (sk-abc***789)"))

    assert "[key]" in str(error) and "sk-" not in str(error)


@clients
async def test_nobody_listens(client: Client):
    error = await error_of(client, wire.refusing_url())

    assert isinstance(error, ModelUnavailable)
    assert "connection failed" in str(error)


@clients
@pytest.mark.parametrize("reply", [wire.HANGS, wire.DRIPS])
async def test_a_server_that_never_finishes_is_given_up(client: Client, reply: Reply):
    error = await error_after(client, reply, seconds=0.15)

    assert isinstance(error, ModelUnavailable)
    assert "within 0.15 s" in str(error)


@clients
async def test_a_web_page_in_place_of_an_answer(client: Client):
    success = await error_after(client, wire.html())
    failed = await error_after(client, wire.html(502))

    assert "web page" in str(success) and "base URL" in str(success)
    assert "HTTP 502 (a web page)" in str(failed)


@clients
async def test_half_an_answer_is_unavailable(client: Client):
    whole = wire.chat() if client is OpenAIChat else wire.messages(wire.text_block("Hi"))
    cut = Reply(whole.body, breaks_off=True)

    for reply in (wire.half(whole), cut, Reply(b"")):
        error = await error_after(client, reply)
        assert isinstance(error, ModelUnavailable)


@clients
async def test_json_of_another_shape_is_an_error(client: Client):
    for body in ({}, {"choices": None, "content": None}, {"choices": 3, "content": 3}):
        error = await error_after(client, wire.as_json(body))
        assert type(error) is ModelError
        assert "is this the right kind of API?" in str(error)


@clients
async def test_an_error_in_a_successful_response_is_told(client: Client):
    error = await error_after(client, wire.as_json({"error": {"message": "no such upstream"}}))

    assert "no such upstream" in str(error)


async def test_no_choices_is_an_error():
    error = await error_after(OpenAIChat, wire.completion([]))

    assert type(error) is ModelError
    assert "no choices" in str(error)


async def test_text_and_arguments_beyond_the_limit_are_refused():
    huge = "x" * 10_000_000
    replies: list[tuple[Client, Reply]] = [
        (OpenAIChat, wire.chat(huge)),
        (OpenAIChat, wire.chat(None, calls=[wire.call("f", huge)])),
        (AnthropicMessages, wire.messages(wire.text_block(huge))),
        (AnthropicMessages, wire.messages(wire.use_block("f", {"x": huge}))),
    ]
    for client, reply in replies:
        error = await error_after(client, reply)
        assert type(error) is ModelError
        assert "10,000,0" in str(error) and "200,000" in str(error)


@clients
async def test_cancellation_passes_through(client: Client):
    with wire_server(wire.HANGS) as server:
        async with aclosing(client("m", base_url=server.base_url)) as model:
            call = asyncio.ensure_future(model.complete(ASKED))
            await asyncio.to_thread(server.arrived.wait)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call


@clients
async def test_one_client_serves_many_calls_at_once(client: Client):
    reply = wire.chat() if client is OpenAIChat else wire.messages(wire.text_block("Hello"))
    with wire_server(reply) as server:
        async with aclosing(client("m", base_url=server.base_url)) as model:
            answers = await asyncio.gather(*(model.complete(ASKED) for _ in range(8)))
    assert [a.message.text for a in answers] == ["Hello"] * 8


@clients
async def test_a_client_is_a_model_that_is_not_simulated(client: Client):
    async with aclosing(client("m", base_url=wire.refusing_url())) as model:
        assert isinstance(model, Model)
        assert (model.name, model.simulated) == ("m", False)


@clients
@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://", "not a url"])
def test_an_address_that_is_none_is_a_configuration_error(client: Client, url: str):
    with pytest.raises(ConfigError, match="http://HOST:PORT/v1"):
        client("m", base_url=url)


@clients
def test_a_key_that_no_header_can_carry_is_refused_unseen(client: Client):
    with pytest.raises(ConfigError, match="API key") as raised:
        client("m", base_url="http://127.0.0.1:9/v1", api_key=f"{KEY}\nX-Other: 1")
    assert KEY not in str(raised.value)


@clients
async def test_secrets_in_the_address_are_not_shown(client: Client):
    url = wire.refusing_url().replace("127.0.0.1", "user:pw@127.0.0.1") + "?token=pq"

    error = await error_of(client, url)

    assert "pw" not in str(error) and "pq" not in str(error)


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_sdk_is_imported_only_when_used(sdk: str):
    client = "OpenAIChat" if sdk == "openai" else "AnthropicMessages"
    program = (
        "import sys\n"
        "import sidecritic.models, sidecritic.models.wrappers, sidecritic.models.scripted\n"
        f"from sidecritic.models.{sdk} import {client}\n"
        "assert not {'openai', 'anthropic', 'httpx2'} & set(sys.modules)\n"
        f"sys.modules[{sdk!r}] = None\n"
        f"{client}('m')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"run: pip install 'sidecritic[{sdk}]'")


def test_a_wait_is_read_in_every_notation():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30))
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=30))

    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert 25 < (retry_after({"retry-after": soon}) or 0) <= 30
    assert retry_after({"retry-after": past}) == 0
    assert retry_after({"retry-after": "-3"}) == 0
    for useless in ({}, {"retry-after": ""}, {"retry-after": "soon"}, {"retry-after": "inf"}):
        assert retry_after(useless) is None
