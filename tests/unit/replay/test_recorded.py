"""The recorded runs of real agents: all are read, and the writes count as their README says."""

import os
from pathlib import Path

import pytest

from sidecritic.labelling.label_files import read_labels_file
from sidecritic.recorded import Recorded
from sidecritic.recordings import Imported, load
from sidecritic.replay.shadow import Worlds
from sidecritic.scoring.writes import WEAK_DOMAINS, is_clean, writes_of
from sidecritic.trace import Executed, Observed
from sidecritic.types import ToolCall

ROOT = Path(
    os.environ.get("SIDECRITIC_RECORDED", Path(__file__).parents[4] / "shared" / "trajectories")
)
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(
        not (ROOT / "dev").is_dir(),
        reason=f"no recorded runs under {ROOT}; set SIDECRITIC_RECORDED to their folder",
    ),
]


@pytest.fixture(scope="module")
def imported() -> Imported:
    return load([ROOT / "dev"])


def pooled(imported: Imported) -> list[Recorded]:
    return [run for run in imported.runs if run.domain not in WEAK_DOMAINS]


def test_every_run_is_read(imported: Imported) -> None:
    assert imported.problems == ()
    assert (len(imported.runs), imported.empty, imported.files) == (1005, 0, 34)
    assert not [run.file for run in imported.runs if run.user_id.startswith("task ")]


def test_right_and_wrong_writes_are_as_many_as_the_readme_says(imported: Imported) -> None:
    standings = [write.standing for run in pooled(imported) for write in writes_of(run)]
    assert (standings.count("right"), standings.count("wrong")) == (1350 - 343, 343)


def test_the_first_wrong_writes_of_clean_runs_are_those_that_have_labels(
    imported: Imported,
) -> None:
    firsts = {
        (*write.key[:2], write.form)
        for run in pooled(imported)
        if is_clean(run)
        for write in writes_of(run)
        if write.first_wrong
    }
    assert firsts == set(read_labels_file(ROOT / "dev_labels.jsonl").readers or {})


def test_the_world_keeps_up_with_every_run_of_tau2(imported: Imported) -> None:
    worlds = Worlds()
    lost = [
        f"{run.file}, {run.simulation}"
        for run in imported.runs[::5]
        if run.benchmark == "tau2-bench" and not keeps_up(run, worlds)
    ]
    assert lost == []


def keeps_up(run: Recorded, worlds: Worlds) -> bool:
    shadow = worlds.shadow(run)
    calls: dict[str, ToolCall] = {}
    for event in run.trajectory.events:
        match event:
            case Observed():
                shadow.follow(calls, event)
            case Executed(action=action):
                calls.update((call.id, call) for call in action.calls)
            case _:
                pass
    return shadow.look() is not None
