"""Train the head critic, and judge with it the users that it has not seen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sidecritic.critics.head import call_risks, risk_of_action, risks_of
from sidecritic.critics.head_weights import UNTRAINED, Cell, HeadData, HeadKind, HeadWeights
from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal, ReadersLabels, Recorded
from sidecritic.scoring.replay_results import CrossValidated
from sidecritic.scoring.replays import ReplaySource, score_replay
from sidecritic.training.examples import (
    Example,
    JudgedRun,
    digest_of,
    examples_of,
    folds_of,
    judged_runs,
    undisturbed,
)
from sidecritic.training.own import Lessons
from sidecritic.training.regression import DIGITS, Design, can_fit, choose

FOLDS = 10
FALSE_ALARMS = 0.05
NOTHING = Lessons()

_Cells = dict[tuple[str, HeadKind], Cell]


@dataclass(frozen=True, slots=True)
class Trained:
    """A head, and for each fold of users the head that was fitted without them."""

    weights: HeadWeights
    apart: tuple[HeadWeights, ...]
    folds: Mapping[str, int]
    """By user."""
    runs: tuple[JudgedRun, ...]

    def unseen(self) -> Iterator[JudgedProposal]:
        """Yield every judgement with the risk by the head that has not seen its user."""
        for run in self.runs:
            weights = self.apart[self.folds[run.recorded.user_id]]
            for line in run.lines:
                risks = risks_of(
                    weights, run.recorded.domain, run.parts[line.key], line.judgement.flags
                )
                scored = {
                    "risk": risk_of_action(risks),
                    "call_risks": call_risks(risks),
                    "calibrated": False,
                }
                judgement = line.judgement.model_copy(update=scored)
                yield line.model_copy(update={"judgement": judgement})


def train(
    runs: Sequence[Recorded],
    judged: Iterable[JudgedProposal],
    labels: ReadersLabels,
    *,
    own: Lessons = NOTHING,
    name: str = "head",
    harmless: frozenset[str] | None = None,
) -> Trained:
    """Fit a head to what the flags of judged runs say, and one without each fold of users.

    `harmless` are the tools that change no record, where another pack than that of the
    environment has judged. `own` are lessons from runs of ours; they do without recorded ones.
    Folds are of users, so neither a recorded nor an own run of a user teaches the head that judges
    this user.

    In cross-validation the shrinkage is chosen anew in each fold, by its training users alone.
    Only base rates and intercepts are those of the whole: one number a cell cannot rank anything
    within its cell, while one a fold would rank folds against each other, the worst lowest.

    Raises:
        ConfigError: there is nothing to learn from.
    """
    known = judged_runs(runs, judged, harmless)
    examples = (*examples_of(known, labels), *own.examples)
    designs = designs_of(examples)
    folds = _folds(known, own)
    whole = {cell: _fitted(design, folds, leave_out=None) for cell, design in designs.items()}
    apart = _apart(designs, folds, whole)
    right = [*_right(examples), *undisturbed(known)]
    cut = {
        cell: whole[cell].model_copy(
            update={"threshold": _threshold(cell, right, [cells[cell] for cells in apart], folds)}
        )
        for cell in designs
    }
    data = _data(known, examples, own)
    return Trained(
        weights=_weights(cut, name, data),
        apart=tuple(_weights(cells, f"{name}-without-{n}", data) for n, cells in enumerate(apart)),
        folds=folds,
        runs=known,
    )


def _folds(runs: Sequence[JudgedRun], own: Lessons) -> dict[str, int]:
    """Return the fold of each user; own runs do not change those of recorded users."""
    recorded = {run.recorded.user_id for run in runs}
    others = {example.user for example in own.examples} - recorded
    return folds_of(recorded, FOLDS) | folds_of(others, FOLDS)


def _right(examples: Sequence[Example]) -> Iterator[Example]:
    """Yield the right writes that thresholds count, and farewells of own runs likewise.

    Where recorded runs know a domain and kind, theirs alone: simulated actors do right what
    they do, and in one manner.
    """
    recorded = {(e.domain, e.kind) for e in examples if not e.own}
    for e in examples:
        counts = not e.own and e.kind == "write"
        if not e.wrong and (counts or (e.own and (e.domain, e.kind) not in recorded)):
            yield e


def cross_validated(trained: Trained, labels: ReadersLabels) -> CrossValidated:
    """Return how well wrong is told from right on users that the head has not seen."""
    runs = [run.recorded for run in trained.runs]
    source = ReplaySource("head", "", "", len(runs), 0, (), 0, {})
    scores = score_replay(runs, trained.unseen(), source, labels)
    return CrossValidated(folds=FOLDS, writes=scores.writes, end=scores.end)


class Held(NamedTuple):
    """Writes of own runs, each judged by a head that has not seen its user."""

    wrong: int
    caught: int
    right: int
    false_alarms: int


def held_out(trained: Trained, own: Lessons) -> dict[str, Held]:
    """Return what is sent back of the writes of own runs at the thresholds, by domain."""
    refused: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for e in own.examples:
        cells = trained.apart[trained.folds[e.user]].cells.get(e.domain, {})
        if e.kind == "write" and e.kind in cells:
            limit = trained.weights.cells[e.domain][e.kind].threshold
            refused[e.domain].append((e.wrong, _alarm(cells[e.kind], e) >= limit))
    return {
        domain: Held(
            wrong=sum(wrong for wrong, _ in found),
            caught=sum(wrong and sent for wrong, sent in found),
            right=sum(not wrong for wrong, _ in found),
            false_alarms=sum(sent and not wrong for wrong, sent in found),
        )
        for domain, found in sorted(refused.items())
    }


def designs_of(examples: Iterable[Example]) -> dict[tuple[str, HeadKind], Design]:
    """Return the examples of each domain and kind that something can be learned about.

    Raises:
        ConfigError: there is none.
    """
    by_cell: dict[tuple[str, HeadKind], list[Example]] = defaultdict(list)
    for example in examples:
        by_cell[example.domain, example.kind].append(example)
    designs = {cell: Design(found) for cell, found in sorted(by_cell.items())}
    usable = {cell: d for cell, d in designs.items() if can_fit(d, d.everything)}
    if not usable:
        raise ConfigError(
            "nothing to learn from: no domain has right and labelled wrong actions; give recorded "
            "runs with rewards, judged with look-ups, and the labels that belong to them"
        )
    return usable


def _apart(
    designs: Mapping[tuple[str, HeadKind], Design], folds: Mapping[str, int], whole: _Cells
) -> list[_Cells]:
    """Return for each fold what is learned without it, with the intercepts of the whole."""
    return [
        {
            cell: _fitted(design, folds, leave_out=fold).model_copy(
                update={"intercept": whole[cell].intercept}
            )
            for cell, design in designs.items()
        }
        for fold in range(FOLDS)
    ]


def _fitted(design: Design, folds: Mapping[str, int], *, leave_out: int | None) -> Cell:
    rows = design.everything
    for at, example in enumerate(design.examples):
        rows[at] = folds[example.user] != leave_out
    # A cell that has nothing wrong but in this fold learns nothing without it.
    return design.cell(rows, choose(design, rows)) if can_fit(design, rows) else design.prior


def _threshold(
    cell: tuple[str, HeadKind],
    right: Iterable[Example],
    apart: Sequence[Cell],
    folds: Mapping[str, int],
) -> float:
    """Return the lowest threshold with no more false alarms than allowed, on unseen users.

    It lies halfway to the next lower risk, as new actions lie between those that were seen.
    What has no objection is never sent back, and so is no alarm.
    """
    here = [example for example in right if (example.domain, example.kind) == cell]
    alarms = sorted((_alarm(apart[folds[e.user]], e) for e in here), reverse=True)
    allowed = int(len(here) * FALSE_ALARMS + 1e-9)
    if not here or not alarms[0]:
        return UNTRAINED[cell[1]].threshold
    if not alarms[allowed]:
        # Even if whatever has an objection is sent back, no more right ones are than allowed.
        return round(min(filter(None, alarms)), DIGITS)
    highest = min((risk for risk in alarms if risk > alarms[allowed]), default=1.0)
    return round((highest + alarms[allowed]) / 2, DIGITS)


def _alarm(cell: Cell, example: Example) -> float:
    """Return the risk of an action that could be sent back; 0 of one without objections."""
    objections = (f for f in example.flags.values() if cell.weight(f) > 0)
    return cell.risk(example.tool, example.flags) if any(objections) else 0.0


def _weights(cells: _Cells, name: str, data: HeadData) -> HeadWeights:
    by_domain: dict[str, dict[HeadKind, Cell]] = {}
    for (domain, kind), cell in cells.items():
        by_domain.setdefault(domain, {})[kind] = cell
    return HeadWeights(name=name, false_alarms=FALSE_ALARMS, data=data, cells=by_domain)


def _data(runs: Sequence[JudgedRun], examples: Sequence[Example], own: Lessons) -> HeadData:
    simulated = {role for run in runs for role in run.recorded.trajectory.simulated}
    simulated |= own.simulated
    return HeadData(
        files=len({run.recorded.file for run in runs}) + own.files,
        runs=len(runs) + own.runs,
        users=len({example.user for example in examples}),
        examples=len(examples),
        digest=digest_of(examples),
        simulated=tuple(sorted(simulated)),
    )
