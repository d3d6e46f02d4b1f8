"""A real MCP client and a real MCP server with the proxy between them."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest
import uvicorn
from typer.testing import CliRunner

mcp = pytest.importorskip("mcp")

from mcp.shared.memory import create_client_server_memory_streams  # noqa: E402
from mcp.shared.message import SessionMessage  # noqa: E402
from mcp_types import JSONRPCError, JSONRPCRequest, TextContent  # noqa: E402

from sidecritic.adapters.mcp import Proxy  # noqa: E402
from sidecritic.adapters.mcp_lines import reached  # noqa: E402
from sidecritic.adapters.turns import Oversight  # noqa: E402
from sidecritic.cli.app import app  # noqa: E402
from sidecritic.types import (  # noqa: E402
    Answers,
    Assistant,
    Escalate,
    Halt,
    Limits,
    Replace,
    ToolCall,
)
from tests.gateway import Asked, approves, refuses  # noqa: E402
from tests.unit.adapters.mcp_shop import Shop  # noqa: E402

BOTH_AGES = pytest.mark.parametrize("mode", ["legacy", "auto"])
"""With the handshake of earlier versions of the protocol, and without."""


@asynccontextmanager
async def proxied(shop: Shop, oversight: Oversight, **more: Any) -> AsyncGenerator[Any]:
    """Yield a client whose server stands behind a proxy, all in this process."""

    @asynccontextmanager
    async def line() -> AsyncGenerator[Any]:
        lowlevel = shop.server._lowlevel_server  # pyright: ignore[reportPrivateUsage]
        async with (
            create_client_server_memory_streams() as (client, to_proxy),
            create_client_server_memory_streams() as (from_proxy, server),
            anyio.create_task_group() as tasks,
        ):
            options = lowlevel.create_initialization_options()
            tasks.start_soon(lowlevel.run, *server, options)
            tasks.start_soon(Proxy(oversight, to_proxy, from_proxy).run)
            yield client
            tasks.cancel_scope.cancel()

    async with mcp.Client(line(), **more) as client:
        yield client


def text(result: Any) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


@BOTH_AGES
async def test_a_wrong_call_is_refused_with_feedback_and_a_right_one_carried_out(mode: str) -> None:
    shop, critic = Shop(), refuses("delete_order")
    async with proxied(shop, Oversight(critic, policy="Keep orders."), mode=mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {
            "get_order",
            "refund_order",
            "delete_order",
            "wait",
        }
        refused = await client.call_tool("delete_order", {"order": "B2"})
        done = await client.call_tool("refund_order", {"order": "B2"})
    assert refused.is_error
    assert "Not that one." in text(refused)
    assert not done.is_error
    assert text(done) == "refunded B2"
    assert shop.ran == ["refund B2"]
    assert [p.policy for p in critic.seen] == ["Keep orders.", "Keep orders."]


async def test_the_critic_sees_what_was_carried_out_before_and_the_tools_as_listed() -> None:
    shop, critic = Shop(), approves()
    async with proxied(shop, Oversight(critic, gate="all")) as client:
        await client.list_tools()
        await client.call_tool("get_order", {"order": "B2"})
        await client.call_tool("refund_order", {"order": "B2"})
    proposal = critic.seen[1]
    assert [(m.role, getattr(m, "text", "")) for m in proposal.history] == [
        ("assistant", ""),
        ("tool", "B2: one kettle"),
    ]
    assert next(t for t in proposal.tools if t.name == "refund_order").parameters["required"]


@pytest.mark.parametrize(("trusts", "asked"), [(True, ["delete_order"]), (False, None)])
async def test_a_tools_claim_to_only_read_counts_where_it_is_trusted(
    trusts: bool, asked: list[str] | None
) -> None:
    shop, critic = Shop(), approves()
    oversight = Oversight(critic, gate="writes", trust_annotations=trusts)
    async with proxied(shop, oversight) as client:
        await client.list_tools()
        for tool in ("get_order", "delete_order"):
            await client.call_tool(tool, {"order": "B2"})
    assert [p.action.calls[0].name for p in critic.seen] == (asked or ["get_order", "delete_order"])


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Escalate(reason="large"), "colleague"),
        (Halt(reason="fraud"), "fraud"),
        (Replace(action=Assistant(text="Ask first."), reason="x"), "Ask first."),
    ],
)
async def test_other_verdicts_are_an_error_result_too(verdict: Any, said: str) -> None:
    shop = Shop()
    async with proxied(shop, Oversight(Asked(lambda p: verdict))) as client:
        result = await client.call_tool("refund_order", {"order": "B2"})
    assert result.is_error
    assert said in text(result)
    assert shop.ran == []


async def test_a_call_that_the_critic_replaces_is_carried_out_in_its_place() -> None:
    call = ToolCall(id="x", name="refund_order", arguments={"order": "B3"}, raw='{"order": "B3"}')
    better = Replace(action=Assistant(calls=(call,)), reason="typo")
    shop = Shop()
    async with proxied(shop, Oversight(Asked(lambda p: better))) as client:
        assert text(await client.call_tool("refund_order", {"order": "B2"})) == "refunded B3"
    assert shop.ran == ["refund B3"]


@pytest.mark.parametrize(("answer", "ran"), [("fallback", []), ("pass", ["refund B2"])])
async def test_a_critic_that_fails_does_what_is_declared(answer: Any, ran: list[str]) -> None:
    def breaks(proposal: Any) -> None:
        raise RuntimeError("broken")

    limits = Limits(on_critic_failure=Answers(writes=answer))
    shop = Shop()
    async with proxied(shop, Oversight(Asked(breaks), limits=limits)) as client:
        result = await client.call_tool("refund_order", {"order": "B2"})
    assert result.is_error is (answer == "fallback")
    assert shop.ran == ran


@BOTH_AGES
async def test_progress_passes_and_a_cancelled_call_is_cancelled_in_the_server(mode: str) -> None:
    shop, begun = Shop(), anyio.Event()

    async def progress(*given: Any) -> None:
        begun.set()

    async with proxied(shop, Oversight(approves()), mode=mode) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.call_tool("wait", {}, progress_callback=progress))
            await begun.wait()
            tasks.cancel_scope.cancel()
        while not shop.cancelled:
            await anyio.lowlevel.checkpoint()


async def test_a_call_that_is_cancelled_while_it_is_judged_never_reaches_the_server() -> None:
    asked, ended = anyio.Event(), anyio.Event()

    async def ponders(proposal: Any) -> None:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    shop = Shop()
    async with proxied(shop, Oversight(Asked(ponders))) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "delete_order", {"order": "B2"})
            await asked.wait()
            tasks.cancel_scope.cancel()
        await ended.wait()
        assert (await client.list_tools()).tools, "everything else goes on meanwhile"
    assert shop.ran == []


@pytest.mark.parametrize(
    "params", [None, {}, {"name": 3}, {"name": "get_order", "arguments": "{}"}, {"arguments": {}}]
)
async def test_a_call_that_cannot_be_read_is_an_error_and_goes_no_further(params: Any) -> None:
    critic = approves()
    async with (
        create_client_server_memory_streams() as (client, to_proxy),
        create_client_server_memory_streams() as (from_proxy, server),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(Proxy(Oversight(critic), to_proxy, from_proxy).run)
        request = JSONRPCRequest(jsonrpc="2.0", id=1, method="tools/call", params=params)
        await client[1].send(SessionMessage(request))
        await client[1].send(SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=2, method="ping")))
        answer, arrived = await client[0].receive(), await server[0].receive()
        assert isinstance(answer, SessionMessage)
        assert isinstance(answer.message, JSONRPCError)
        assert isinstance(arrived, SessionMessage)
        assert isinstance(arrived.message, JSONRPCRequest)
        assert arrived.message.method == "ping", "the call did not arrive before it"
        tasks.cancel_scope.cancel()
    assert critic.seen == []


# --- over real lines ---------------------------------------------------------------------


@contextmanager
def served(shop: Shop) -> Generator[str]:
    """Serve the shop over streamable HTTP, in a thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = shop.server.streamable_http_app()
    listener = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = Thread(target=lambda: asyncio.run(listener.serve()))
    thread.start()
    try:
        while not listener.started:
            thread.join(0.005)
            assert thread.is_alive()
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        listener.should_exit = True
        thread.join()


