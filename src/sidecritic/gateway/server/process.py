"""A server as a process: its socket, its signals, its shutdown."""

import asyncio
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from sidecritic.gateway.server.app import Server, make_app
from sidecritic.gateway.server.heads import BoundedHttp
from sidecritic.gateway.services import Closing

_UNCOLLECTED = 20_000
"""Live objects between two searches for cycles.

A request leaves no cycle behind. At Python's default of 700, dozens of requests under way are
walked several times each, a tenth of their cost; 20,000 objects are a few megabytes at most.
"""

_SWITCH = 0.0005
"""Seconds after which a thread lets another one run.

The loop waits for the lock of the interpreter at each step of a request. At Python's default of
5 ms, four busy threads make it wait 20 ms each time.
"""


Step = Callable[[], Coroutine[None, None, None]]


class _Listener(uvicorn.Server):
    """A server whose critics hear of its end as soon as it does."""

    def __init__(self, config: uvicorn.Config, closing: Closing, started: Step) -> None:
        super().__init__(config)
        self._tell_started = started
        self._tell = partial(asyncio.get_running_loop().call_soon_threadsafe, closing.begin)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._tell_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._tell()
        super().handle_exit(sig, frame)


async def _nothing() -> None: ...


async def serve(
    server: Server,
    listen: str,
    reload: Step,
    *,
    listening: Sequence[socket.socket] | None = None,
    started: Step = _nothing,
) -> None:
    """Serve until a signal ends it, and finish requests in flight; `SIGHUP` reloads.

    `listening` are sockets that are open already; `started` is awaited when requests are served.
    """
    host, _, port = listen.rpartition(":")
    listener = _Listener(
        uvicorn.Config(
            make_app(server),
            http=BoundedHttp,
            host=host.strip("[]"),
            port=int(port),
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            # A client's address is not used, so no header needs to be trusted with it.
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=int(server.door.setup.limits.shutdown),
        ),
        server.door.services.closing,
        started,
    )
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def begin_reload() -> None:
        task = loop.create_task(reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    _tune()
    loop.add_signal_handler(signal.SIGHUP, begin_reload)
    for number in (signal.SIGINT, signal.SIGTERM):
        # The listener raises its signal again; after a graceful shutdown that is no failure.
        signal.signal(number, signal.SIG_IGN)
    await listener.serve(None if listening is None else [*listening])


def _tune() -> None:
    """Prepare this process for many requests at the same time."""
    # A connection takes a descriptor; many systems allow 1,024 unless more are asked for.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.setswitchinterval(_SWITCH)
    gc.freeze()  # what has been loaded stays
    gc.set_threshold(_UNCOLLECTED, *gc.get_threshold()[1:])


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine, on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
