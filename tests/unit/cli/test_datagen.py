"""`tasks synth`, `datagen play` and `datagen mine`, one after the other."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.commands import answer, complaint, run
from tests.wire import Received, Reply, chat, refusing_url, wire_server

pytestmark = pytest.mark.usefixtures("bare")


SYNTH = ("tasks", "synth", "--env", "shop", "--number", "12", "--out", "new.jsonl")
PLAY = ("datagen", "play", "--env", "shop", "--tasks", "new.jsonl", "--critic", "policy")


def test_new_tasks_are_made_played_and_mined() -> None:
    made = answer(*SYNTH)
    assert (made["made"], made["refusals"]) == (12, 2)
    assert made["rejected"] == [] or made["rejected"][0]["reason"]
    first = Path("new.jsonl").read_bytes()
    assert answer("tasks", "list", "--env", "shop", "--tasks", "new.jsonl")["splits"] == {
        "train": 12
    }

    scores = answer(*PLAY, "--trials", "3", "--out", "play")
    assert [scores[name]["graded"] for name in ("alone", "supervised")] == [36, 36]
    assert scores["alone"]["passed"] < scores["supervised"]["passed"]

    mined = answer("datagen", "mine", "play")
    assert json.loads(Path("play/mined.json").read_text()) == mined
    assert {task["group"] for task in mined["tasks"] if task["kept"]} >= {"mixed"}
    assert len(mined["tasks"]) == 12

    answer(*SYNTH, "--out", "again.jsonl")
    assert Path("again.jsonl").read_bytes() == first


def test_a_file_that_is_there_is_not_written_over() -> None:
    answer(*SYNTH)
    before = Path("new.jsonl").read_bytes()
    for more in (("--seed", "1"), ("--model", "openai:m"), ()):
        assert "new.jsonl is there already; choose another --out" in complaint(*SYNTH, *more)
    assert Path("new.jsonl").read_bytes() == before
    assert not Path("new.jsonl.progress").exists()


def test_a_person_sees_tables() -> None:
    made = run(*SYNTH)
    assert "shop: 12 tasks of 12 asked for, by templates" in " ".join(made.stdout.split())
    played = run(*PLAY, "--trials", "2")
    assert played.exit_code == 0
    assert "Next: sidecritic datagen mine runs/datagen" in played.stdout
    mined = run("datagen", "mine", "runs/datagen", "--at-most", "1", "--out", "m.json")
    assert "Mined tasks: 1 of 12 kept (simulated actor, simulated user)" in mined.stdout
    assert Path("m.json").exists()


def test_the_split_of_a_recipe_wins_over_the_usual_one() -> None:
    Path("mine.toml").write_text('env = ["shop"]\nsplit = "test"\ncritic = "none"\n')
    assert "is in the test split" in complaint("datagen", "play", "--recipe", "mine.toml")


def test_an_infrastructure_failure_is_told_and_no_task_is_left_of_it() -> None:
    answer(*SYNTH)
    actor = ("--actor", "openai:m", "--base-url", refusing_url(), "--attempts", "1")
    result = run(*PLAY, *actor, "--limit", "2", "--out", "play")
    assert result.exit_code == 1
    assert "infrastructure failure" in result.stderr
    assert "2 no episode was graded" in complaint("datagen", "mine", "play")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("datagen", "play", "--env", "shop", "--split", "test"), "is in the test split"),
        (("datagen", "play", "--env", "shop"), "write others with `sidecritic tasks synth"),
        (("datagen", "play", "--env", "shop", "--tasks", "no.jsonl"), "cannot read no.jsonl"),
        (("datagen", "mine", "nowhere"), "nowhere holds no run"),
        (("tasks", "synth", "--env", "tau2:mock", "--out", "x"), "no tasks can be made for"),
        (
            ("tasks", "synth", "--env", "shop", "--out", "/dev/null/x.jsonl"),
            "cannot write /dev/null/x.jsonl",
        ),
        (("tasks", "synth", "--env", "shop", "--out", "x", "--model", "gpt"), "openai:gpt"),
        (("tasks", "synth", "--env", "shop", "--out", "x", "--model", "simulated"), "--model"),
        (("tasks", "--env", "shop", "list"), "flags of `tasks` go behind its command"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_input_gets_a_clear_line(words: tuple[str, ...], says: str) -> None:
    assert says in complaint(*words)


# --- a model writes the tasks -----------------------------------------------------------------


def writes(request: Received) -> Reply:
    """Write a task about the order of the shown customer that has not left yet."""
    text: str = request.body["messages"][-1]["content"]
    records = json.loads(text[text.index("{") :])
    who = records["customer"]
    order = next(o for o in records["orders"] if o["status"] == "processing")
    place = {"street": "1 Rose Lane", "city": "Wels", "postcode": "4600"}
    call = {
        "name": "change_address",
        "arguments": json.dumps({"order_id": order["order_id"], **place}),
    }
    task = {
        "reason_for_call": f"You want order {order['order_id']} sent to 1 Rose Lane, Wels 4600.",
        "known_info": f"You are {who['name']}, {who['email']}.",
        "task_instructions": "You are brief.",
        "actions": [call],
        "communicate_info": [],
        "forbidden": None,
    }
    return chat(json.dumps(task))


MODEL = ("tasks", "synth", "--env", "shop", "--out", "w.jsonl", "--model", "openai:m")


def test_a_model_on_a_server_writes_tasks_that_can_be_played() -> None:
    with wire_server(writes) as server:
        where = ("--base-url", server.base_url, "--refusals", "0", "--number", "3")
        made = answer(*MODEL, *where)
    assert (made["made"], made["author"]) == (3, "m")
    scores = answer(*PLAY, "--tasks", "w.jsonl", "--fault-rate", "0", "--out", "play")
    assert scores["alone"]["passed"] == 3


# A wait that is longer than anybody waits: nobody tries again.
AWAY = Reply(b"", status=503, headers={"retry-after": "999"})


def away_after(answers: int) -> Callable[[Received], Reply]:
    """Return what answers so many requests and then is not there any more."""
    given: list[Received] = []

    def reply(request: Received) -> Reply:
        given.append(request)
        return writes(request) if len(given) <= answers else AWAY

    return reply


SIX = (*MODEL, "--refusals", "0", "--number", "6")


def test_a_model_that_goes_away_leaves_the_tasks_so_far_and_the_same_command_goes_on() -> None:
    with wire_server(away_after(4)) as server:
        result = run(*SIX, "--base-url", server.base_url, "--json")
    assert result.exit_code == 1
    so_far = Path("w.jsonl").read_text().splitlines()
    assert 0 < len(so_far) < 6
    assert json.loads(result.stdout)["made"] == len(so_far)
    last = result.stderr.splitlines()[-1]
    assert "ModelUnavailable" in last
    assert f"{len(so_far)} of 6 tasks were made until then and are in w.jsonl" in last

    with wire_server(writes) as server:
        made = answer(*SIX, "--base-url", server.base_url)
        asked_again = len(server.received)
    lines = Path("w.jsonl").read_text().splitlines()
    assert (made["made"], lines[: len(so_far)]) == (6, so_far)
    assert len({json.loads(line)["id"] for line in lines}) == 6
    assert made["attempts"] >= asked_again + 4, "what was answered is not asked for again"
    assert not Path("w.jsonl.progress").exists()


def test_a_model_that_is_not_there_leaves_no_file() -> None:
    with wire_server(AWAY) as server:
        result = run(*SIX, "--base-url", server.base_url)
    assert result.exit_code == 1
    assert "sidecritic: ModelUnavailable: " in result.stderr.splitlines()[-1]
    assert list(Path().iterdir()) == []


def test_tasks_of_another_order_are_not_gone_on_with() -> None:
    with wire_server(away_after(4)) as server:
        assert run(*SIX, "--base-url", server.base_url).exit_code == 1
        before = Path("w.jsonl").read_bytes()
        said = complaint(*SIX, "--base-url", server.base_url, "--seed", "1")
    templates = tuple(word for word in SIX if word not in ("--model", "openai:m"))
    assert "w.jsonl is there already" in complaint(*templates), "templates have no unfinished order"
    assert "w.jsonl.progress holds tasks of another order (shop by m" in said
    assert Path("w.jsonl").read_bytes() == before


def test_a_model_that_writes_nonsense_leaves_no_file_and_says_why() -> None:
    with wire_server(chat("I would rather not.")) as server:
        said = complaint(*MODEL, "--base-url", server.base_url, "--number", "1")
    assert "no task was made in 4 attempts (4 × the model's answer is not a task)" in said
    assert not Path("w.jsonl").exists()


def test_fewer_tasks_than_asked_for_are_written_and_end_with_exit_code_1() -> None:
    with wire_server(lambda request: writes(request) if first(request) else chat("no")) as server:

        def first(request: Received) -> bool:
            return server.received[0] is request

        where = ("--base-url", server.base_url, "--refusals", "0", "--number", "2")
        result = run(*MODEL, *where)
    assert result.exit_code == 1
    assert "only 1 of 2 tasks after 8 attempts" in result.stderr
    assert len(Path("w.jsonl").read_text().splitlines()) == 1
