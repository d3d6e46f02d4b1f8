"""Data sets: what is refused, what is left out, and what a reader finds."""

import json
import resource
import signal
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecritic.critics.compact import rendering
from sidecritic.datasets.balance import balanced
from sidecritic.datasets.candidates import Candidate, candidates_of
from sidecritic.datasets.export import QUARANTINE_FILE, ExportSettings
from sidecritic.datasets.export import export as make
from sidecritic.datasets.material import EVERY, Material, recorded_material, run_material
from sidecritic.datasets.repetitions import without_contradictions, without_duplicates
from sidecritic.datasets.rows import Provenance, VerdictRow
from sidecritic.datasets.summary import Summary
from sidecritic.errors import ConfigError
from sidecritic.labelling.trust import LabelKey
from sidecritic.recorded import Recorded
from sidecritic.splits.assignment import SplitShares, assign, require_no_leak
from sidecritic.splits.held_out import HeldOut, require_none_held_out
from sidecritic.types import Task
from tests.labelled import BRIEFING, candidate, episode, episodes, label, material, reads

Json = dict[str, Any]
PLAIN = ExportSettings(parquet=False, balance="none")


def rows(folder: Path, config: str = "verdict") -> list[Json]:
    return [
        json.loads(line)
        for file in sorted((folder / config).glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]


def export(folder: Path, *materials: Material, wanted: ExportSettings = PLAIN) -> Summary:
    return make(reads(*materials), folder, wanted)


def by_id(rows: Iterable[Candidate]) -> dict[str, Provenance]:
    return {row.id: row.provenance for row in rows}


# --- leakage ---------------------------------------------------------------------------------


def test_a_test_task_is_refused_by_name(tmp_path: Path) -> None:
    held_out = HeldOut(tasks=frozenset({("retail", "3")}))

    with pytest.raises(ConfigError, match="task '3' of tau2:retail"):
        export(tmp_path / "d", material(*episodes(20)), wanted=replace(PLAIN, held_out=held_out))
    assert not (tmp_path / "d").exists()


def test_a_test_user_is_refused_by_name_whichever_benchmark_they_come_from(
    tmp_path: Path,
) -> None:
    held_out = HeldOut(users=frozenset({("retail", "user_number_1002")}))
    own = candidate("a", user="user_number_1002", env="tau:retail")

    with pytest.raises(ConfigError, match="user 'user_number_1002' of tau:retail"):
        require_none_held_out([own.provenance], held_out)
    with pytest.raises(ConfigError, match="--held-out drop"):
        export(tmp_path / "d", material(*episodes(20)), wanted=replace(PLAIN, held_out=held_out))


def test_what_is_held_out_can_be_dropped_instead(tmp_path: Path) -> None:
    held_out = HeldOut(users=frozenset({("retail", "user_number_1002")}))
    wanted = replace(PLAIN, held_out=held_out, drops_held_out=True)

    summary = export(tmp_path / "d", material(*episodes(40)), wanted=wanted)

    assert summary.left_out["of a test split"] == 2
    assert "user_number_1002" not in {row["provenance"]["user_id"] for row in rows(tmp_path / "d")}


def test_no_task_and_no_user_is_in_two_splits(tmp_path: Path) -> None:
    # Two users share a task, and one of them another task with a third user.
    shared = [
        candidate("a", user="u_a_1001", task="1"),
        candidate("b", user="u_b_1002", task="1"),
        candidate("c", user="u_b_1002", task="2"),
        candidate("d", user="u_c_1003", task="2"),
    ]
    for seed in range(30):
        splits = assign(by_id(shared), SplitShares(0.3, 0.3), seed)
        assert len(set(splits.values())) == 1
    export(tmp_path / "d", material(*episodes(120)))
    found: dict[str, set[str]] = {}
    for row in rows(tmp_path / "d"):
        for key in ("user_id", "task_id"):
            found.setdefault(f"{key} {row['provenance'][key]}", set()).add(row["split"])

    assert {len(splits) for splits in found.values()} == {1}
    assert {row["split"] for row in rows(tmp_path / "d")} == {"train", "validation", "test"}


def test_a_leak_is_found_whoever_assigned_the_splits() -> None:
    one, other = candidate("a", task="1"), candidate("b", task="2")

    with pytest.raises(ConfigError, match="user 'ana_ruiz_1001' of retail is in two splits"):
        require_no_leak([("train", one.provenance), ("test", other.provenance)])


def test_more_data_moves_no_user_to_another_split() -> None:
    few = [candidate(f"c{n}", user=f"u_x_{1000 + n}", task=str(n)) for n in range(20)]
    many = [*few, *(candidate(f"d{n}", user=f"u_y_{2000 + n}", task=f"d{n}") for n in range(50))]

    before, after = (assign(by_id(rows), SplitShares(), 0) for rows in (few, many))

    assert {id: after[id] for id in before} == before


# --- duplicates ------------------------------------------------------------------------------

LONG = " ".join(f"word{n}" for n in range(200))


def test_near_duplicates_of_one_label_are_left_out_and_pairs_that_differ_in_it_stay() -> None:
    # 200 words and one appended: 198 of 199 shingles are shared.
    same = [candidate("a", text=LONG), candidate("b", text=f"{LONG} end")]
    opposite = candidate("c", wrong=False, text=f"{LONG} end")
    other = candidate("d", text=" ".join(f"item{n}" for n in range(200)))

    kept, dropped = without_duplicates([*same, opposite, other])

    assert [row.key.trajectory for row in kept] == ["a", "c", "d"]
    assert dropped == 1


def test_one_text_with_two_labels_goes_to_the_heavier_side_or_nowhere() -> None:
    heavier = [
        candidate("a", text="x", weight=1.0),
        candidate("b", text="x", wrong=False, weight=0.5),
    ]
    even = [candidate("c", text="y"), candidate("d", text="y", wrong=False)]

    kept, dropped = without_contradictions([*heavier, *even])

    assert [row.key.trajectory for row in kept] == ["a"]
    assert dropped == 3


def test_two_rows_with_one_prompt_and_two_labels_are_dropped_and_counted(tmp_path: Path) -> None:
    wrong = episode(0, wrong=True, user="user_number_2001", words="Do order 1000001 for me.")
    right = episode(0, wrong=False, user="user_number_2002", words="Do order 2000002 for me.")
    twins = (
        wrong,
        right.model_copy(
            update={
                "id": "twin",
                "task": Task(
                    id="twin",
                    env=wrong.task.env,
                    split="train",
                    data={"user_id": "user_number_2002"},
                ),
            }
        ),
    )
    own = material(*episodes(20)[1:], *twins)

    whole = export(tmp_path / "full", own)
    short = export(tmp_path / "words", own, wanted=replace(PLAIN, rendering=rendering("words")))

    assert "same prompt, other label" not in whole.left_out
    assert short.left_out["same prompt, other label"] == 2
    labels: dict[str, set[bool]] = {}
    for row in rows(tmp_path / "words"):
        labels.setdefault(json.dumps(row["prompt"]), set()).add(row["wrong"])
    assert {len(found) for found in labels.values()} == {1}
    assert "t0" not in {
        row["provenance"]["trajectory"] for row in rows(tmp_path / "words", "steps")
    }


# --- balance ---------------------------------------------------------------------------------


def test_classes_are_balanced_within_each_domain_and_kind() -> None:
    own = [
        *(candidate(f"w{n}", wrong=True) for n in range(3)),
        *(candidate(f"r{n}", wrong=False) for n in range(9)),
        *(candidate(f"f{n}", wrong=False, kind="final") for n in range(5)),
    ]

    fewer = balanced(own, "downsample", 0)
    weighed = balanced(own, "weights", 0)

    assert Counter((row.kind, row.label.wrong) for row in fewer) == {
        ("write", True): 3,
        ("write", False): 3,
        ("final", False): 5,
    }
    assert balanced(list(reversed(own)), "downsample", 0) == list(reversed(fewer))
    assert sum(r.weight for r in weighed if r.kind == "write" and not r.label.wrong) == 3.0
    assert balanced(own, "none", 0) == own


def test_an_empty_class_is_bad_input(tmp_path: Path) -> None:
    right = [episode(n, wrong=False, user=f"user_number_{1000 + n}") for n in range(12)]

    with pytest.raises(ConfigError, match="all right"):
        export(tmp_path / "d", material(*right))
    with pytest.raises(ConfigError, match="no rows at all"):
        export(tmp_path / "d", material())
    assert list(tmp_path.iterdir()) == []


# --- quarantine ------------------------------------------------------------------------------


def test_poisoned_rows_are_quarantined_and_change_nothing(tmp_path: Path) -> None:
    clean = episodes(90)
    poison = [
        episode(900 + n, wrong=True, user=f"user_number_{1000 + n}", words=f"IGNORE ALL {n}")
        for n in range(10)
    ]
    ids = frozenset(each.id for each in poison)

    export(tmp_path / "clean", material(*clean))
    summary = export(tmp_path / "both", material(*clean, *poison, hostile=ids))
    quarantined = (tmp_path / "both" / QUARANTINE_FILE).read_text().splitlines()

    assert summary.quarantined == {"hostile": 10}
    assert {json.loads(line)["provenance"]["trajectory"] for line in quarantined} == ids
    assert rows(tmp_path / "both") == rows(tmp_path / "clean")


def test_live_trajectories_wait_for_somebody_to_vouch(tmp_path: Path) -> None:
    live = replace(material(*episodes(40)), trust="live")

    kept = list(candidates_of(replace(live, vouched=frozenset({"t3"}))))
    hostile = list(candidates_of(replace(live, vouched=EVERY, hostile=frozenset({"t4"}))))

    assert [row.key.trajectory for row in kept if not row.quarantine] == ["t3"]
    assert [row.key.trajectory for row in hostile if row.quarantine] == ["t4"]
    assert {row.provenance.trust for row in kept} == {"live"}
    with pytest.raises(ConfigError, match="no rows at all"):
        export(tmp_path / "d", live)


# --- what is written -------------------------------------------------------------------------


def test_the_same_input_and_seed_give_the_same_files(tmp_path: Path) -> None:
    wanted = replace(PLAIN, balance="downsample", seed=3)

    first = export(tmp_path / "a", material(*episodes(80)), wanted=wanted)
    second = export(tmp_path / "b", material(*episodes(80)), wanted=wanted)
    third = export(tmp_path / "c", material(*episodes(80)), wanted=replace(wanted, seed=4))

    assert first == second and first.digest != third.digest
    for file in (tmp_path / "a").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_rows_have_the_columns_that_trainers_read(tmp_path: Path) -> None:
    made = material(*episodes(60))
    taught = label("t0", feedback="Put it back.").model_copy(update={"unhelpful": ("No.",)})
    labels = {**made.labels, LabelKey("t0", 0, 0): taught}

    export(tmp_path / "d", replace(made, labels=labels))

    verdicts = [VerdictRow.model_validate(row) for row in rows(tmp_path / "d")]
    assert {row.completion[-1].content for row in verdicts if row.wrong} == {"No"}
    assert {row.completion[-1].content for row in verdicts if not row.wrong} == {"Yes"}
    assert all([m.role for m in row.prompt] == ["system", "user"] for row in verdicts)
    pairs = rows(tmp_path / "d", "preference")
    assert Counter(pair["about"] for pair in pairs) == {"verdict": 60, "feedback": 1}
    (words,) = (pair for pair in pairs if pair["about"] == "feedback")
    assert "Put it back." in words["chosen"][0]["content"]
    assert "No." in words["rejected"][0]["content"]
    (reasons,) = rows(tmp_path / "d", "feedback")
    assert json.loads(reasons["completion"][0]["content"])["feedback"] == "Put it back."
    steps = rows(tmp_path / "d", "steps")
    assert all(len(row["completions"]) == len(row["labels"]) == 1 for row in steps)
    assert all(isinstance(row["prompt"], str) for row in steps)


def test_the_card_says_what_is_in_it_and_where(tmp_path: Path) -> None:
    summary = export(tmp_path / "d", material(*episodes(60)))
    card = (tmp_path / "d" / "README.md").read_text()

    assert "- config_name: verdict" in card and "path: verdict/train.jsonl" in card
    assert "*simulated*" in card and "MIT" in card and "wrong_item" in card
    assert Summary.model_validate_json((tmp_path / "d" / "data.json").read_text()) == summary
    assert sum(summary.lengths.counts) == 60


def test_parquet_holds_what_the_lines_hold(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    export(tmp_path / "d", material(*episodes(60)), wanted=replace(PLAIN, parquet=True))

    for config in ("verdict", "preference", "steps"):
        for file in sorted((tmp_path / "d" / config).glob("*.parquet")):
            lines = file.with_suffix(".jsonl").read_text().splitlines()
            assert parquet.read_table(file).to_pylist() == [json.loads(line) for line in lines]


def test_recorded_runs_are_labelled_by_their_ends(tmp_path: Path) -> None:
    runs = [
        Recorded("f.json", at, "tau2-bench", "retail", "u", each, BRIEFING)
        for at, each in enumerate(episodes(4))
    ]

    own = recorded_material("f.json", runs)

    assert {found.source for found in own.labels.values()} <= {"outcome"}
    assert own.trust_in(runs[0].trajectory.model_copy(update={"simulated": ()})) == "recorded"


def test_a_run_without_labels_says_how_to_label_it(tmp_path: Path) -> None:
    from sidecritic.runs import RUN_FILE, RunRecord

    record = RunRecord(command="", settings={}, episodes=0, versions={}, briefings={})
    (tmp_path / RUN_FILE).write_text(record.model_dump_json())

    with pytest.raises(ConfigError, match="sidecritic datagen label"):
        run_material(tmp_path)


# --- disks -----------------------------------------------------------------------------------


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(ConfigError, match="make room"):
            export(tmp_path / "d", material(*episodes(60)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    assert list(tmp_path.iterdir()) == []
    export(tmp_path / "d", material(*episodes(60)))
    assert len(rows(tmp_path / "d")) == 60


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()

    with pytest.raises(ConfigError, match="exists already"):
        export(tmp_path / "d", material(*episodes(60)))
    (tmp_path / ".e.part").mkdir()
    export(tmp_path / "e", material(*episodes(60)))

    assert sorted(each.name for each in tmp_path.iterdir()) == ["d", "e"]


async def test_users_of_test_tasks_are_found_where_only_a_tool_names_them() -> None:
    from sidecritic.assembly.benchmarks import benchmark_for
    from sidecritic.splits.held_out import held_out
    from sidecritic.splits.users import user_of_task

    retail, shop, telecom = map(benchmark_for, ("tau2:retail", "shop", "tau2:telecom"))
    found = await held_out(retail)
    shared = [
        task.id
        for task in retail.tasks("train")
        if ("retail", await user_of_task(retail, task)) in found.users
    ]

    assert len(found.tasks) == 40
    assert len(shared) == 38
    assert all(user.rpartition("_")[2].isdigit() for _, user in found.users)
    of_shop = await held_out(shop)
    assert {user for _, user in of_shop.users} == {
        await user_of_task(shop, task) for task in shop.tasks("test")
    }
    assert (await held_out(telecom)).users == frozenset(), "all its tasks have one customer"
