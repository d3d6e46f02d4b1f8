"""The viewer on a free port of this machine, in a thread."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import uvicorn


@contextmanager
def serving(app: Any) -> Generator[str]:
    """Serve for the length of the block; give the address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    started = Event()

    def run() -> None:
        started.set()
        server.run(sockets=[listening])

    thread = Thread(target=run)
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
