"""Labelled conversations and live decisions as a run that can be labelled and learned from.

Each conversation of a chat log, and each proposal of `sidecritic decisions export`, becomes a
trajectory, and what a person said of it an opinion.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sidecritic.errors import ConfigError
from sidecritic.recorded import GATEWAY, Opinion
from sidecritic.recordings import Operator, load
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord, digest, write_whole
from sidecritic.trace import Trajectory, to_line
from sidecritic.types import Briefing

ORIGIN = GATEWAY
"""Value of the setting `origin` in the `run.json` of such a run."""


class Imported(NamedTuple):
    opinions: tuple[Opinion, ...]
    without_content: int
    """Decisions without content, conversations without messages: there is nothing to learn from."""


def import_decisions(file: Path, directory: Path, operator: Operator | None = None) -> Imported:
    """Write an export of decisions, or a chat log, as a run; return what people said of it.

    The same file gives the same run again; a run of anything else is not touched.

    Raises:
        ConfigError: the file cannot be read, or the directory holds another run.
    """
    found = load([file], operator)
    if found.problems:
        raise ConfigError(
            f"{found.problems[0]}; give what `sidecritic decisions export` wrote, or a chat log"
        )
    briefings: dict[str, Briefing] = {}
    trajectories: list[Trajectory] = []
    for run in found.runs:
        name = digest(run.briefing)
        briefings[name] = run.briefing
        trajectories.append(run.trajectory.model_copy(update={"briefing": name}))
    record = RunRecord(
        command=f"sidecritic datagen label {directory} --decisions {file}",
        settings={"origin": ORIGIN},
        episodes=len(trajectories),
        versions={},
        briefings=briefings,
    )
    _write(directory, record, trajectories)
    return Imported(tuple(o for run in found.runs for o in run.opinions), found.empty)


def decision_of(trajectory: str, attempt: int) -> str:
    """Return the id of the decision that a label is about.

    An imported decision is a trajectory of its own; otherwise one holds a request's attempts.
    """
    own = trajectory.removeprefix(f"{ORIGIN}:")
    return own if own != trajectory or own.count(".") > 1 else f"{own}.{attempt}"


def _write(directory: Path, record: RunRecord, trajectories: Iterable[Trajectory]) -> None:
    file = directory / RUN_FILE
    if file.exists():
        there = RunRecord.model_validate_json(file.read_bytes()).settings.get("origin")
        if there != ORIGIN:
            raise ConfigError(f"{directory} holds another run; name a new directory")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_whole(file, record.model_dump_json(indent=2) + "\n")
        write_whole(directory / TRAJECTORIES_FILE, "".join(map(to_line, trajectories)))
    except OSError as cause:
        raise ConfigError(f"cannot write {directory}: {cause.strerror}") from cause
