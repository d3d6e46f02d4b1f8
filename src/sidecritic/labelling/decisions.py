"""Decisions of the live gateway as a run that can be labelled and learned from.

The export of `sidecritic decisions export` holds whole proposals where the operator keeps
contents. Each becomes a trajectory of one proposal, and a person's label becomes an opinion.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel

from sidecritic.errors import ConfigError
from sidecritic.json_lines import records_in
from sidecritic.recorded import Opinion
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord, digest, write_whole
from sidecritic.trace import Judged, Observed, Proposed, Trajectory, to_line
from sidecritic.types import Briefing, Completion, Judgement, Observation, Proposal, Task, User

ORIGIN = "gateway"
"""Value of the setting `origin` in the `run.json` of such a run."""


class _Content(BaseModel, extra="ignore", frozen=True):
    proposal: Proposal
    judgement: Judgement | None = None


class _Row(BaseModel, extra="ignore", frozen=True):
    id: str
    tenant: str
    route: str
    model: str
    critic: str
    label: Literal["right", "wrong", ""] = ""
    label_note: str = ""
    labelled_by: str = ""
    content: _Content | None = None


class Imported(NamedTuple):
    opinions: tuple[Opinion, ...]
    without_content: int
    """Decisions without content: nothing can be learned from them."""


def import_decisions(file: Path, directory: Path) -> Imported:
    """Write an export of decisions as a run, and return what people said of them.

    The same file gives the same run again; a run of anything else is not touched.

    Raises:
        ConfigError: the file cannot be read, or the directory holds another run.
    """
    rows = list(records_in(file, _Row, advice="give what `sidecritic decisions export` wrote"))
    kept = [(row, row.content) for row in rows if row.content is not None]
    briefings: dict[str, Briefing] = {}
    trajectories = [_trajectory(row, content, briefings) for row, content in kept]
    record = RunRecord(
        command=f"sidecritic datagen label {directory} --decisions {file}",
        settings={"origin": ORIGIN},
        episodes=len(trajectories),
        versions={},
        briefings=briefings,
    )
    _write(directory, record, trajectories)
    opinions = tuple(
        Opinion(
            trajectory=_id(row),
            turn=content.proposal.turn,
            attempt=content.proposal.attempt,
            wrong=row.label == "wrong",
            note=row.label_note,
            by=row.labelled_by,
        )
        for row, content in kept
        if row.label
    )
    return Imported(opinions, len(rows) - len(kept))


def decision_of(trajectory: str, attempt: int) -> str:
    """Return the id of the decision that a label is about.

    An imported decision is a trajectory of its own; otherwise one holds a request's attempts.
    """
    own = trajectory.removeprefix(f"{ORIGIN}:")
    return own if own != trajectory or own.count(".") > 1 else f"{own}.{attempt}"


def _id(row: _Row) -> str:
    return f"{ORIGIN}:{row.id}"


def _trajectory(row: _Row, content: _Content, briefings: dict[str, Briefing]) -> Trajectory:
    proposal = content.proposal
    briefing = Briefing(policy=proposal.policy, tools=proposal.tools, context=proposal.context)
    name = digest(briefing)
    briefings[name] = briefing
    completion = Completion(message=proposal.action, finish="stop", model=row.model)
    turn, attempt = proposal.turn, proposal.attempt
    judged = content.judgement and Judged(turn=turn, attempt=attempt, judgement=content.judgement)
    return Trajectory(
        id=_id(row),
        task=Task(id=_conversation(row, proposal), env=f"{ORIGIN}:{row.route}", split="live"),
        trial=0,
        actor=row.model,
        critic=row.critic,
        briefing=name,
        events=(
            Observed(observation=Observation(messages=proposal.history)),
            Proposed(turn=turn, attempt=attempt, completion=completion),
            *((judged,) if judged else ()),
        ),
    )


def _conversation(row: _Row, proposal: Proposal) -> str:
    """Return a name of the conversation: what begins with the same words is one."""
    opening = next((m.text for m in proposal.history if isinstance(m, User)), row.id)
    return sha256(f"{row.tenant}\n{opening}".encode()).hexdigest()[:16]


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
