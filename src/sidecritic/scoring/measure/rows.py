"""Rows of `bench`, from the recorded runs of a set and the judgements on them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sidecritic.recorded import JudgedProposal, ProposalKey, ReadersLabels, Recorded
from sidecritic.scoring.detection import Example, detection, share
from sidecritic.scoring.labelled import labelled_actions
from sidecritic.scoring.measure.results import BenchRow
from sidecritic.scoring.measure.truths import verify_keys
from sidecritic.scoring.replay_results import Measured, Share
from sidecritic.scoring.replays import known_proposals, supervised
from sidecritic.scoring.verdicts import refused
from sidecritic.scoring.writes import WEAK_DOMAINS, is_clean, reward_of
from sidecritic.types import UNVERIFIED

LEAST = 10
"""Wrong ones, and right ones, below which no AUROC is given: one of them would be a tenth of it."""

MOST_FAILED = 0.1
"""Share of failed proposals above which no figure is given: what is left is a choice of its own."""


@dataclass(frozen=True, slots=True)
class _Action:
    """An action of known truth that the critic answered, or was not asked about."""

    run: Recorded
    example: Example
    stopped: bool
    """Whether it was called wrong."""
    verify: bool
    """Whether it was sent back to verify something first."""


def bench_rows(
    runs: Sequence[Recorded],
    lines: Sequence[JudgedProposal],
    readers: ReadersLabels | None,
    start: BenchRow,
    *,
    timed: bool,
) -> Iterator[BenchRow]:
    """Yield a row for each domain; `start` names critic and set.

    Without `timed`, seconds are left out.
    """
    by_domain: dict[str, list[Recorded]] = defaultdict(list)
    for run in runs:
        by_domain[run.domain].append(run)
    for domain, here in sorted(by_domain.items()):
        places = {(run.file, run.simulation) for run in here}
        said = [line for line in lines if line.key[:2] in places]
        row = start.model_copy(update={"domain": domain, "simulated": _simulated(here)})
        yield _row(here, said, readers, row, timed=timed)


def _simulated(runs: Iterable[Recorded]) -> tuple[str, ...]:
    return tuple(sorted({role for run in runs for role in run.trajectory.simulated}))


def _row(
    runs: Sequence[Recorded],
    lines: Sequence[JudgedProposal],
    readers: ReadersLabels | None,
    row: BenchRow,
    *,
    timed: bool,
) -> BenchRow:
    actions = tuple(_actions(runs, lines, readers))
    answered = [line for line in lines if line.judgement.status == "ok"]
    row = row.model_copy(update=_spent(answered, timed=timed) | _failures(lines))
    if not actions:
        return row.model_copy(update={"problem": row.problem or _nothing_known(runs, row)})
    wrong = [each for each in actions if each.example.wrong]
    right = [each for each in actions if not each.example.wrong]
    row = row.model_copy(update={"n": len(actions), "wrong": len(wrong)})
    if row.problem:
        return row
    few = len(wrong) < LEAST or len(right) < LEAST
    told = detection([each.example for each in actions])
    shares = {
        "caught": _stopped(wrong),
        "disturbed": _stopped(right),
        "runs_disturbed": _runs_disturbed(runs, lines, actions),
        "verify_wrong": sum(each.verify for each in wrong),
        "verify_right": sum(each.verify for each in right),
        "to_verify": _to_verify(runs, lines),
    }
    if few:
        return row.model_copy(update=shares | {"problem": _too_few(len(wrong), len(right))})
    ranks = {
        "auroc": Measured(value=told.auroc, ci=told.auroc_ci),
        "recall_at_5": told.recall_at_fpr_by_domain["0.05"],
    }
    return row.model_copy(update=shares | ranks)


def _too_few(wrong: int, right: int) -> str:
    return f"{wrong} wrong and {right} right ones: fewer than {LEAST} of a kind give no AUROC"


def _nothing_known(runs: Sequence[Recorded], row: BenchRow) -> str:
    if row.domain in WEAK_DOMAINS and not any(run.is_chat for run in runs):
        return "its reference tells too little of the agent's writes"
    return f"none of the {len(runs)} runs has a label or a reference"


def _actions(
    runs: Sequence[Recorded], lines: Sequence[JudgedProposal], readers: ReadersLabels | None
) -> Iterator[_Action]:
    """Yield labelled actions where there are labels, and a benchmark's writes elsewhere."""
    by_people = [run for run in runs if run.opinions]
    for found in labelled_actions(by_people, lines):
        line = found.line
        if not found.counts or (line is not None and line.judgement.status != "ok"):
            continue
        verify = found.stopped and line is not None and _verifies(line)
        yield _Action(found.run, found.example(), found.stopped and not verify, verify)
    others = {(run.file, run.simulation): run for run in runs if not run.opinions}
    for known in known_proposals(tuple(others.values()), lines, readers):
        if known.kind == "write":
            verify = _verifies(known.line)
            stopped = refused(known.line) and not verify
            yield _Action(others[known.line.key[:2]], known.example, stopped, verify)


