"""Where `serve` has its settings from: a file, or flags alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sidecritic.gateway.settings import GatewaySettings
from sidecritic.reports.effects import WORDS
from sidecritic.seats.effects import Proposed, without_guessed_reads
from sidecritic.settings.gateway_file import gateway_settings
from sidecritic.settings.start import Start, started
from sidecritic.types import Effect
from sidecritic.workflows.setup.folder import rows_of


class Source(Protocol):
    @property
    def folder(self) -> Path:
        """What paths in the settings are relative to."""
        ...

    def read(self) -> GatewaySettings:
        """Return the settings as they are now.

        Raises:
            ConfigError: they cannot be used.
        """
        ...

    def remarks(self) -> Iterator[str]:
        """Yield what the operator should see at the start."""
        ...


@dataclass(frozen=True, slots=True)
class FromFile:
    file: Path

    @property
    def folder(self) -> Path:
        return self.file.parent

    def read(self) -> GatewaySettings:
        return gateway_settings(self.file)

    def remarks(self) -> Iterator[str]:
        yield from ()


@dataclass(frozen=True, slots=True)
class FromFlags:
    """Without a file, the effects of tools are those that `init` would propose.

    Nobody has looked at them: under enforcement, a tool that only seems to read counts as a write.
    """

    start: Start

    @property
    def folder(self) -> Path:
        return Path()

    def read(self) -> GatewaySettings:
        return started(self.start, self.folder, self._tools())

    def remarks(self) -> Iterator[str]:
        by_effect: dict[Effect, list[str]] = {}
        for each in self._tools():
            by_effect.setdefault(each.effect, []).append(each.tool.name)
        if by_effect:
            told = "; ".join(f"{WORDS[key]}: {', '.join(by_effect[key])}" for key in by_effect)
            yield f"effects of tools, as proposed (`sidecritic init` lets you correct them): {told}"
            if self.start.mode == "enforce":
                yield "a tool that only seems to read is judged: nobody has looked at what it does"

    def _tools(self) -> tuple[Proposed, ...]:
        tools = rows_of(self.start.tools)
        return without_guessed_reads(tools) if self.start.mode == "enforce" else tools