@BOTH_AGES
async def test_a_server_over_http_stands_behind_the_proxy_as_well(mode: str) -> None:
    shop = Shop()

    @asynccontextmanager
    async def line() -> AsyncGenerator[Any]:
        async with (
            create_client_server_memory_streams() as (client, to_proxy),
            reached(url, {}) as server,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(Proxy(Oversight(refuses("delete_order")), to_proxy, server).run)
            yield client
            tasks.cancel_scope.cancel()

    with served(shop) as url:
        async with mcp.Client(line(), mode=mode) as client:
            assert (await client.call_tool("delete_order", {"order": "B2"})).is_error
            done = await client.call_tool("refund_order", {"order": "B2"})
    assert text(done) == "refunded B2"
    assert shop.ran == ["refund B2"]


def test_the_command_stands_in_for_a_server_that_speaks_stdio() -> None:
    example = Path(__file__).parents[3] / "examples" / "mcp_proxy.py"
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=120)
    refused, refunded = done.stdout.splitlines()
    assert "never deleted" in refused
    assert refunded == "B2 is refunded"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--critic", "none"], "give one server"),
        (["--critic", "none", "--url", "http://x", "--", "y"], "give one server"),
        (["--", "server"], "give a critic"),
        (["--critic", "none", "--gate", "some", "--", "server"], "unknown gate 'some'"),
        (["--critic", "none", "--policy", "absent.md", "--", "server"], "cannot read policy"),
    ],
)
def test_what_the_command_cannot_use_is_named(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["mcp-proxy", *words])
    assert done.exit_code == 2
    assert message in done.output


@pytest.mark.parametrize(
    ("server", "code", "said"),
    [([sys.executable, "-c", ""], 0, b""), (["no-such-program"], 2, b"no program 'no-such")],
    ids=["server that ends", "server that is not there"],
)
def test_the_command_ends_with_its_server(server: list[str], code: int, said: bytes) -> None:
    words = ["-m", "sidecritic", "mcp-proxy", "--critic", "none", "--", *server]
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, *words], stdin=pipe, stderr=pipe) as running:
        assert running.wait(60) == code
        assert running.stderr is not None
        assert said in running.stderr.read()
