"""What critics are never trained on: tasks of the test split, and the users in them."""

import asyncio
from pathlib import Path

import pytest

from sidecritic.assembly.benchmarks import benchmark_for
from sidecritic.assembly.held_out import held_out_of
from sidecritic.envs.customer_index import Customer, Customers
from sidecritic.envs.shop import Shop
from sidecritic.envs.task_files import to_lines
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.errors import ConfigError
from sidecritic.runs import read_run
from sidecritic.settings.evaluation import settings_from
from sidecritic.splits.benchmarks import HeldOutSplit, WithoutTestUsers, require_no_tests
from sidecritic.splits.users import user_of_task
from sidecritic.training.lora.recipe import Preferences, Recipe
from sidecritic.training.lora.rows import read_material, require_no_test_rows
from sidecritic.training.lora.run import tune
from sidecritic.types import Task
from sidecritic.workflows.selfplay import kept_apart, play_both
from tests.verdict_rows import write_data

ANA = Customer("ana_kim_1234", "Ana Kim", "ana.kim@example.com", "10001", ("#W1", "#W2"))
NAMESAKE = Customer("ana_kim_9999", "Ana Kim", "ana.kim9@example.com", "20002", ("#W3",))
CUSTOMERS = Customers((ANA, NAMESAKE))


def test_recorded_tau_bench_shares_its_tests_and_the_gateway_has_none() -> None:
    recorded = held_out_of(["tau:retail", "gateway:desk"])
    assert recorded.tasks == held_out_of(["tau2:retail"]).tasks
    assert recorded.users
    assert held_out_of(["gateway:desk"]).tasks == frozenset()


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("You are ana_kim_1234.", {"ana_kim_1234"}),
        ("Your email is ana.kim@example.com.", {"ana_kim_1234"}),
        ("You are Ana Kim and your zip code is 20002.", {"ana_kim_9999"}),
        ("You want to cancel order #W2.", {"ana_kim_1234"}),
        ("You want to cancel order W3.", {"ana_kim_9999"}),
        ("You are Ana Kim.", {"ana_kim_1234", "ana_kim_9999"}),
        ("You are Bo Lee, order #W12.", set[str]()),
    ],
)
def test_a_user_is_known_by_id_address_record_or_name(text: str, who: set[str]) -> None:
    assert CUSTOMERS.named_in({"reason": text}) == who


def test_a_user_is_known_by_the_arguments_of_the_reference() -> None:
    found = {"first_name": "Ana", "last_name": "Kim", "zip": "10001"}
    assert CUSTOMERS.named_in({"arguments": {**found}}) == {"ana_kim_1234"}


def test_every_tau2_retail_and_airline_task_names_somebody() -> None:
    for domain in ("retail", "airline"):
        benchmark = Tau2(domain)
        assert all(benchmark.users_of(task) for task in benchmark.tasks("base"))


def test_train_tasks_of_test_users_are_left_out() -> None:
    benchmark = Tau2("retail")
    held_out = HeldOutSplit(benchmark)
    apart = WithoutTestUsers(benchmark, held_out)

    kept = apart.tasks("train")

    assert (len(kept), len(benchmark.tasks("train"))) == (34, 74)
    users = {user for task in kept for user in benchmark.users_of(task)}
    assert users and not users & held_out.users.keys()
    assert "kept apart" in apart.versions
    with pytest.raises(ConfigError, match="nothing may be learned from tests: task '5'"):
        apart.tasks("base")


def test_telecom_tells_no_users_apart_so_only_its_tasks_are_held_out() -> None:
    benchmark = Tau2("telecom")
    apart = WithoutTestUsers(benchmark, HeldOutSplit(benchmark))
    assert len(apart.tasks("train")) == 74


