"""Train the head critic, and judge with it the users that it has not seen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sidecritic.critics.head import call_risks, risk_of_action, risks_of
from sidecritic.critics.head_weights import Cell, HeadData, HeadKind, HeadWeights
from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.scoring.labels import Labels
from sidecritic.training.examples import (
    Example,
    JudgedRun,
    digest_of,
    examples_of,
    folds_of,
    judged_runs,
)
from sidecritic.training.fitting import DIGITS, Design, can_fit, choose

FOLDS = 10
FALSE_ALARMS = 0.05

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
    labels: Labels,
    *,
    name: str = "head",
) -> Trained:
    """Fit a head to what the flags of judged runs say, and one without each fold of users.

    In cross-validation the shrinkage is chosen anew in each fold, by its training users alone.
    Only base rates and intercepts are those of the whole: one number a cell cannot rank anything
    within its cell, while one a fold would rank folds against each other, the worst lowest.

    Raises:
        ConfigError: there is nothing to learn from.
    """
    known = judged_runs(runs, judged)
    examples = examples_of(known, labels)
    designs = _designs(examples)
    folds = folds_of((run.recorded.user_id for run in known), FOLDS)
    whole = {cell: _fitted(design, folds, leave_out=None) for cell, design in designs.items()}
    apart: list[_Cells] = [
        {
            cell: _fitted(design, folds, leave_out=fold).model_copy(
                update={"intercept": whole[cell].intercept}
            )
            for cell, design in designs.items()
        }
        for fold in range(FOLDS)
    ]
    cut = {
        cell: whole[cell].model_copy(
            update={"threshold": _threshold(design, [cells[cell] for cells in apart], folds)}
        )
        for cell, design in designs.items()
    }
    data = _data(known, examples)
    return Trained(
        weights=_weights(cut, name, data),
        apart=tuple(_weights(cells, f"{name}-without-{n}", data) for n, cells in enumerate(apart)),
        folds=folds,
        runs=known,
    )


def _designs(examples: Iterable[Example]) -> dict[tuple[str, HeadKind], Design]:
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


def _fitted(design: Design, folds: Mapping[str, int], *, leave_out: int | None) -> Cell:
    rows = design.everything
    for at, example in enumerate(design.examples):
        rows[at] = folds[example.user] != leave_out
    # A cell that has nothing wrong but in this fold learns nothing without it.
    if not can_fit(design, rows):
        return design.prior()
    return design.cell(rows, choose(design, rows))


def _threshold(design: Design, apart: Sequence[Cell], folds: Mapping[str, int]) -> float:
    """Return the lowest threshold with no more false alarms than allowed, on unseen users.

    It lies halfway to the next lower risk, as new actions lie between those that were seen.
    What has no objection is never sent back, and so is no alarm.
    """
    right = [example for example in design.examples if not example.wrong]
    cells = [apart[folds[example.user]] for example in right]
    alarms = sorted(
        (
            cell.risk(example.tool, example.flags)
            for cell, example in zip(cells, right, strict=True)
            if any(f.sign > 0 and cell.weight(f) > 0 for f in example.flags.values())
        ),
        reverse=True,
    )
    allowed = int(len(right) * FALSE_ALARMS + 1e-9)
    if len(alarms) <= allowed:
        return round(design.prior().base, DIGITS)
    above = [risk for risk in alarms if risk > alarms[allowed]]
    highest = above[-1] if above else 1.0
    return round((highest + alarms[allowed]) / 2, DIGITS)


def _weights(cells: _Cells, name: str, data: HeadData) -> HeadWeights:
    by_domain: dict[str, dict[HeadKind, Cell]] = {}
    for (domain, kind), cell in cells.items():
        by_domain.setdefault(domain, {})[kind] = cell
    return HeadWeights(name=name, false_alarms=FALSE_ALARMS, data=data, cells=by_domain)


def _data(runs: Sequence[JudgedRun], examples: Sequence[Example]) -> HeadData:
    simulated = {role for run in runs for role in run.recorded.trajectory.simulated}
    return HeadData(
        files=len({run.recorded.file for run in runs}),
        runs=len(runs),
        users=len({example.user for example in examples}),
        examples=len(examples),
        digest=digest_of(examples),
        simulated=tuple(sorted(simulated)),
    )
