"""What a head learns from runs of ours: planted faults, and labels that stand beside a run.

The truth about a simulated actor is known action by action (`Completion.faults`); about any
other one only where `labels.jsonl` says something. Where both speak, the labels count.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from sidecritic.critics.head import Part
from sidecritic.datasets.material import holds, hostile_in
from sidecritic.errors import ConfigError
from sidecritic.json_lines import records_in
from sidecritic.labelling.label import Label, ProposalPlace
from sidecritic.labelling.store import LABELS_FILE
from sidecritic.labelling.trust import TRUST
from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.recordings import load
from sidecritic.runs import TRAJECTORIES_FILE, read_record
from sidecritic.scoring.writes import is_clean
from sidecritic.trace import Executed, Proposed
from sidecritic.training.examples import Example, JudgedRun, judged_runs, lesson_of
from sidecritic.writes import failing_references, normal_form

_AGAIN = "write the file again with `sidecritic datagen label`, or delete it"

WEIGHT = 0.5
"""How much an example of an own run counts beside one of a recorded run."""


class Truth(NamedTuple):
    wrong: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """Runs that `sidecritic` played, and what is known about them beside what they hold."""

    runs: tuple[Recorded, ...]
    """The file of each is its position among the directories, and its name."""
    labels: Mapping[ProposalPlace, Truth]


@dataclass(frozen=True, slots=True)
class Lessons:
    """Examples of own runs, and where they come from."""

    examples: tuple[Example, ...] = ()
    runs: int = 0
    files: int = 0
    simulated: frozenset[str] = frozenset()
    """Roles that were simulated in some of them."""


def read_own_runs(directories: Iterable[Path]) -> OwnRuns:
    """Read run directories, with the labels that stand beside the trajectories.

    What `hostile.txt` names is left out: it was made to poison.

    Raises:
        ConfigError: one of them holds no run, or a label that cannot be read.
    """
    runs: list[Recorded] = []
    labels: list[Label] = []
    for at, directory in enumerate(directories):
        read_record(directory)
        imported = load([directory / TRAJECTORIES_FILE])
        if imported.problems:
            raise ConfigError(str(imported.problems[0]))
        hostile = hostile_in(directory)
        trusted = (run for run in imported.runs if not holds(hostile, run.trajectory.id))
        runs += (replace(run, file=f"{at}/{run.file}") for run in trusted)
        if (file := directory / LABELS_FILE).exists():
            labels += records_in(file, Label, advice=_AGAIN)
    # A check's opinion is among the flags already: to learn from it would be to agree with it.
    # Of two labels the later counts: by whom is believed more, then by weight.
    known = sorted((x for x in labels if x.source != "rule"), key=_believed)
    return OwnRuns(tuple(runs), {x.place: Truth(x.wrong, x.weight) for x in known})


def from_chats(runs: Iterable[Recorded]) -> OwnRuns:
    """Return labelled conversations as runs to learn from; without a label they teach nothing.

    Of two opinions of one place the later counts.
    """
    labelled = tuple(run for run in runs if run.opinions)
    truths = {
        ProposalPlace(run.trajectory.id, said.turn, said.attempt, said.call_id): Truth(said.wrong)
        for run in labelled
        for said in run.opinions
    }
    return OwnRuns(labelled, truths)


def _believed(label: Label) -> tuple[int, float]:
    return (-TRUST.index(label.source), label.weight)


def lessons(own: OwnRuns, judged: Iterable[JudgedProposal], *, weight: float = WEIGHT) -> Lessons:
    """Return what judged runs teach; `weight` is that of one example.

    Each action counts once in an episode, right or wrong. Left out are actions without a fault
    where nothing is right any more: in an episode that leaves a write out, farewells after a
    fault that ran, and calls of the reference that their own tool refuses.
    """
    known = judged_runs(own.runs, judged)
    found = [example for run in known for example in _examples(run, own.labels, weight)]
    return Lessons(
        examples=tuple(found),
        runs=len(known),
        files=len({run.recorded.file for run in known}),
        simulated=frozenset(r for run in known for r in run.recorded.trajectory.simulated),
    )


def together(one: Lessons, other: Lessons) -> Lessons:
    """Return the lessons of both."""
    return Lessons(
        examples=(*one.examples, *other.examples),
        runs=one.runs + other.runs,
        files=one.files + other.files,
        simulated=one.simulated | other.simulated,
    )


def _examples(
    run: JudgedRun, labels: Mapping[ProposalPlace, Truth], weight: float
) -> Iterator[Example]:
    truths = _Truths(run.recorded, labels)
    seen: set[tuple[str, bool]] = set()
    for line in run.lines:
        for part in run.parts[line.key]:
            truth = truths.of(line, part)
            if truth is None or part.kind != line.kind:
                continue
            form = truths.form(line, part), truth.wrong
            if form not in seen:
                seen.add(form)
                lesson = lesson_of(run, line, part, wrong=truth.wrong, knowable=True)
                yield replace(lesson, weight=weight * truth.weight, own=True)


class _Truths:
    """What is known about the actions of one run."""

    def __init__(self, run: Recorded, labels: Mapping[ProposalPlace, Truth]) -> None:
        self._run = run
        self._labels = labels
        events = run.trajectory.events
        self._proposed = {(e.turn, e.attempt): e for e in events if isinstance(e, Proposed)}
        faults = [(e, f) for e in self._proposed.values() for f in e.completion.faults]
        self._departed = any(fault.kind == "omitted_write" for _, fault in faults)
        ran = {e.turn: e.action for e in events if isinstance(e, Executed)}
        spoiled = (e.turn for e, _ in faults if ran.get(e.turn) == e.completion.message)
        self._spoiled = min(spoiled, default=float("inf"))
        """Turn in which the first fault was executed."""
        ended = run.trajectory.ended
        self._failing = failing_references(ended.outcome if ended else None)

    def of(self, line: JudgedProposal, part: Part) -> Truth | None:
        """Return the truth about a part of a proposal; `None` where there is none."""
        place = ProposalPlace(self._run.trajectory.id, line.turn, line.attempt, part.call_id)
        label = self._labels.get(place) or self._labels.get(place._replace(call_id=None))
        return label or self._by_faults(line, part)

    def _by_faults(self, line: JudgedProposal, part: Part) -> Truth | None:
        if "actor" not in self._run.trajectory.simulated:
            return None
        if self._proposed[line.turn, line.attempt].completion.faults:
            return Truth(wrong=True)
        is_right = (
            is_clean(self._run)
            and not self._departed
            and not (part.kind == "final" and line.turn > self._spoiled)
            and self.form(line, part) not in self._failing
        )
        return Truth(wrong=False) if is_right else None

    def form(self, line: JudgedProposal, part: Part) -> str:
        """Return the call in normal form, or the words of a message."""
        message = self._proposed[line.turn, line.attempt].completion.message
        called = (call for call in message.calls if call.id == part.call_id)
        forms = (normal_form(call.name, call.arguments or {}) for call in called)
        return next(forms, message.text)
