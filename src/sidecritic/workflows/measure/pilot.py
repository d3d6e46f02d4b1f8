"""A pilot: read what is known of a critic in shadow and under enforcement, and say what it says.

Sources are one of these kinds:

    gateway.toml                 the store of a gateway
    decisions.jsonl              what `decisions export` wrote
    RUN RUN                      runs of `eval`, without a critic and with one
    replay.json                  what `replay --json` printed
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.json_lines import records_in
from sidecritic.runs import RUN_FILE, read_run
from sidecritic.scoring.pilot import REPAIR, SPOIL, Pilot, pilot_of
from sidecritic.scoring.pilot_counts import (
    DecisionLine,
    ReplayLine,
    decisions_counted,
    episodes_counted,
    replay_counted,
)
from sidecritic.settings.environment import environment
from sidecritic.settings.gateway_file import gateway_settings
from sidecritic.trace import Trajectory


@dataclass(frozen=True, slots=True)
class PilotRequest:
    """What to read, and what to assume where nothing was enforced."""

    sources: tuple[Path, ...]
    route: str | None = None
    """Of a gateway: only its decisions."""
    repair: float = REPAIR
    """Share of refused wrong actions that the actor then gets right."""
    spoil: float = SPOIL
    """Share of refused right actions whose conversation then ends worse."""


def pilot(request: PilotRequest) -> Pilot:
    """Count what the sources hold, and weigh it.

    Raises:
        ConfigError: a source cannot be read, or they are of several kinds.
    """
    kinds = {_kind(source) for source in request.sources}
    if len(kinds) != 1:
        raise ConfigError(
            f"sources of several kinds cannot be weighed together: {', '.join(sorted(kinds))}; "
            "give one kind"
        )
    assumed = {"repair": request.repair, "spoil": request.spoil}
    match kinds.pop():
        case "runs":
            return pilot_of(*episodes_counted(*_runs(request.sources)))
        case "replay":
            first, *others = request.sources
            if others:
                raise ConfigError("give one replay: several may hold the same chats")
            return pilot_of(*replay_counted(_replay(first), **assumed))
        case _:
            lines = [line for source in request.sources for line in _lines(source, request.route)]
            return pilot_of(*decisions_counted(lines, **assumed))


def _kind(source: Path) -> str:
    if source.is_dir():
        return "runs"
    return "replay" if source.suffix == ".json" else "decisions"


def _runs(directories: Sequence[Path]) -> tuple[list[Trajectory], list[Trajectory]]:
    """Return the episodes without a critic, and those with the one that there is."""
    alone: list[Trajectory] = []
    supervised: list[Trajectory] = []
    critics: set[str] = set()
    for run in map(read_run, directories):
        critic = str(run.record.settings.get("critic", "none"))
        (alone if critic == "none" else supervised).extend(run.trajectories)
        critics |= {critic} - {"none"}
    if len(critics) > 1:
        raise ConfigError(f"runs of several critics: {', '.join(sorted(critics))}; give one's")
    if not alone or not supervised:
        lacking = "--critic none" if not alone else "the critic"
        raise ConfigError(
            f"no episode with {lacking}; play the same tasks and seed without and with the "
            "critic, and give both runs"
        )
    return alone, supervised


def _replay(file: Path) -> ReplayLine:
    try:
        return ReplayLine.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as cause:
        problem = first_problem(cause) if isinstance(cause, ValidationError) else cause
        raise ConfigError(
            f"cannot read {file}: {problem}; give what `sidecritic replay --json` printed"
        ) from cause


def _lines(source: Path, route: str | None) -> Iterator[DecisionLine]:
    if source.suffix == ".toml":
        yield from stored(source, route)
        return
    advice = f"give what `sidecritic decisions export` wrote, or a folder with {RUN_FILE}"
    for line in records_in(source, DecisionLine, advice=advice):
        if route is None or line.route == route:
            yield line


def stored(config: Path, route: str | None) -> Iterator[DecisionLine]:
    """Walk over the decisions that a gateway has stored.

    Raises:
        ConfigError: the settings or the store cannot be read.
    """
    # Everything else here works without the gateway's packages.
    from sidecritic.assembly.gateway import queries_for
    from sidecritic.gateway.store.queries import Selection

    desk = queries_for(gateway_settings(config), environment())
    for row in desk.export(Selection(route=route)):
        yield DecisionLine.model_validate(row)
