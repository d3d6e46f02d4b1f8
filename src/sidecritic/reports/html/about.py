"""What the numbers mean, and where they come from."""

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from sidecritic.reports.html.blocks import Block
from sidecritic.reports.html.runs import Named
from sidecritic.reports.sections import Section, made_by
from sidecritic.scoring.measure.aftermath import FATES
from sidecritic.scoring.statistics import RESAMPLES, SEED

_TERMS = (
    ("episode", "one trial of one task; without a grade it counts as a failure of machinery only"),
    (
        "pass^k",
        "the chance that k trials of a task all pass: C(passed, k) / C(trials, k), mean over tasks "
        "(arXiv:2406.12045)",
    ),
    (
        "95 % interval",
        f"percentiles of {RESAMPLES:,} resamples of tasks (seed {SEED}), widened by what tasks "
        "unlike these could add; of plain shares, Wilson's",
    ),
    (
        "paired",
        "over the episodes that both runs have graded; p by flipping the signs of whole tasks",
    ),
    (
        "wrong",
        "a fault that a simulated actor made on purpose; with a real actor, a write that is none "
        "of the task's reference writes; or what people have labelled wrong",
    ),
    (
        "right, wrong, missed",
        "of interventions: refused and at fault; refused and not at fault; at fault and executed",
    ),
    ("risk", "the critic's score in [0, 1]; a probability only where it is called one"),
    ("caught, disturbed", "a wrong run stopped by its first mistake; a right run stopped anywhere"),
)


def definitions() -> Block:
    rows = (*_TERMS, *FATES.items())
    return Block(
        "definitions", "Definitions", sections=(Section("Definitions", ("term", "meaning"), rows),)
    )


def provenance(runs: Sequence[Named], settings: Mapping[str, Mapping[str, JsonValue]]) -> Block:
    """Return command, versions and settings of each run."""
    sections = [made_by(scores)._replace(title=f"How it was made: {name}") for name, scores in runs]
    names = sorted({key for own in settings.values() for key in own})
    if names:
        rows = tuple(
            (key, *(json.dumps(own.get(key), ensure_ascii=False) for own in settings.values()))
            for key in names
        )
        sections.append(Section("Settings", ("setting", *settings), rows))
    return Block("made", "Configuration and versions", sections=tuple(sections))
