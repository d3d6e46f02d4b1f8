"""A real gateway on loopback, in a thread, in front of a server from `tests.wire`.

with wire_server(chat("Hi")) as upstream, gateway(upstream.root, critic=critic) as door:
    OpenAI(base_url=f"{door.root}/v1", api_key="k")
"""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import httpx2
import uvicorn

from sidecritic.assembly.gateway import GatewayMaker
from sidecritic.critics.base import FunctionCritic, JudgeFunction
from sidecritic.gateway.server.app import Server, make_app
from sidecritic.gateway.server.heads import BoundedHttp
from sidecritic.gateway.settings import GatewaySettings
from sidecritic.gateway.telemetry.spans import Traces
from sidecritic.types import Proposal, Revise

Row = dict[str, Any]


@dataclass
class Asked:
    """A critic made of a function, which remembers what it was asked."""

    judge_with: JudgeFunction
    seen: list[Proposal] = field(default_factory=list[Proposal])
    name: str = "asked"

    async def judge(self, proposal: Proposal) -> Any:
        self.seen.append(proposal)
        return await FunctionCritic(self.judge_with, name=self.name).judge(proposal)


def approves() -> Asked:
    return Asked(lambda proposal: None)


def refuses(*names: str) -> Asked:
    """Refuse calls of these tools, and texts that say one of these words."""

    def judge(proposal: Proposal) -> Revise | None:
        action = proposal.action
        bad = [c.id for c in action.calls if c.name in names]
        if bad:
            return Revise(feedback="Not that one.", calls=tuple(bad))
        if not action.calls and any(name in action.text for name in names):
            return Revise(feedback="Do not say that.")
        return None

    return Asked(judge)


@dataclass
class Running:
    root: str
    server: Server
    folder: Path

    def rows(self) -> list[Row]:
        """Return the decisions on file, once what is judged afterwards has been."""
        from sqlalchemy import create_engine, select

        from sidecritic.gateway.store.tables import DECISIONS

        engine = create_engine(f"sqlite:///{self.folder / 'decisions.db'}")
        with engine.connect() as connection:
            query = select(DECISIONS).order_by(DECISIONS.c.at, DECISIONS.c.id)
            found = [dict(row) for row in connection.execute(query).mappings()]
        engine.dispose()
        return found

    def settled(self) -> list[Row]:
        """Return the decisions when nothing is being judged any more."""
        self.on_loop(self.server.door.services.background.finish(10))
        return self.rows()

    def on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)


def settings_for(url: str, folder: Path, **given: Any) -> GatewaySettings:
    """Return settings with an OpenAI and an Anthropic route; keywords go to both."""
    top = {key: given.pop(key) for key in ("clients", "limits", "store", "traces") if key in given}
    store = {"url": f"sqlite:///{folder / 'decisions.db'}", **top.pop("store", {})}
    if busy := store.pop("busy", None):  # seconds that a lock is waited for
        store["url"] += f"?timeout={busy}"
    upstream_settings = given.pop("upstream", {})
    route = {"mode": "enforce", "gate": "all", **given}
    return GatewaySettings.model_validate(
        {
            "upstreams": {
                "openai": {"base_url": f"{url}/v1", **upstream_settings},
                "anthropic": {
                    "base_url": url,
                    "provider": "anthropic",
                    **upstream_settings,
                },
            },
            "routes": {
                "openai": {"upstream": "openai", **route},
                "anthropic": {"upstream": "anthropic", **route},
            },
            "store": store,
            **top,
        }
    )


@contextmanager
def gateway(
    url: str,
    *,
    critic: Any = None,
    traced: Traces | None = None,
    http: type[BoundedHttp] = BoundedHttp,
    **given: Any,
) -> Generator[Running]:
    """Run a gateway for the length of the block; it must end with nothing under way."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        if isinstance(critic, str):
            given["critic"] = critic
        settings = settings_for(url, folder, **given)
        maker = GatewayMaker(folder, {"UPSTREAM_KEY": "sk-upstream-0123456789"})
        server = maker.server(settings)
        if traced is not None:
            services = replace(server.door.services, traces=traced)
            server = replace(server, door=replace(server.door, services=services))
        if critic is not None and not isinstance(critic, str):
            setup = server.door.setup
            routes = tuple(replace(route, critic=critic) for route in setup.routes)
            server.door.setup = replace(setup, routes=routes)
        with served(server, http) as (root, loop):
            yield Running(root, server, folder, loop)


@contextmanager
def served(
    server: Server, http: type[BoundedHttp] = BoundedHttp
) -> Generator[tuple[str, asyncio.AbstractEventLoop]]:
    config = uvicorn.Config(
        make_app(server),
        http=http,
        port=0,
        log_config=None,
        server_header=False,
        date_header=False,
    )
    listener = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        await listener.serve()

    thread = Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        while not listener.started:
            thread.join(0.005)
            assert thread.is_alive(), "the gateway did not start"
        port = listener.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", loops[0]
    finally:
        listener.should_exit = True
        thread.join()


def post(door: Running, path: str, body: Any, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {
        "content-type": "application/json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    with httpx2.Client(trust_env=False, timeout=20) as client:
        return client.post(f"{door.root}/{path}", content=content, headers=sent)


def code(response: httpx2.Response) -> str:
    return response.json()["error"]["code"]
