"""Scores of a replay, from recorded runs, the judgements on them, and readers' labels."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from sidecritic.recorded import JudgedProposal, ProposalKey, ReadersLabels, Recorded
from sidecritic.scoring.detection import Example, detection, share
from sidecritic.scoring.labelled import (
    decided,
    decided_cases,
    label_counts,
    labelled_actions,
    labelled_writes,
)
from sidecritic.scoring.replay_results import Interference, ReplayScores, Share, Slices, VerdictCost
from sidecritic.scoring.verdicts import refused, risk_of
from sidecritic.scoring.writes import WEAK_DOMAINS, Write, in_vain, is_clean, reward_of, writes_of
from sidecritic.types import UNVERIFIED


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """What was replayed, as the scores report it."""

    critic: str
    gate: str
    command: str
    simulations: int
    """Runs that were read, including those whose environment has no such critic."""
    files: int
    problems: tuple[str, ...]
    empty: int
    skipped: Mapping[str, str]
    terms: str = ""
    """Profile or threshold that the critic was given."""
    fitted_files: int = 0
    """Files that its profile was fitted to."""
    unlearned: tuple[str, ...] = ()
    """Domains in which the checks' own risks stand in for its head."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A recorded run that has a reward, with its truths and judgements."""

    recorded: Recorded
    failed: bool
    clean: bool
    writes: tuple[Write, ...]
    judged: tuple[JudgedProposal, ...]

    @property
    def wrote_wrong(self) -> bool:
        return any(write.standing == "wrong" for write in self.writes)

    @property
    def is_strong(self) -> bool:
        return self.recorded.domain not in WEAK_DOMAINS

    @property
    def refused(self) -> set[ProposalKey]:
        return {line.key for line in self.judged if refused(line)}

    def example(self, score: float, *, wrong: bool) -> Example:
        user, domain = self.recorded.user_id, self.recorded.domain
        return Example(score=score, wrong=wrong, group=user, stratum=domain)


class _Found(NamedTuple):
    """A scored write or end of a run; it was wrong or right."""

    run: _Run
    tool: str
    """That wrote; empty for the end of the run."""
    example: Example
    line: JudgedProposal | None
    """The judgement that the score is from; `None` when there was none."""


KnownKind = Literal["write", "final"]
"""The kinds of proposals of which it can be known whether they were wrong."""


@dataclass(frozen=True, slots=True)
class KnownProposal:
    """A judged proposal of which it is known whether it was wrong."""

    kind: KnownKind
    tool: str
    example: Example
    """Its group is the user, its stratum the domain."""
    line: JudgedProposal
    simulated: tuple[str, ...]
    """Roles of its run that a script or simulation played."""


def score_replay(
    runs: Sequence[Recorded],
    judged: Iterable[JudgedProposal],
    source: ReplaySource,
    labels: ReadersLabels | None = None,
) -> ReplayScores:
    """Score a replay; neither the order of the runs nor that of the judgements matters."""
    lines = sorted(judged, key=lambda line: line.key)
    known = _gathered(runs, lines)
    detectable, unmatched = _detectable(known, labels)
    cost = _cost(lines)
    standings = [write.standing for run in known if run.is_strong for write in run.writes]
    writes = {"clean": list(_clean_writes(known)), "raw": list(_raw_writes(known))}
    writes = writes if labels is None else {"detectable": detectable, **writes}
    by_people = labelled_actions(runs, lines)
    labelled = {"labelled": labelled_writes(by_people)} if by_people else {}
    ends = {
        "clean": [_end(run) for run in known if run.clean and not run.wrote_wrong],
        "raw": [_end(run) for run in known if not run.wrote_wrong],
        "every_run": [_end(run) for run in known if run.clean],
    }
    return ReplayScores(
        **asdict(source),
        malformed=len(source.problems),
        simulated=tuple(sorted({role for run in runs for role in run.trajectory.simulated})),
        write_proposals=standings.count("right") + standings.count("wrong"),
        wrong_writes=standings.count("wrong"),
        left_out_writes=standings.count("left out"),
        labels_unmatched=unmatched,
        calibrated=_calibrated(lines),
        cpu_ms_per_verdict=cost.cpu_ms_median,
        cost=cost,
        writes={**labelled, **{name: _by_domain(found) for name, found in writes.items()}},
        writes_by={name: _by_everything(found, _WRITES_BY) for name, found in writes.items()},
        end={name: _by_domain(found) for name, found in ends.items()},
        end_by={name: _by_everything(found, _ENDS_BY) for name, found in ends.items()},
        interference=_interference([run for run in known if run.clean]),
        supervised=len(supervised(runs, lines)),
        decided=decided(by_people) if by_people else {},
        labels=label_counts(by_people) if by_people else None,
        cases=tuple(decided_cases(by_people)),
    )


