"""The time of a verdict is told by domain, and a median that is too long is a miss."""

from pathlib import Path

import pytest
from benchmarks.verdict_time import main, misses, recorded_files, times_of

from sidecritic.recorded import JudgedProposal
from sidecritic.types import Approve, Judgement
from tests.library import renewal, written


def judged(env: str, *milliseconds: float) -> list[JudgedProposal]:
    return [
        JudgedProposal(
            file="a",
            simulation=0,
            turn=turn,
            attempt=0,
            env=env,
            task_id="1",
            actor="m",
            gate="writes",
            critic="default",
            kind="write",
            tools=(),
            looked=False,
            judgement=Judgement(verdict=Approve(), critic="default"),
            cpu_seconds=each / 1000,
        )
        for turn, each in enumerate(milliseconds)
    ]


def test_the_median_of_each_domain_decides_and_one_long_verdict_does_not() -> None:
    found = times_of([*judged("tau2:retail", 1, 2, 90), *judged("chats:bank", 6, 6)])
    assert [(each.domain, each.p50, each.longest) for each in found] == [
        ("bank", 6.0, 6.0),
        ("retail", 2.0, 90.0),
    ]
    assert misses(found) == ("bank",)


def test_a_file_of_chats_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path / "chats.jsonl", *(renewal(f"r{n}") for n in range(8)))
    main([str(tmp_path / "chats.jsonl")])
    assert capsys.readouterr().out.startswith("library: ")


def test_recorded_runs_are_looked_for_where_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "other-domains").mkdir()
    file = tmp_path / "other-domains" / "bank.jsonl.gz"
    file.touch()
    assert recorded_files({"SIDECRITIC_RECORDED": str(tmp_path)}) == (file,)