def test_the_first_held_out_task_is_named_with_its_user() -> None:
    shop = Shop()
    train = shop.tasks("train")
    with pytest.raises(ConfigError, match="task '0' of shop is about user C100, as is test task"):
        require_no_tests(train, HeldOutSplit(shop), users=True)
    with pytest.raises(ConfigError, match="tasks synth --env shop"):
        WithoutTestUsers(shop, HeldOutSplit(shop)).tasks("train")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"env": "tau2:retail", "split": "test"}, "is in the test split"),
        ({"env": "tau2:retail", "split": "base"}, "is in the test split"),
        ({"env": "tau2:airline", "split": "train", "task_ids": "3"}, "task '3' of tau2:airline is"),
    ],
)
def test_asking_for_what_is_held_out_is_refused(flags: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        kept_apart(settings_from(flags))


def test_a_file_that_holds_a_test_user_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(to_lines(Shop().tasks("train")))
    settings = settings_from({"env": "shop", "split": "train", "tasks": str(file)})
    with pytest.raises(ConfigError, match="is about user C100"):
        play_both(settings, tmp_path / "out")


def harmless(id_: str = "mine") -> Task:
    """A shop task of a customer whom no test task is about."""
    order = "A2004"
    move = {"order_id": order, "street": "1 Rose Lane", "city": "Wels", "postcode": "4600"}
    instructions = {
        "reason_for_call": f"You want order {order} sent to 1 Rose Lane, Wels, postcode 4600.",
        "known_info": "Your e-mail address is paula.winter@example.com.",
    }
    return Task(
        id=id_,
        env="shop",
        split="train",
        data={
            "user_scenario": {"instructions": {**instructions}},
            "evaluation_criteria": {
                "actions": [{"name": "change_address", "arguments": {**move}}],
                "communicate_info": [],
            },
        },
    )


def test_self_play_makes_two_runs_with_the_same_seeds(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(to_lines([harmless("a"), harmless("b")]))
    given = {"env": "shop", "split": "train", "tasks": str(file), "trials": 2, "critic": "policy"}
    settings = settings_from(given)

    played = play_both(settings, tmp_path / "out")

    alone, supervised = map(read_run, played)
    assert [place.name for place in played] == ["alone", "supervised"]
    assert {t.critic for t in alone.trajectories} == {"none"}
    assert {t.critic for t in supervised.trajectories} == {"policy"}
    assert [t.seeds for t in alone.trajectories] == [t.seeds for t in supervised.trajectories]
    assert play_both(settings, tmp_path / "out") == played  # resumed: nothing to play


def test_self_play_without_a_critic_makes_one_run(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(to_lines([harmless()]))
    settings = settings_from({"env": "shop", "split": "train", "tasks": str(file)})
    played = play_both(settings.model_copy(update={"critic": "none"}), tmp_path / "out")
    assert [place.name for place in played] == ["alone"]


NO_TORCH = Recipe(base="org/base", data="d")


@pytest.mark.parametrize(
    ("part", "split"),
    [("verdict", "train"), ("verdict", "validation"), ("preference", "train")],
)
@pytest.mark.parametrize("what", ["task", "user"])
def test_the_library_itself_learns_from_no_row_of_a_test(
    tmp_path: Path, part: str, split: str, what: str
) -> None:
    data = write_data(tmp_path / "data")
    dpo = Preferences() if part == "preference" else None
    recipe = NO_TORCH.model_copy(update={"data": str(data), "dpo": dpo})
    task = benchmark_for("tau2:retail").tasks("test")[0]
    held_out = {"task": task.id, "user": asyncio.run(user_of_task(Tau2("retail"), task))}[what]
    file = data / part / f"{split}.jsonl"
    mine, theirs = f'"{what}_id":"{what}-{split}-3"', f'"{what}_id":"{held_out}"'
    assert mine in file.read_text()
    file.write_text(file.read_text().replace(mine, theirs))
    with pytest.raises(ConfigError, match="its test split: nothing may be learned from it"):
        tune(recipe, tmp_path / "out", say=pytest.fail, tests_of=held_out_of)
    assert not (tmp_path / "out").exists()


def test_rows_of_no_test_may_be_learned_from(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    read = read_material(data, examples=9, validation=9, seed=0, preferences=True)
    assert read.provenances, "there are rows to look at"
    require_no_test_rows(read, held_out_of)