def _calibrated(lines: Iterable[JudgedProposal]) -> bool:
    """Whether every score that counts is a probability."""
    counting = [line for line in lines if line.kind != "other" and line.judgement.status == "ok"]
    return bool(counting) and all(line.judgement.calibrated for line in counting)


def _gathered(runs: Sequence[Recorded], lines: Sequence[JudgedProposal]) -> list[_Run]:
    """Return the runs that have a reward, in a fixed order, without those that it supervised."""
    of_run: dict[tuple[str, int], list[JudgedProposal]] = defaultdict(list)
    for line in lines:
        of_run[line.file, line.simulation].append(line)
    left_out = supervised(runs, lines)
    return [
        _Run(
            recorded=run,
            failed=reward < 1,
            clean=is_clean(run),
            writes=writes_of(run),
            judged=tuple(of_run[run.file, run.simulation]),
        )
        for run in sorted(runs, key=lambda run: (run.file, run.simulation))
        if (reward := reward_of(run)) is not None
        if (run.file, run.simulation) not in left_out
    ]


def supervised(
    runs: Iterable[Recorded], lines: Iterable[JudgedProposal]
) -> frozenset[tuple[str, int]]:
    """Return the runs that the critic which is replayed has supervised.

    What it refused there never ran: the writes that did run are those it misses.
    """
    names = {name for line in lines for name in (line.critic, line.judgement.critic)}
    return frozenset(
        (run.file, run.simulation)
        for run in runs
        if not run.is_chat and run.trajectory.critic in names - {"none"}
    )


def known_proposals(
    runs: Sequence[Recorded], judged: Iterable[JudgedProposal], labels: ReadersLabels | None = None
) -> tuple[KnownProposal, ...]:
    """Return the judged writes and ends whose truth is known, which a critic can be fitted to.

    What people have labelled, and of clean runs of benchmarks what the reference tells.

    Of the wrong writes, those that the labels call detectable; without labels, all. Domains
    whose runs tell little are left out, and so are proposals that the critic failed on.
    """
    lines = sorted(judged, key=lambda line: line.key)
    known = _gathered(runs, lines)
    strong = [run for run in known if run.is_strong]
    writes = _detectable(strong, labels)[0] if labels is not None else list(_clean_writes(strong))
    ends = [_end(run) for run in strong if run.clean and not run.wrote_wrong]
    kinds: dict[KnownKind, list[_Found]] = {"write": writes, "final": ends}
    by_people = tuple(_known_by_people(runs, lines))
    said = {known.line.key for known in by_people}
    by_reference = (
        KnownProposal(kind, tool, example, line, run.recorded.trajectory.simulated)
        for kind, found in kinds.items()
        for run, tool, example, line in found
        if line is not None and line.judgement.status == "ok" and line.key not in said
    )
    return (*by_reference, *by_people)


def _known_by_people(
    runs: Sequence[Recorded], lines: Iterable[JudgedProposal]
) -> Iterator[KnownProposal]:
    for action in labelled_actions(runs, lines):
        line = action.line
        if line is not None and line.judgement.status == "ok" and line.kind != "other":
            simulated = action.run.trajectory.simulated
            yield KnownProposal(line.kind, action.tool, action.example(), line, simulated)


# --- writes and ends, each wrong or right ---------------------------------------------------


def _raw_writes(runs: Iterable[_Run]) -> Iterator[_Found]:
    for run in runs:
        yield from _found(run, [write for write in run.writes if write.standing != "left out"])


def _clean_writes(runs: Iterable[_Run]) -> Iterator[_Found]:
    """Yield right writes and first wrong ones of clean runs, repetitions dropped."""
    for run in runs:
        counting = [w for w in run.writes if w.standing == "right" or w.first_wrong]
        if run.clean:
            yield from _found(run, [write for write in counting if not write.repeated])


def _found(run: _Run, writes: Iterable[Write]) -> Iterator[_Found]:
    by_key = {line.key: line for line in run.judged}
    for write in writes:
        line = by_key.get(write.key)
        example = run.example(risk_of(line, write.call_id), wrong=write.standing == "wrong")
        yield _Found(run, write.tool, example, line)