def _verifies(line: JudgedProposal) -> bool:
    return line.judgement.category == UNVERIFIED


def _stopped(actions: Iterable[_Action]) -> Share:
    return share([(each.example.group, each.stopped) for each in actions])


def _runs_disturbed(
    runs: Sequence[Recorded], lines: Sequence[JudgedProposal], actions: Sequence[_Action]
) -> Share:
    """Return the share of runs without anything wrong in which something is called wrong."""
    stopped: dict[tuple[str, int], bool] = defaultdict(bool)
    spoilt: set[tuple[str, int]] = set()
    for each in actions:
        place = (each.run.file, each.run.simulation)
        stopped[place] |= each.stopped
        if each.example.wrong:
            spoilt.add(place)
    anywhere = {line.key[:2] for line in lines if refused(line) and not _verifies(line)}
    left_out = supervised(runs, lines)
    cases: list[tuple[str, bool]] = []
    for run in runs:
        place = (run.file, run.simulation)
        if run.opinions:
            if place in stopped and place not in spoilt:
                cases.append((run.user_id, stopped[place]))
        elif is_clean(run) and place not in left_out and (reward_of(run) or 0) >= 1:
            cases.append((run.user_id, place in anywhere))
    return share(cases)


def _to_verify(runs: Iterable[Recorded], lines: Iterable[JudgedProposal]) -> Share:
    said = {line.key: line for line in lines if line.judgement.status == "ok"}
    found: list[tuple[str, ProposalKey]] = [
        (run.user_id, key) for run in runs for key in verify_keys(run) if key in said
    ]
    return share([(user, refused(said[key])) for user, key in found])


def _failures(lines: Sequence[JudgedProposal]) -> dict[str, object]:
    failed = [line for line in lines if line.judgement.status in ("error", "timeout")]
    if not failed:
        return {"asked": len(lines), "failed": 0}
    many = len(failed) > MOST_FAILED * len(lines)
    why = f"the critic failed on {len(failed)} of {len(lines)}: no figures above {MOST_FAILED:.0%}"
    return {"asked": len(lines), "failed": len(failed), "problem": why if many else ""}


def _spent(answered: Sequence[JudgedProposal], *, timed: bool) -> dict[str, object]:
    judgements = [line.judgement for line in answered]
    # Sorted, because sums of floats depend on order and a table must not.
    costs = sorted(c for each in judgements if (c := each.usage.cost_usd) is not None)
    used = sum(each.usage.input_tokens + each.usage.output_tokens for each in judgements)
    seconds = [each.seconds for each in judgements] if timed else []
    return {
        "cost_usd": 1000 * sum(costs) / len(judgements) if costs else None,
        "tokens": used / max(len(judgements), 1),
        "seconds_p50": float(np.percentile(seconds, 50)) if seconds else None,
        "seconds_p95": float(np.percentile(seconds, 95)) if seconds else None,
    }
