"""UserBench's task files: the schema, the shipped fixture, and what is said about bad ones."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from scripts.make_userbench_fixture import FILE, LETTERS, total, written
from scripts.userbench_wishes import WISHES

from sidecritic.envs.userbench.benchmark import UserBench
from sidecritic.envs.userbench.tasks import RELEASED, load, trip_of
from sidecritic.errors import ConfigError
from tests.travel import ID, record


def folder(tmp_path: Path, **files: object) -> Path:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name.replace("__", ".")).write_text(text)
    return tmp_path


# --- the schema -------------------------------------------------------------------------------


def test_the_example_of_the_specification_is_read_as_it_says() -> None:
    trip = trip_of(ID, record())
    assert [aspect.name for aspect in trip.aspects] == ["flight", "rental_car"]
    assert [(p.id, p.aspect) for p in trip.preferences] == [
        ("P1", "flight"),
        ("P2", "flight"),
        ("P3", "rental_car"),
        ("P4", "rental_car"),
    ]
    assert trip.preferences[0].hint == "My back aches."
    assert trip.preferences_by_id == 4
    flight = trip.aspects[0]
    assert (flight.best, flight.correct, flight.letter) == ("F9", {"F5", "F9"}, "F")


def test_options_lose_type_and_reason() -> None:
    for aspect in trip_of(ID, record()).aspects:
        for options in aspect.options.values():
            assert all(not {"type", "reason"} & option.keys() for option in options)


def _no_dimensions(task: dict[str, Any]) -> None:
    task["dimensions"] = []


def _best_not_correct(task: dict[str, Any]) -> None:
    task["flight"]["best_id"] = "F2"


def _foreign_letter(task: dict[str, Any]) -> None:
    task["flight"]["options"]["wrong"][0]["id"] = "H2"


def _correct_without_option(task: dict[str, Any]) -> None:
    task["flight"]["correct_ids"].append("F20")


def _no_arguments(task: dict[str, Any]) -> None:
    task["flight"]["arguments"] = {}


def _unknown_aspect(task: dict[str, Any]) -> None:
    task["dimensions"].append("cruise")


def _no_scenario(task: dict[str, Any]) -> None:
    del task["scenario"]


def _no_preferences(task: dict[str, Any]) -> None:
    task["flight"]["preferences"] = [["flight", "short"]]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_no_dimensions, "no aspects"),
        (_best_not_correct, "best flight, F2, is not among the correct"),
        (_foreign_letter, "option H2 of flight does not begin with F"),
        (_correct_without_option, "F20 is a correct flight but not an option"),
        (_no_arguments, "search for the flight has no arguments"),
        (_unknown_aspect, "not in the schema.*cruise"),
        (_no_scenario, "not in the schema.*scenario"),
        (_no_preferences, "flight has no preferences"),
    ],
)
def test_a_damaged_task_is_refused_on_loading(
    damage: Callable[[dict[str, Any]], None], message: str
) -> None:
    task = record()
    damage(task)
    with pytest.raises(ConfigError, match=message):
        trip_of(ID, task)


# --- the fixture ------------------------------------------------------------------------------


def test_the_shipped_fixture_is_what_the_script_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == written()


def test_the_fixture_covers_every_subset_and_aspect() -> None:
    fixture = UserBench("userbench:fixture")
    tasks = fixture.tasks("test")
    assert len(tasks) >= 40
    assert fixture.splits().keys() == {"test", *RELEASED}
    aspects = {aspect.name for task in tasks for aspect in fixture.trip(task).aspects}
    assert aspects == set(LETTERS)


def test_each_aspect_of_the_fixture_has_the_counts_of_the_release() -> None:
    for id_, task in load("fixture").tasks.items():
        for aspect in trip_of(id_, task).aspects:
            sizes = [len(aspect.options[kind]) for kind in ("correct", "wrong", "noise")]
            assert sizes == [3, 10, 5]
            shown = {option["id"] for option in aspect.options["noise"]}
            assert len(set(task[aspect.name]["noise_ids"]) - shown) == 4


def test_in_the_fixture_correct_options_fit_wrong_ones_do_not_and_the_best_is_cheapest() -> None:
    for task in load("fixture").tasks.values():
        for name in task["dimensions"]:
            raw = task[name]
            texts = [preference[2] for preference in raw["preferences"]]
            wishes = [wish for wish in WISHES[name] if wish.text in texts]
            fits = {
                kind: [all(wish.meets(o) for wish in wishes) for o in raw["options"][kind]]
                for kind in raw["options"]
            }
            assert all(fits["correct"])
            assert not any(fits["wrong"] + fits["noise"])
            costs = {o["id"]: total(name, o, wishes) for o in raw["options"]["correct"]}
            assert min(costs, key=lambda id_: costs[id_]) == raw["best_id"]


def test_the_fixture_holds_services_that_are_not_offered() -> None:
    assert '"cost_check_bag_total":null' in FILE.read_text(encoding="utf-8")


def test_the_fixture_says_that_it_is_no_userbench() -> None:
    assert "our own fixture" in UserBench("userbench:fixture").versions["task set"]


# --- the user's download ----------------------------------------------------------------------


def test_one_subset_is_read_from_the_users_folder_and_named_by_its_checksum(tmp_path: Path) -> None:
    folder(tmp_path, travelgym_data_22__json={ID: record()})
    bench = UserBench("userbench:travel22", folder=tmp_path)
    assert bench.splits() == {"all": 1}
    digest = sha256((tmp_path / "travelgym_data_22.json").read_bytes()).hexdigest()
    assert digest[:16] in bench.versions["task set"]
    (task,) = bench.tasks("all")
    assert task.env == "userbench:travel22"


def test_splits_come_from_a_file_beside_the_databases(tmp_path: Path) -> None:
    folder(
        tmp_path,
        travelgym_data_22__json={ID: record()},
        splits__json={"travel22": {"test": [ID], "train": []}},
    )
    bench = UserBench("userbench:travel22", folder=tmp_path)
    assert bench.splits() == {"all": 1, "test": 1, "train": 0}


def test_without_splits_a_split_is_asked_for_in_vain(tmp_path: Path) -> None:
    folder(tmp_path, travelgym_data_22__json={ID: record()})
    with pytest.raises(ConfigError, match=r"no split 'test'; known: all; .*splits\.json"):
        UserBench("userbench:travel22", folder=tmp_path).tasks("test")


@pytest.mark.parametrize("splits", ["[]", "{", '{"travel22": {"test": 3}}'])
def test_unusable_splits_are_explained(tmp_path: Path, splits: str) -> None:
    folder(tmp_path, travelgym_data_22__json={ID: record()}, splits__json=splits)
    with pytest.raises(ConfigError, match=r"splits\.json cannot be used"):
        load("travel22", folder=tmp_path)


def test_a_split_that_names_no_task_is_refused(tmp_path: Path) -> None:
    folder(
        tmp_path,
        travelgym_data_22__json={ID: record()},
        splits__json={"travel22": {"test": ["flight:2-1"]}},
    )
    with pytest.raises(ConfigError, match="'flight:2-1', not a task"):
        load("travel22", folder=tmp_path)


def test_a_checksum_that_does_not_match_is_refused(tmp_path: Path) -> None:
    sums = f"{'0' * 64}  travelgym_data_22.json\n"
    folder(tmp_path, travelgym_data_22__json={ID: record()}, SHA256SUMS=sums)
    with pytest.raises(ConfigError, match=r"checksum mismatch.*download it again"):
        load("travel22", folder=tmp_path)


def test_a_checksum_that_matches_is_fine(tmp_path: Path) -> None:
    folder(tmp_path, travelgym_data_22__json={ID: record()})
    digest = sha256((tmp_path / "travelgym_data_22.json").read_bytes()).hexdigest()
    folder(tmp_path, SHA256SUMS=f"{digest} *travelgym_data_22.json\n")
    assert load("travel22", folder=tmp_path).digest == digest


def test_missing_files_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no task files here; get the databases from github"):
        load("travel22")
    with pytest.raises(ConfigError, match=r"travelgym_data_22\.json: No such file.*get the"):
        load("travel22", folder=tmp_path)


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ("[]", "not an object")])
def test_a_damaged_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    folder(tmp_path, travelgym_data_22__json=text)
    with pytest.raises(ConfigError, match=message):
        load("travel22", folder=tmp_path)


def test_an_unknown_subset_is_explained() -> None:
    with pytest.raises(ConfigError, match="did you mean 'travel22'"):
        UserBench("userbench:travel2")
    with pytest.raises(ConfigError, match="unknown UserBench option 'multy'"):
        UserBench("userbench:fixture:multy")


def test_options_of_the_name_change_the_rules() -> None:
    bench = UserBench("userbench:fixture:multi:async:wrong=4")
    assert bench.name == "userbench:fixture:multi:async:wrong=4"
    assert bench.versions["rules"] == "upstream-async, multi"
