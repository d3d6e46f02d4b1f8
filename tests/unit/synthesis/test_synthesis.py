"""New tasks: what is made, what is rejected and why."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sidecritic.assembly.synthesis import SYNTHETIC, Workshop, workshop_for
from sidecritic.envs.shop import Shop
from sidecritic.errors import ConfigError, ModelUnavailable
from sidecritic.models.scripted import FunctionModel, ScriptedModel
from sidecritic.packs.registry import pack_for
from sidecritic.ports import Peopled
from sidecritic.reports.synthesis import kinds, rejections
from sidecritic.simulation.task_record import Action, reference_of, scenario_of
from sidecritic.splits.benchmarks import HeldOutSplit
from sidecritic.synthesis.drafts import Introduction, TaskDraft, Wish, reason_of, to_task
from sidecritic.synthesis.generator import Scenarios, SynthesisOrder, Unfinished, make
from sidecritic.synthesis.ledger import open_ledger
from sidecritic.synthesis.shop import ShopDesk
from sidecritic.synthesis.template_author import TemplateAuthor
from sidecritic.synthesis.verifier import Rejection, Verifier
from sidecritic.synthesis.wording import amount, enumerated, method
from sidecritic.types import Request, Task

SHOP = Shop()
DESK = ShopDesk(SHOP.records)
VERIFIER = Verifier(SHOP, HeldOutSplit(SHOP), pack_for("shop"))
TRAIN_USERS = [user for user in DESK.users if user not in VERIFIER.held_out.users]


@pytest.fixture(scope="module")
def workshops() -> Mapping[str, Workshop]:
    return {env: workshop_for(env) for env in SYNTHETIC}


async def made_in(shop: Workshop, **order: Any) -> tuple[Task, ...]:
    tasks, _ = await make(shop.author, shop.verifier, SynthesisOrder(**order), shop.known)
    return tasks


@pytest.mark.parametrize("env", SYNTHETIC)
async def test_made_tasks_are_verified_varied_and_of_nobody_in_the_test_split(
    workshops: Mapping[str, Workshop], env: str
) -> None:
    shop = workshops[env]
    tasks, made = await make(shop.author, shop.verifier, SynthesisOrder(number=25), shop.known)

    assert (len(tasks), made.made, made.refusals) == (25, 25, 5)
    assert len(made.kinds) > 5
    assert len({task.id for task in tasks}) == 25
    benchmark = shop.verifier.benchmark
    assert isinstance(benchmark, Peopled)
    users = [benchmark.users_of(task) for task in tasks]
    assert all(users)
    assert not set().union(*users) & shop.verifier.held_out.users.keys()
    assert all(scenario_of(task).known and task.split == "train" for task in tasks)


@pytest.mark.parametrize("env", SYNTHETIC)
async def test_a_seed_makes_the_same_tasks_and_another_one_others(
    workshops: Mapping[str, Workshop], env: str
) -> None:
    shop = workshops[env]
    first = await made_in(shop, number=5, seed=4)
    assert await made_in(shop, number=5, seed=4) == first
    assert {task.data["description"] is None for task in first} == {False}
    other = await made_in(shop, number=5, seed=5)
    assert [scenario_of(task) for task in other] != [scenario_of(task) for task in first]


async def test_the_share_of_refusals_is_kept(workshops: Mapping[str, Workshop]) -> None:
    shop = workshops["shop"]
    for share, expected in ((0.0, 0), (0.5, 5), (1.0, 10)):
        _, made = await make(shop.author, shop.verifier, SynthesisOrder(number=10, refusals=share))
        assert made.refusals == expected


async def test_every_kind_of_every_domain_can_be_made(workshops: Mapping[str, Workshop]) -> None:
    """Each maker has at least one wish that verification accepts, alone in its task."""
    for env, shop in workshops.items():
        author = shop.author
        assert isinstance(author, TemplateAuthor)
        domain, users = author.domain, author.users
        for kind in (*domain.makers, *domain.refusals):
            rng = Random(kind)
            found: Task | Rejection = Rejection("no user found")
            for user in rng.sample(users, len(users)):
                wish = domain.wish(kind, user, rng)
                if wish is not None:
                    draft = TaskDraft(user, domain.introduce(user, rng), (wish,))
                    assert draft.refuses == (kind in domain.refusals)
                    found = await shop.verifier.verify(draft, "one")
                if isinstance(found, Task):
                    break
            assert isinstance(found, Task), f"{env}: {kind}: {found}"


# --- rejections -----------------------------------------------------------------------------

USER = "C200"
ORDER = "A2004"
"""On its way; the other orders of this customer have been delivered."""


def moving(**arguments: str) -> Action:
    place = {"order_id": ORDER, "street": "1 Rose Lane", "city": "Wels", "postcode": "4600"}
    return Action("change_address", {**place, **arguments})


def wishing(**changes: Any) -> TaskDraft:
    wish = Wish(
        kind="change address",
        text=f"You want order {ORDER} sent to 1 Rose Lane, Wels, postcode 4600.",
        touches=ORDER,
        looks=(Action("get_order", {"order_id": ORDER}),),
        writes=(moving(),),
    )
    return TaskDraft(USER, DESK.introduce(USER, Random(0)), (replace(wish, **changes),))


LATE = Action(
    "refund_items",
    {"order_id": "A2003", "item_ids": ["31021"], "payment_method_id": "credit_card_5201"},
)


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (wishing(writes=(moving(order_id="A2001"),)), "a tool refuses the reference"),
        (wishing(writes=(Action("fly", {}),)), "not a task of this benchmark"),
        (wishing(writes=()), "the reference changes nothing"),
        (wishing(text="You want order A1005 sent to Wels."), "touches a test user"),
        (wishing(writes=(LATE,), looks=()), "the policy forbids it"),
        (
            wishing(writes=(), forbidden=moving()),
            "no check objects to what must be refused",
        ),
    ],
)
async def test_an_unsound_task_is_rejected_with_its_reason(draft: TaskDraft, reason: str) -> None:
    found = await VERIFIER.verify(draft, "x")
    assert isinstance(found, Rejection), found
    assert found.reason == reason


async def test_a_sound_task_passes_and_one_to_refuse_has_no_write_in_its_reference() -> None:
    assert isinstance(await VERIFIER.verify(wishing(), "x"), Task)
    asks_only = wishing(writes=(), tells=("42.17",))
    assert isinstance(await VERIFIER.verify(asks_only, "x"), Task)
    refused = wishing(
        kind="too late",
        text="You want a refund for what is in order A2003, the way you paid.",
        touches="A2003",
        looks=(Action("get_order", {"order_id": "A2003"}),),
        writes=(),
        forbidden=LATE,
    )
    found = await VERIFIER.verify(refused, "x")
    assert isinstance(found, Task), found
    assert [action.name for action in reference_of(found).actions] == [
        "find_customer",
        "get_order",
    ]


class Repeats:
    """An author with one idea."""

    name = "repeats"

    async def draft(self, rng: Random, *, refuse: bool) -> TaskDraft | Rejection:
        return wishing()


async def test_what_says_the_same_again_is_dropped_and_the_table_says_so() -> None:
    tasks, made = await make(Repeats(), VERIFIER, SynthesisOrder(number=3, patience=2))

    assert (len(tasks), made.attempts) == (1, 6)
    (rejected,) = made.rejected
    assert (rejected.reason, rejected.number) == ("says nearly the same again", 5)
    assert rejected.example == tasks[0].id
    assert rejections(made).rows[0][:3] == ("change address", "5", "says nearly the same again")
    assert kinds(made).rows == (("change address", "1"),)


async def test_the_benchmarks_own_tasks_are_not_repeated() -> None:
    own = to_task(wishing(), id="own", env="shop", split="train")
    tasks, made = await make(Repeats(), VERIFIER, SynthesisOrder(number=1, patience=1), [own])
    assert not tasks
    assert made.rejected[0].example == "own"


def test_other_manners_do_not_make_another_task() -> None:
    one = to_task(replace(wishing(), manner="You shout."), id="a", env="shop", split="train")
    assert Scenarios([one]).like(to_task(wishing(), id="b", env="shop", split="train")) == "a"


# --- tasks that a model writes ----------------------------------------------------------------


def answer(**changes: Any) -> str:
    form: dict[str, Any] = {
        "reason_for_call": f"You want order {ORDER} sent to 1 Rose Lane, Wels, postcode 4600.",
        "known_info": "You are Paula Winter, paula.winter@example.com.",
        "task_instructions": "You are brief.",
        "actions": [
            {"name": "get_order", "arguments": json.dumps({"order_id": ORDER})},
            {"name": "change_address", "arguments": json.dumps(moving().arguments)},
        ],
        "communicate_info": [],
        "forbidden": None,
    }
    return json.dumps(form | changes)


def asked(*answers: str | Exception) -> Workshop:
    shop = workshop_for("shop", ScriptedModel(answers, name="writer"))
    author: Any = shop.author
    author.users = [USER]
    return shop


async def test_a_model_writes_tasks_that_are_verified_the_same_way() -> None:
    shop = asked(answer())
    order = SynthesisOrder(number=1, refusals=0)

    (task,), made = await make(shop.author, shop.verifier, order)

    assert made.author == "writer"
    assert task.data["description"] == {
        "purpose": "written, granted",
        "relevant_policies": None,
        "notes": "synthetic, by model writer",
    }
    names = [action.name for action in reference_of(task).actions]
    assert names == ["find_customer", "get_order", "change_address"]


async def test_a_model_is_shown_policy_tools_and_one_users_records_and_nobody_elses() -> None:
    seen: list[Request] = []

    def note(request: Request) -> str:
        seen.append(request)
        return answer()

    shop = workshop_for("shop", FunctionModel(note))
    await make(shop.author, shop.verifier, SynthesisOrder(number=1, refusals=0, patience=1))
    text = "\n".join(message.text for message in seen[0].messages)
    assert "# Service desk of the shop" in text and "refund_items" in text
    named = VERIFIER.benchmark
    assert isinstance(named, Peopled)
    (who,) = named.users_of(Task(id="x", env="shop", split="train", data={"text": text}))
    assert who in TRAIN_USERS


CALL = {"name": "change_address", "arguments": "{}"}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (("no JSON", "no JSON again"), "the model's answer is not a task"),
        ((answer(actions="none"), answer(extra=1)), "the model's answer is not a task"),
        ((answer(known_info=" "),), "a text of the scenario is empty"),
        ((answer(reason_for_call="You " * 500),), "a text of the scenario is too long"),
        ((answer(actions=[CALL] * 13),), "too many actions"),
        ((answer(forbidden=CALL),), "not of the kind asked for"),
        ((answer(actions=[{**CALL, "arguments": "[1]"}]),), "arguments are not a JSON object"),
        ((answer(actions=[{**CALL, "arguments": "{"}]),), "arguments are not a JSON object"),
        (
            (answer(actions=[{**CALL, "arguments": json.dumps({"order_id": "A9"})}]),),
            "the solution needs an unknown identifier",
        ),
        ((answer(actions=[CALL]),), "not a task of this benchmark"),
        (
            (answer(known_info="You are Nora Lindt, nora.lindt@example.com."),),
            "touches a test user",
        ),
    ],
)
async def test_a_malformed_answer_is_a_counted_rejection(
    answers: tuple[str, ...], reason: str
) -> None:
    shop = asked(*answers)
    tasks, made = await make(
        shop.author, shop.verifier, SynthesisOrder(number=1, refusals=0, patience=1)
    )
    assert not tasks
    assert [(each.reason, each.number) for each in made.rejected] == [(reason, 1)]


async def test_a_model_that_cannot_be_reached_ends_it() -> None:
    shop = asked(ModelUnavailable("down"), ModelUnavailable("down"))
    with pytest.raises(ModelUnavailable):
        await make(shop.author, shop.verifier, SynthesisOrder(number=1))


async def test_what_was_verified_before_a_model_went_away_is_handed_over() -> None:
    shop = asked(answer(), ModelUnavailable("down"), ModelUnavailable("down"))
    with pytest.raises(Unfinished, match="down") as error:
        await make(shop.author, shop.verifier, SynthesisOrder(number=2, refusals=0))
    assert len(error.value.tasks) == error.value.made.made == 1


async def test_a_ledger_that_a_kill_cut_off_is_gone_on_with(
    workshops: Mapping[str, Workshop], tmp_path: Path
) -> None:
    order, file, shop = SynthesisOrder(number=5), tmp_path / "new.progress", workshops["shop"]
    whole, _ = await make(shop.author, shop.verifier, order)
    with pytest.raises(KeyError), open_ledger(file) as ledger:
        await make(shop.author, shop.verifier, order, ledger=ledger)
        raise KeyError  # before the tasks were written
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    with open_ledger(file) as ledger:
        tasks, made = await make(shop.author, shop.verifier, order, ledger=ledger)
    assert tasks == whole
    assert made.made == 5
    assert not file.exists()


# --- words ------------------------------------------------------------------------------------


def test_wishes_become_one_paragraph() -> None:
    draft = wishing()
    several = replace(draft, wishes=draft.wishes * 3, introduction=Introduction("You are Ada."))
    assert reason_of(several).count("ou want order") == 3
    assert "4600. Besides, you want" in reason_of(several)
    assert "4600. Finally, you want" in reason_of(several)


def test_payment_methods_are_named_such_that_no_other_is_meant() -> None:
    cards = {
        "a": {"id": "a", "source": "credit_card", "last_four": "1111"},
        "b": {"id": "b", "source": "credit_card", "last_four": "2222"},
        "p": {"id": "p", "source": "paypal"},
        "g": {"id": "g", "source": "gift_card"},
        "h": {"id": "h", "source": "gift_card"},
    }
    assert [method(row, cards) for row in cards.values()] == [
        "your credit card ending in 1111",
        "your credit card ending in 2222",
        "your PayPal account",
        "your gift card with the id g",
        "your gift card with the id h",
    ]


def test_sums_are_written_such_that_both_ways_to_say_them_count() -> None:
    assert [amount(value) for value in (93.5, 120.0, 53.544999999)] == ["93.5", "120", "53.54"]
    assert enumerated(["a", "b", "c"]) == "a, b and c"


def test_no_tasks_are_made_for_other_environments() -> None:
    with pytest.raises(ConfigError, match="no tasks can be made for 'tau2:telecom'"):
        workshop_for("tau2:telecom")
    with pytest.raises(ConfigError, match="unknown environment"):
        workshop_for("nowhere")
