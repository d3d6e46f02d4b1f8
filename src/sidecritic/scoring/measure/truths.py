"""Labels that an environment gives its own writes, as opinions: `native["writes"]` of an outcome.

    {"call_id": "call_3", "tool": "lend", "label": "right" | "wrong" | "unverified"}

`unverified` means permitted, but not looked up: neither right nor wrong, and counted apart.
"""

from collections.abc import Iterator
from dataclasses import replace

from sidecritic.recorded import Opinion, ProposalKey, Recorded
from sidecritic.scoring.writes import executed_calls
from sidecritic.types import Record
from sidecritic.writes import outcome_of

BY = "the environment's rules"


class _Labelled(Record, extra="ignore"):
    call_id: str
    label: str


def with_own_labels(run: Recorded) -> Recorded:
    """Return the run with its environment's labels as opinions; as it is without any."""
    if run.opinions:
        return run
    opinions = tuple(
        Opinion(
            trajectory=run.trajectory.id,
            turn=key.turn,
            attempt=key.attempt,
            call_id=call_id,
            wrong=label == "wrong",
            by=BY,
        )
        for key, call_id, label in _labels(run)
        if label in ("right", "wrong")
    )
    return replace(run, opinions=opinions)


def verify_keys(run: Recorded) -> Iterator[ProposalKey]:
    """Yield the proposals whose write was permitted but not looked up."""
    return (key for key, _, label in _labels(run) if label == "unverified")


def _labels(run: Recorded) -> Iterator[tuple[ProposalKey, str, str]]:
    outcome = outcome_of(run.trajectory)
    listed = outcome.native.get("writes") if outcome else None
    if not isinstance(listed, list):
        return
    found = [_Labelled.model_validate(each) for each in listed]
    labels = {each.call_id: each.label for each in found}
    for key, call in executed_calls(run):
        if call.id in labels:
            yield key, call.id, labels[call.id]
