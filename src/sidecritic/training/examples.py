"""What a head learns from: actions of recorded runs that are known to be right or wrong."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from sidecritic.critics.head import Part, flags_of, parts_of, reads_of
from sidecritic.critics.head_weights import HeadKind
from sidecritic.errors import ConfigError
from sidecritic.packs import pack_for
from sidecritic.recorded import JudgedProposal, ProposalKey, ReadersLabels, Recorded
from sidecritic.scoring.writes import WEAK_DOMAINS, Write, is_clean, reward_of, writes_of
from sidecritic.trace import Proposed
from sidecritic.types import Flag


@dataclass(frozen=True, slots=True)
class Example:
    """A call or a farewell, what checks noticed about it, and whether it was wrong."""

    domain: str
    kind: HeadKind
    tool: str
    flags: Mapping[str, Flag]
    wrong: bool
    user: str
    """Of the task: what folds are grouped by."""
    knowable: bool = True
    """Whether a reader held that it could have been known; right ones always are."""
    weight: float = 1.0
    """How much it counts beside one of a recorded run."""
    own: bool = False
    """Whether it is of a run of ours, where mistakes are as frequent as we let them be."""


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A recorded run, the parts of its proposals, and what was noticed about them."""

    recorded: Recorded
    lines: tuple[JudgedProposal, ...]
    """In order."""
    parts: Mapping[ProposalKey, tuple[Part, ...]]


def judged_runs(
    runs: Sequence[Recorded],
    judged: Iterable[JudgedProposal],
    harmless: frozenset[str] | None = None,
) -> tuple[JudgedRun, ...]:
    """Put judgements beside their runs, in a fixed order.

    `harmless` are the tools that change no record although it is not declared; by default
    those of the environment's pack.
    """
    lines: dict[tuple[str, int], list[JudgedProposal]] = defaultdict(list)
    for line in judged:
        lines[line.file, line.simulation].append(line)
    found: list[JudgedRun] = []
    for run in sorted(runs, key=lambda run: (run.file, run.simulation)):
        own = sorted(lines[run.file, run.simulation], key=lambda line: line.key)
        found.append(JudgedRun(run, tuple(own), _parts(run, harmless)))
    return tuple(found)


def _parts(run: Recorded, harmless: frozenset[str] | None) -> dict[ProposalKey, tuple[Part, ...]]:
    if harmless is None:
        with suppress(ConfigError):
            harmless = pack_for(run.critic_env).generic_tools
    reads = reads_of(run.briefing.tools) | (harmless or frozenset())
    return {
        ProposalKey(run.file, run.simulation, event.turn, event.attempt): parts_of(
            event.completion.message, reads
        )
        for event in run.trajectory.events
        if isinstance(event, Proposed)
    }


def examples_of(runs: Iterable[JudgedRun], labels: ReadersLabels) -> tuple[Example, ...]:
    """Return what can be learned from clean runs of the domains that tell something.

    Of writes the first wrong one of a run and every right one, repetitions dropped; of runs
    without a wrong write the last farewell or transfer, wrong when the run failed.
    """
    found: list[Example] = []
    for run in runs:
        for write, line, knowable in known_writes(run, labels):
            wrong = write.standing == "wrong"
            for part in run.parts[write.key]:
                if part.call_id == write.call_id and part.kind == "write":
                    found.append(lesson_of(run, line, part, wrong=wrong, knowable=knowable))
        if (end := last_end(run)) is not None and end[0] is not None:
            for part in run.parts[end[0].key]:
                if part.kind == "final":
                    found.append(lesson_of(run, end[0], part, wrong=end[1], knowable=True))
    return tuple(found)


def known_writes(
    run: JudgedRun, labels: ReadersLabels
) -> Iterator[tuple[Write, JudgedProposal | None, bool]]:
    """Yield the writes that count, their judgements, and whether a wrong one could be known."""
    if not _tells(run):
        return
    lines = {line.key: line for line in run.lines}
    for write in writes_of(run.recorded):
        if not write.repeated and (write.standing == "right" or write.first_wrong):
            known = labels.get((*write.key[:2], write.form), False)
            yield write, lines.get(write.key), known or write.standing == "right"


def last_end(run: JudgedRun) -> tuple[JudgedProposal | None, bool] | None:
    """Return the last farewell that was judged, if any, and whether the run failed.

    `None` where the end tells nothing: a write was wrong before, or the task is noisy.
    """
    if not _tells(run) or any(write.standing == "wrong" for write in writes_of(run.recorded)):
        return None
    last = next((line for line in reversed(run.lines) if line.kind == "final"), None)
    return last, (reward_of(run.recorded) or 0.0) < 1


def _tells(run: JudgedRun) -> bool:
    recorded = run.recorded
    known = recorded.domain not in WEAK_DOMAINS and reward_of(recorded) is not None
    return known and is_clean(recorded)


def undisturbed(runs: Iterable[JudgedRun]) -> tuple[Example, ...]:
    """Return every farewell and transfer of clean successful runs: none is to be sent back.

    A run has several, and only its last one is among the examples: a request that is still to
    be served speaks against an early farewell as it does against the last.
    """
    return tuple(
        lesson_of(run, line, part, wrong=False, knowable=True)
        for run in runs
        if is_clean(run.recorded) and (reward_of(run.recorded) or 0.0) >= 1
        for line in run.lines
        for part in run.parts[line.key]
        if line.kind == "final" and part.kind == "final"
    )


def lesson_of(
    run: JudgedRun, line: JudgedProposal | None, part: Part, *, wrong: bool, knowable: bool
) -> Example:
    """Return what a head learns from a part of a proposal; without a judgement it has no flags."""
    return Example(
        domain=run.recorded.domain,
        kind=part.kind,
        tool=part.tool,
        flags=flags_of(part, line.judgement.flags if line else ()),
        wrong=wrong,
        user=run.recorded.user_id,
        knowable=knowable,
    )


def digest_of(examples: Iterable[Example]) -> str:
    """Return a digest of flags and truth: the same digest, the same weights."""
    lines = sorted(
        repr((e.domain, e.kind, e.tool, e.user, e.wrong, e.knowable, e.weight, sorted(e.flags)))
        for e in examples
    )
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def folds_of(users: Iterable[str], number: int) -> dict[str, int]:
    """Return the fold of each user: shuffled by a hash, and folds of equal size."""
    names = sorted(set(users), key=lambda user: sha256(user.encode()).digest())
    return {user: at % number for at, user in enumerate(names)}