def _detectable(runs: Sequence[_Run], labels: ReadersLabels | None) -> tuple[list[_Found], int]:
    """Return the clean writes, without wrong ones that could not have been known.

    Domains without a single label are left out; so are first wrong writes that the labels do
    not know, and they are counted.
    """
    if labels is None:
        return [], 0
    wanted: list[_Run] = []
    unmatched = 0
    files = {(file, simulation) for file, simulation, _ in labels}
    domains = {r.recorded.domain for r in runs if (r.recorded.file, r.recorded.simulation) in files}
    for run in (run for run in runs if run.recorded.domain in domains):
        first = next((write for write in run.writes if write.first_wrong), None)
        label = labels.get((*first.key[:2], first.form)) if first else None
        unmatched += run.clean and first is not None and label is None
        if first is not None and not label:
            run = replace(run, writes=tuple(write for write in run.writes if write is not first))
        wanted.append(run)
    return list(_clean_writes(wanted)), unmatched


def _end(run: _Run) -> _Found:
    """Return how a run ended, against its failing: its last farewell, or its hand-over.

    A hand-over and what is said after it are one end, as risky as the riskier of them.
    """
    ends = [line for line in run.judged if line.kind == "final"]
    handed = [line for line in ends if line.tools]
    told = max([*ends[-1:], *handed[-1:]], key=risk_of, default=None)
    return _Found(run, "", run.example(risk_of(told), wrong=run.failed), told)


# --- slices --------------------------------------------------------------------------------


def _by_domain(found: Sequence[_Found]) -> Slices:
    everything = {"all": detection([each.example for each in found if each.run.is_strong])}
    return everything | _sliced(found, lambda run, tool: run.recorded.domain)


_By = Mapping[str, Callable[[_Run, str], str]]
"""What to slice by, each with the name of a run's, or tool's, slice."""

_ENDS_BY: _By = {
    "benchmark": lambda run, tool: run.recorded.benchmark,
    "actor": lambda run, tool: run.recorded.trajectory.actor,
}
_WRITES_BY: _By = {**_ENDS_BY, "tool": lambda run, tool: tool}


def _by_everything(found: Sequence[_Found], by: _By) -> dict[str, Slices]:
    strong = [each for each in found if each.run.is_strong]
    return {name: _sliced(strong, slice_of) for name, slice_of in by.items()}


def _sliced(found: Sequence[_Found], name: Callable[[_Run, str], str]) -> Slices:
    slices: dict[str, list[Example]] = defaultdict(list)
    for each in found:
        slices[name(each.run, each.tool)].append(each.example)
    return {each: detection(slices[each]) for each in sorted(slices)}


# --- whole runs, and cost ------------------------------------------------------------------


def _interference(runs: Sequence[_Run]) -> dict[str, Interference]:
    slices: dict[str, list[_Run]] = {"all": [run for run in runs if run.is_strong]}
    for run in runs:
        slices.setdefault(run.recorded.domain, []).append(run)
    return {name: _interfered(slices[name]) for name in sorted(slices)}


def _interfered(runs: Sequence[_Run]) -> Interference:
    failed = [run for run in runs if run.failed]
    passed = [run for run in runs if not run.failed]
    firsts = [(run, w.key) for run in failed for w in run.writes if w.first_wrong]
    return Interference(
        failed_caught=_share((run, any(k <= first for k in run.refused)) for run, first in firsts),
        failed_caught_at=_share((run, first in run.refused) for run, first in firsts),
        failed_caught_anywhere=_share((run, bool(run.refused)) for run in failed),
        passed_disturbed=_share((run, bool(run.refused)) for run in passed),
        passed_disturbed_in_earnest=_share(
            (run, bool(run.refused - in_vain(run.recorded))) for run in passed
        ),
    )


def _share(cases: Iterable[tuple[_Run, bool]]) -> Share:
    return share([(run.recorded.user_id, met) for run, met in cases])


def _cost(lines: Sequence[JudgedProposal]) -> VerdictCost:
    cpu = np.array([line.cpu_seconds * 1000 for line in lines])
    judgements = [line.judgement for line in lines]
    count = max(len(lines), 1)
    return VerdictCost(
        verdicts=len(lines),
        failed=sum(judgement.status in ("error", "timeout") for judgement in judgements),
        looked=sum(line.looked for line in lines),
        unverified=sum(judgement.category == UNVERIFIED for judgement in judgements),
        cpu_ms_median=float(np.median(cpu)) if lines else None,
        cpu_ms_mean=float(cpu.mean()) if lines else None,
        cpu_ms_p95=float(np.percentile(cpu, 95)) if lines else None,
        input_tokens=sum(judgement.usage.input_tokens for judgement in judgements) / count,
        output_tokens=sum(judgement.usage.output_tokens for judgement in judgements) / count,
    )
