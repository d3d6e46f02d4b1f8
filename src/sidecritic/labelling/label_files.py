"""Labels from wherever they come: the one reader of every command that takes labels.

One JSON object a line, each a label in itself:

    {"trajectory": "5f0e...", "turn": 7, "call_id": "c2", "wrong": true, "note": "...", "by": "jo"}

That is what pages write and `labels.jsonl` holds. Instead of `trajectory` it may say `id`, of
`call_id` `call`, of `wrong` `"label": "wrong"`, of `note` `why` or `evidence`. An export of live
decisions (with labels and rulings on reviews) and a chat log with `labels` are read as well.

A line with `detectable` says of the first wrong write of a benchmark's run, known by `file`,
`simulation`, `tool` and `arguments`, whether it could have been known to be wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from sidecritic.errors import ConfigError
from sidecritic.json_lines import lines_in, parsed
from sidecritic.labelling.store import read_labels
from sidecritic.labelling.trust import TRUST
from sidecritic.recorded import Opinion, ReadersLabels, Recorded, file_among
from sidecritic.recordings import load
from sidecritic.recordings.files import holds_runs
from sidecritic.trace import Proposed
from sidecritic.types import Assistant
from sidecritic.writes import normal_form


class GivenLabels(NamedTuple):
    """What people have said."""

    opinions: tuple[Opinion, ...] = ()
    """Of two of one place the later counts."""
    readers: ReadersLabels | None = None
    """Of first wrong writes of benchmarks; `None` where the labels do not speak of them."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    trajectory: str = Field(validation_alias=AliasChoices("trajectory", "id"))
    turn: int = Field(ge=0)
    attempt: int = Field(default=0, ge=0)
    call_id: str | None = Field(default=None, validation_alias=AliasChoices("call_id", "call"))
    wrong: bool | None = None
    label: Literal["right", "wrong"] | None = None
    feedback: str = ""
    note: str = Field(default="", validation_alias=AliasChoices("note", "why", "evidence"))
    by: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _says_which(self) -> "_Line":
        if self.wrong is None and self.label is None:
            raise ValueError('it says neither "wrong": true or false nor "label": "wrong", "right"')
        return self

    @property
    def opinion(self) -> Opinion:
        return Opinion(
            trajectory=self.trajectory,
            turn=self.turn,
            attempt=self.attempt,
            call_id=self.call_id,
            wrong=self.label == "wrong" if self.wrong is None else self.wrong,
            feedback=self.feedback,
            note=self.note,
            by=self.by,
        )


class _Readers(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str
    simulation: int
    tool: str
    arguments: dict[str, Any]
    detectable: bool


def read_labels_file(file: Path) -> GivenLabels:
    """Read labels in any of their forms; of two for one place the later counts.

    Raises:
        ConfigError: they cannot be read, or there is none; the message names the line.
    """
    given = _in_runs(file) if holds_runs(file) else _by_line(file)
    if not given.opinions and given.readers is None:
        raise ConfigError(f"{file} holds no labels; docs/json.md shows how one is written")
    return given


def opinions_in(directory: Path) -> tuple[Opinion, ...]:
    """Return the labels that stand in a run's folder; of two for one place the more trusted.

    Raises:
        ConfigError: a line cannot be read.
    """
    # A check's opinion is no label: to measure a critic by it would be to agree with it.
    labels = [label for label in read_labels(directory) if label.source != "rule"]
    labels.sort(key=lambda label: TRUST.index(label.source), reverse=True)
    return tuple(
        {
            label.place: Opinion(
                **label.place._asdict(),
                wrong=label.wrong,
                feedback=label.feedback,
                note=label.evidence,
                by=label.source,
            )
            for label in labels
        }.values()
    )


def _in_runs(file: Path) -> GivenLabels:
    """Return the labels that stand in a chat log, or in an export of decisions."""
    imported = load([file])
    if imported.problems:
        raise ConfigError(str(imported.problems[0]))
    return GivenLabels(tuple(o for run in imported.runs for o in run.opinions))


def _by_line(file: Path) -> GivenLabels:
    lines = lines_in(file)
    of_readers = ['"simulation"' in line or '"detectable"' in line for line in lines]
    # Lines of the other kind are left empty, so that an error names the right one.
    mine = ["" if of else line for line, of in zip(lines, of_readers, strict=True)]
    theirs = [line if of else "" for line, of in zip(lines, of_readers, strict=True)]
    # A check's opinion is no label: to measure a critic by it would be to agree with it.
    said = [line for line in parsed(mine, _Line, file) if line.source != "rule"]
    readers = {
        (line.file, line.simulation, normal_form(line.tool, line.arguments)): line.detectable
        for line in parsed(theirs, _Readers, file)
    }
    return GivenLabels(tuple(line.opinion for line in said), readers or None)


def among(labels: ReadersLabels, runs: Iterable[Recorded]) -> ReadersLabels:
    """Return readers' labels with the names that their files have among these runs.

    Raises:
        ConfigError: one may be of several of the files.
    """
    files = {run.file for run in runs}
    names = {name: file_among(name, files) or name for name in {key[0] for key in labels}}
    return {(names[name], *rest): knowable for (name, *rest), knowable in labels.items()}  # pyright: ignore[reportReturnType]


class Attached(NamedTuple):
    runs: tuple[Recorded, ...]
    unheard: int
    """Opinions about runs that are not there."""


def attached(runs: Sequence[Recorded], opinions: Iterable[Opinion]) -> Attached:
    """Return the runs with these opinions, each in place of an earlier one on the same action.

    Raises:
        ConfigError: an opinion is about a proposal, or a call, that its run does not have.
    """
    by_run: Mapping[str, list[Opinion]] = defaultdict(list)
    for opinion in opinions:
        by_run[opinion.trajectory].append(opinion)
    found = [_with(run, by_run.pop(run.trajectory.id, [])) for run in runs]
    return Attached(tuple(found), sum(map(len, by_run.values())))


def _with(run: Recorded, opinions: Sequence[Opinion]) -> Recorded:
    if not opinions:
        return run
    actions: dict[tuple[int, int], Assistant] = {
        (event.turn, event.attempt): event.completion.message
        for event in run.trajectory.events
        if isinstance(event, Proposed)
    }
    by_place = {(o.turn, o.attempt, o.call_id): o for o in (*run.opinions, *opinions)}
    for turn, attempt, call_id in by_place:
        action = actions.get((turn, attempt))
        calls = [None, *(call.id for call in action.calls)] if action is not None else []
        if call_id not in calls:
            what = f"call {call_id!r} of turn {turn}" if action is not None else f"turn {turn}"
            raise ConfigError(
                f"a label is about {what}, attempt {attempt} of {run.trajectory.id}, which "
                "has no such thing; `sidecritic view` shows what a run proposed"
            )
    return replace(run, opinions=tuple(by_place.values()))
