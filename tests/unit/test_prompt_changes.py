"""A change of the prompt is measured in pairs: over the same proposals, with what flipped."""

from pathlib import Path

import pytest
from benchmarks.prompts import Asked, change, main

from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal
from sidecritic.replay.lines import read_lines
from sidecritic.types import Approve, Revise
from tests.library import renewal, written
from tests.unit.cli.commands import run

Risks = dict[str, float]
"""Of the renewal in each conversation."""


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    file = tmp_path / "chats.jsonl"
    right = [renewal(f"right-{n}") for n in range(12)]
    wrong = [renewal(f"wrong-{n}", loan="B-9", verdict="wrong") for n in range(12)]
    written(file, *right, *wrong)
    return file


def replayed(chats: Path, name: str, version: str, *, good: bool) -> Path:
    """Judge with the critic that approves of all, and give its judgements other risks."""
    out = chats.with_name(name)
    words = ("--critic", "none", "--workers", "1", "--out", str(out))
    assert run("replay", str(chats), *words).exit_code == 0
    lines = [told(line, version, good=good) for line in read_lines(out)]
    out.write_text("".join(f"{line.model_dump_json()}\n" for line in lines))
    return out


def told(line: JudgedProposal, version: str, *, good: bool) -> JudgedProposal:
    wrong = line.task_id.startswith("wrong") and line.tools != ("list_loans",)
    refuses = wrong if good else line.task_id.endswith("1")
    judgement = line.judgement.model_copy(
        update={
            "risk": 0.9 if refuses else 0.1,
            "verdict": Revise(feedback="No.") if refuses else Approve(),
        }
    )
    return line.model_copy(update={"critic_version": version, "judgement": judgement})


def test_a_better_prompt_gains_and_what_it_mended_is_counted(chats: Path) -> None:
    old = replayed(chats, "old.jsonl", "prompt-4", good=False)
    new = replayed(chats, "new.jsonl", "prompt-5", good=True)
    found = change(old, new, Asked((chats,)))
    assert (found.old, found.new) == ("none prompt-4", "none prompt-5")
    assert found.auroc.is_gain
    assert found.right.is_gain
    assert found.left_out == 0
    assert found.on_wrong.spoilt == found.on_right.spoilt == 0
    assert found.on_wrong.mended > found.on_right.mended > 0
    assert not found.is_worse
    assert change(new, old, Asked((chats,))).is_worse


def test_the_same_judgements_differ_by_nothing(
    chats: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = replayed(chats, "new.jsonl", "prompt-5", good=True)
    assert main([str(new), str(new), "--on", str(chats)]) == 0
    said = capsys.readouterr().out
    assert "AUROC: 1.000 -> 1.000, +0.000 (+0.000 to +0.000)" in said
    assert "of the wrong ones: 0 mended, 0 spoilt, " in said


def test_what_one_of_them_did_not_judge_is_left_out_and_counted(chats: Path) -> None:
    old = replayed(chats, "old.jsonl", "prompt-4", good=True)
    new = replayed(chats, "new.jsonl", "prompt-5", good=True)
    whole = change(old, new, Asked((chats,)))
    lines = new.read_text().splitlines(keepends=True)
    new.write_text("".join(line for line in lines if '"right-3"' not in line))
    cut = change(old, new, Asked((chats,)))
    assert cut.left_out == whole.n - cut.n > 0


def test_judgements_of_other_runs_are_refused(chats: Path, tmp_path: Path) -> None:
    old = replayed(chats, "old.jsonl", "prompt-4", good=True)
    other = tmp_path / "other.jsonl"
    written(other, renewal("elsewhere"))
    with pytest.raises(ConfigError, match="no proposal of known truth in common"):
        change(old, old, Asked((other,)))
