"""What `serve` runs: one process, or a supervisor and its workers."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sidecritic.cli import note
from sidecritic.errors import SidecriticError
from sidecritic.settings.environment import environment

if TYPE_CHECKING:
    from sidecritic.assembly.gateway import GatewayMaker
    from sidecritic.cli.gateway.sources import Source
    from sidecritic.gateway.server.app import Server
    from sidecritic.gateway.settings import GatewaySettings
    from sidecritic.gateway.store.sharing import Seat, Worker
    from sidecritic.gateway.telemetry.logs import LogSink


def run(workers: int, maker: "GatewayMaker", settings: "GatewaySettings", source: "Source") -> int:
    """Serve until a signal ends it, here or in several processes; return the exit code."""
    if workers > 1:
        return _supervise(workers, settings, source)
    from sidecritic.gateway.server.process import run as run_alone

    run_alone(_Serving(maker, settings, source).serve())
    return 0


def _supervise(workers: int, settings: "GatewaySettings", source: "Source") -> int:
    from sidecritic.gateway.server.workers import Workers, bound

    listening = bound(settings.listen)
    where = f"http://{settings.listen} with {workers} workers"

    async def supervise(folder: Path) -> int:
        log = _log()
        log.say(f"sidecritic: listening on {where}")
        say = partial(_say, log)
        return await Workers(partial(_work, source), workers, folder, say).serve(listening)

    with TemporaryDirectory(prefix="sidecritic-") as folder:
        return asyncio.run(supervise(Path(folder)))


def _work(source: "Source", seat: "Seat") -> None:
    """Serve as one of several workers, in a process of its own."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(seat.folder)  # before the package is imported
    from sidecritic.assembly.gateway import GatewayMaker
    from sidecritic.gateway.server.process import run as run_alone
    from sidecritic.gateway.store.sharing import seated

    async def work() -> None:
        maker = GatewayMaker(source.folder, environment())
        await _Serving(maker, source.read(), source, await seated(seat)).serve()

    try:
        run_alone(work())
    except SidecriticError as error:
        note(f"sidecritic: {error}")
        raise SystemExit(2) from None


@dataclass(frozen=True, slots=True)
class _Serving:
    maker: "GatewayMaker"
    settings: "GatewaySettings"
    source: "Source"
    worker: "Worker | None" = None

    async def serve(self) -> None:
        from sidecritic.gateway.server.process import serve as listen

        worker = self.worker
        async with aclosing(self.maker):
            server = self.maker.server(self.settings, worker)
            log = _log()
            server.metrics.watch(
                "log_dropped", "Log lines that were not written.", lambda: log.dropped
            )
            self._greet(server, log)

            async def reload() -> None:
                _say(log, await self._reloaded(server))
                await _probe(server, log)

            tasks = [asyncio.create_task(_probe(server, log))] if self._speaks else []
            if worker is None:
                await listen(server, self.settings.listen, reload)
            else:
                tasks.append(asyncio.create_task(_end_with_supervisor(worker)))
                await listen(
                    server,
                    self.settings.listen,
                    reload,
                    listening=worker.seat.listening,
                    started=worker.line.say_ready,
                )
            for task in tasks:
                task.cancel()

    @property
    def _speaks(self) -> bool:
        """Whether this process says what holds for all workers."""
        return self.worker is None or self.worker.seat.number == 0

    def _greet(self, server: "Server", log: "LogSink") -> None:
        modes = f"modes: {_modes(server)}"
        if self.worker is not None:
            _say(log, f"worker {self.worker.seat.number + 1} serves; {modes}")
        else:
            _say(log, f"listening on http://{self.settings.listen}; {modes}")
        if self._speaks:
            for line in (*self.source.remarks(), *_judged(server)):
                _say(log, line)

    async def _reloaded(self, server: "Server") -> str:
        """Apply the settings that are in the file now; the old ones stay if they are wrong."""
        from sidecritic.errors import ConfigError

        listen = self.settings.listen
        try:
            settings = self.source.read()
            if settings.listen != listen:
                # Who may come without a key is decided by where it listens.
                raise ConfigError(
                    f"listen = {settings.listen!r} needs a restart; it is {listen!r} now"
                )
            await server.switch(self.maker.setup(settings))
        except SidecriticError as error:
            return f"not reloaded: {error}"
        return f"reloaded; modes: {_modes(server)}"


def _log() -> "LogSink":
    from sidecritic.gateway.telemetry.logs import log_to

    return log_to(partial(os.write, sys.stderr.fileno()))


def _say(log: "LogSink", text: str) -> None:
    from sidecritic.reports.text import plain

    log.say(f"sidecritic: {plain(text, 2000)}")


async def _probe(server: "Server", log: "LogSink") -> None:
    from sidecritic.gateway.server.probe import probe_critics

    async for line in probe_critics(server.door.setup):
        _say(log, line)


async def _end_with_supervisor(worker: "Worker") -> None:
    """End as a signal would when the supervisor is gone: nobody would replace or stop this one."""
    await worker.line.listen()
    signal.raise_signal(signal.SIGTERM)


def _modes(server: "Server") -> str:
    return ", ".join(f"{name} {mode}" for name, mode in server.door.setup.modes.items())


def _judged(server: "Server") -> Iterator[str]:
    for route in server.door.setup.routes:
        yield f"route {route.name}: {route.judged}"
