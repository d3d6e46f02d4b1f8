"""What a run leaves behind, and how to read it.

    runs/<id>/run.json              settings, versions and briefings, written before the first
                                    episode and never again
    runs/<id>/trajectories.jsonl    one line an episode, appended
    runs/<id>/scores.json           made from the two above, at any time
    runs/<id>/report.md             likewise

Everything after a rollout starts here, and plays nothing.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import JsonValue, ValidationError

from sidecritic.errors import ConfigError, TraceError, first_problem
from sidecritic.trace import Trajectory, from_lines
from sidecritic.types import Briefing, Record

RUN_FILE = "run.json"
TRAJECTORIES_FILE = "trajectories.jsonl"
SCORES_FILE = "scores.json"
REPORT_FILE = "report.md"


SCHEMA_VERSION: Literal[1] = 1


class RunRecord(Record):
    """The contents of `run.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    command: str
    """The command line that made the run."""
    settings: dict[str, JsonValue]
    """Everything that decides the results; a resumed run must agree in every key."""
    episodes: int
    """How many episodes the run has when it is complete."""
    versions: dict[str, dict[str, str]]
    """Package, task set and grader, by environment."""
    briefings: dict[str, Briefing]
    """Policy, tools and system prompt by digest; trajectories name the digest."""


class Run(NamedTuple):
    directory: Path
    record: RunRecord
    trajectories: tuple[Trajectory, ...]
    problems: tuple[TraceError, ...]
    """One for each line that could not be read."""


def digest(briefing: Briefing) -> str:
    """Return the name under which a briefing is stored."""
    # Runs that were stored before there was a context keep their names.
    known = briefing.model_dump_json(exclude=None if briefing.context else {"context"})
    return sha256(known.encode()).hexdigest()[:16]


def read_record(directory: Path) -> RunRecord:
    """Read `run.json`.

    Raises:
        ConfigError: the file is missing, or cannot be read.
    """
    file = directory / RUN_FILE
    try:
        return RunRecord.model_validate_json(file.read_bytes())
    except FileNotFoundError as cause:
        raise ConfigError(
            f"no run in {directory}: {RUN_FILE} is missing; "
            "give the directory that `sidecritic eval --out` wrote"
        ) from cause
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}") from cause
    except ValidationError as cause:
        raise ConfigError(f"cannot read {file}: {_remedy(cause)}") from cause


def _remedy(cause: ValidationError) -> str:
    problem = first_problem(cause)
    if problem.kind == "json_invalid":
        return (
            f"it is damaged ({problem.message}); restore it from a copy, or play the run again "
            "with another --out"
        )
    versions = [e["input"] for e in cause.errors() if e["loc"] == ("schema_version",)]
    if any(isinstance(version, int) and version > SCHEMA_VERSION for version in versions):
        return (
            f"schema version {versions[0]}, and this sidecritic reads up to {SCHEMA_VERSION}; "
            "run: pip install --upgrade sidecritic"
        )
    return (
        f"it is damaged, or not a run's file: {problem}; restore it from a copy, "
        "or play the run again with another --out"
    )


def read_run(directory: Path) -> Run:
    """Read a run, finished or not.

    Raises:
        ConfigError: the directory holds no run.
    """
    record = read_record(directory)
    file = directory / TRAJECTORIES_FILE
    try:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            loaded = from_lines(lines, file=str(file))
    except FileNotFoundError:
        return Run(directory, record, (), ())
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}") from cause
    return Run(directory, record, loaded.trajectories, loaded.problems)


def write_whole(file: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never a part."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    finally:
        # Gone already where all went well.
        with suppress(OSError):
            draft.unlink(missing_ok=True)
