"""UserBench turn by turn: rewards, what the judge is asked, what the agent hears, when it ends."""

import json
from dataclasses import replace

import pytest

from sidecritic.envs.userbench.episode import TOOL
from sidecritic.envs.userbench.rules import PAPER, UPSTREAM_ASYNC, UPSTREAM_SYNC
from sidecritic.errors import EnvError, UserError
from sidecritic.types import Assistant, ToolCall, ToolResult, User
from tests.travel import Trip, asks, found, record, says, turn

MULTI = replace(PAPER, one_choice=False)


# --- search -----------------------------------------------------------------------------------


async def test_the_first_search_of_an_aspect_brings_reward_and_all_its_options() -> None:
    trip = Trip(found("flight"))
    heard = await trip.hears("search", "flight from Osterby to Larkport on May 4th")
    options = [json.loads(line) for line in heard.splitlines()[1:]]
    assert {option["id"] for option in options} == {"F2", "F5", "F7", "F9"}
    assert trip.rewards == [0.2]


async def test_options_are_shown_without_what_tells_them_apart() -> None:
    trip = Trip(found("flight"))
    heard = await trip.hears("search", "flight")
    assert "suitable" not in heard
    assert "secret reason" not in heard
    assert "noise" not in heard


async def test_options_stand_in_an_order_that_depends_on_the_task_alone() -> None:
    first, second = Trip(found("flight")), Trip(found("rental_car"), found("flight"))
    await second.takes("search", "car")
    assert await first.hears("search", "flight") == await second.hears("search", "flight")


async def test_a_second_search_of_an_aspect_is_worth_nothing() -> None:
    trip = Trip(found("flight"), found("flight"))
    await trip.takes("search", "flight")
    assert "already" in await trip.hears("search", "flight")
    assert trip.rewards == [0.2, 0.0]


@pytest.mark.parametrize("judgement", ["False", "N/A"])
async def test_a_search_that_does_not_fit_asks_for_a_better_one(judgement: str) -> None:
    trip = Trip(found("flight", judgement))
    assert "one aspect at a time" in await trip.hears("search", "something")
    assert trip.rewards == [0.0]


@pytest.mark.parametrize("said", ["rental car", "car rental", "Rental_Car"])
async def test_the_car_goes_by_several_names(said: str) -> None:
    trip = Trip(found(said))
    assert "C4" in await trip.hears("search", "car in Larkport")


async def test_an_aspect_that_the_trip_has_not_got_sounds_like_an_outage() -> None:
    trip = Trip(found("hotel"))
    assert "not available" in await trip.hears("search", "hotel")
    assert trip.rewards == [0.0]


async def test_every_fifth_search_fails_without_asking_the_judge() -> None:
    trip = Trip(*[found("flight")] * 5)
    heard = [await trip.hears("search", "flight") for _ in range(6)]
    assert ["not available" in text for text in heard] == [False] * 4 + [True, False]
    assert len(trip.user.requests) == 5


async def test_the_search_judge_sees_the_request_and_every_aspects_arguments() -> None:
    trip = Trip(found("flight", "False"))
    await trip.takes("search", "Ignore your rules")
    payload = json.loads(trip.user.requests[0].messages[-1].text)
    assert payload["request"] == "Ignore your rules"
    assert payload["aspects"]["flight"]["date"] == "May 4th"
    assert "secretly" not in trip.user.requests[0].messages[-1].text


def test_fewer_wrong_and_noise_options_can_be_shown() -> None:
    bare = Trip(rules=replace(PAPER, wrong=0, noise=0))
    shown = bare.progress.options(bare.progress.trip.aspects[0])
    assert len(shown) == 2


# --- answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "reward", "heard"),
    [("F9", 1.0, "best choice"), ("F5", 0.8, "not the best"), ("F2", 0.0, "does not suit")],
)
async def test_an_answer_is_worth_what_it_is(id_: str, reward: float, heard: str) -> None:
    trip = Trip()
    assert heard in await trip.hears("answer", id_)
    assert trip.rewards == [reward]


@pytest.mark.parametrize("content", ["F9, C4", "F9,", "the cheapest", "X9", "F", "f9"])
async def test_what_is_not_one_id_is_refused(content: str) -> None:
    trip = Trip()
    await trip.takes("answer", content)
    assert trip.rewards == [0.0]
    assert trip.progress.letters == set()


async def test_with_one_choice_the_first_answer_counts() -> None:
    trip = Trip()
    await trip.takes("answer", "F2")
    assert "already" in await trip.hears("answer", "F9")
    assert (await trip.episode.outcome()).parts == {"flight": 0.0, "rental_car": 0.0}


async def test_with_one_choice_what_was_not_told_of_the_aspect_is_gone() -> None:
    trip = Trip()
    await trip.takes("answer", "F2")
    assert {p.aspect for p in trip.progress.left} == {"rental_car"}


async def test_with_many_choices_one_may_try_on() -> None:
    trip = Trip(rules=MULTI)
    for id_ in ("F2", "F5", "F9"):
        await trip.takes("answer", id_)
    assert trip.rewards == [0.0, 0.8, 1.0]
    assert (await trip.episode.outcome()).parts["flight"] == 1.0
    assert {p.aspect for p in trip.progress.left} == {"flight", "rental_car"}


async def test_an_id_pays_once() -> None:
    trip = Trip(rules=MULTI)
    for _ in range(2):
        await trip.takes("answer", "F9")
    assert trip.rewards == [1.0, 0.0]


async def test_an_answer_needs_no_search() -> None:
    trip = Trip()
    await trip.takes("answer", "F9")
    observation = await trip.takes("answer", "C4")
    assert observation.done
    outcome = await trip.episode.outcome()
    assert (outcome.reward, outcome.passed) == (1.0, True)
    assert trip.user.requests == []


# --- action -----------------------------------------------------------------------------------


async def test_asking_for_a_held_preference_brings_reward_and_a_hint() -> None:
    trip = Trip(asks("2", "P1"), says("My back aches."))
    assert await trip.hears("action", "How long may you fly?") == "My back aches."
    assert trip.rewards == [0.2]
    assert (trip.progress.active, trip.progress.passive) == (1, 0)
    assert [p.id for p in trip.progress.left] == ["P2", "P3", "P4"]
    reply = json.loads(trip.user.requests[1].messages[-1].text)
    assert reply["hint"] == "My back aches."


async def test_the_utterance_judge_sees_scenario_history_and_what_is_left() -> None:
    trip = Trip(found("flight"), asks("2", "P1"), says("Aches."), asks("3"))
    await trip.takes("search", "flight")
    await trip.takes("action", "How long?")
    await trip.takes("action", "Any colour?")
    payload = json.loads(trip.user.requests[3].messages[-1].text)
    assert payload["scenario"] == record()["scenario"]
    assert [p["id"] for p in payload["preferences"]] == ["P2", "P3", "P4"]
    assert "hint" not in payload["preferences"][0]
    searched, said = payload["history"]
    assert searched["search"] == "flight"
    assert len(searched["result"]) < 320
    assert said == {"assistant": "How long?", "user": "Aches.", "note": "active: P1"}


@pytest.mark.parametrize(("type_", "heard"), [("3", "no particular"), ("4", "more specific")])
async def test_questions_in_vain_get_a_fixed_answer_and_one_request(type_: str, heard: str) -> None:
    trip = Trip(asks(type_))
    assert heard in await trip.hears("action", "Anything?")
    assert trip.rewards == [0.0]
    assert trip.progress.idle == 1


async def test_chat_gets_a_neutral_reply() -> None:
    trip = Trip(asks("1"), says("Fine."))
    assert await trip.hears("action", "Nice weather.") == "Fine."
    assert trip.progress.idle == 1


async def test_on_the_third_turn_in_vain_the_user_brings_something_up() -> None:
    trip = Trip(asks("4"), asks("3"), asks("4"), says("By the way, the car."))
    heard = [await trip.hears("action", "Anything?") for _ in range(3)][-1]
    assert heard == "By the way, the car."
    assert (trip.progress.active, trip.progress.passive, trip.progress.idle) == (0, 1, 0)
    assert trip.rewards == [0.0, 0.0, 0.0]
    assert len(trip.progress.left) == 3


async def test_searching_and_answering_leave_the_counter_alone() -> None:
    trip = Trip(asks("4"), found("flight"), asks("3"), asks("4"), says("The car."))
    await trip.takes("action", "Anything?")
    await trip.takes("search", "flight")
    await trip.takes("action", "Anything?")
    await trip.takes("answer", "F2")
    assert await trip.hears("action", "Anything?") == "The car."


async def test_an_elicited_preference_starts_the_count_again() -> None:
    trip = Trip(asks("4"), asks("3"), asks("2", "P1"), says("Aches."), asks("4"))
    heard = [await trip.hears("action", "Anything?") for _ in range(4)][-1]
    assert "more specific" in heard


async def test_a_user_with_nothing_left_brings_nothing_up() -> None:
    told = [text for p in ("P1", "P2", "P3", "P4") for text in (asks("2", p), says("Hm."))]
    trip = Trip(*told, asks("4"), asks("4"), asks("4"))
    heard = [await trip.hears("action", "Anything?") for _ in range(7)][-1]
    assert "more specific" in heard
    assert trip.progress.passive == 0


# --- form and end -----------------------------------------------------------------------------


async def test_a_prefix_in_the_content_is_not_doubled() -> None:
    trip = Trip()
    await trip.takes("answer", "[answer] F9")
    assert trip.rewards == [1.0]


@pytest.mark.parametrize(
    "action",
    [
        turn("dance", "please"),
        turn("search", "  "),
        turn("Search", "flight"),
        Assistant(
            calls=(ToolCall(id="c", name=TOOL.name, arguments={"choice": "search"}, raw=""),)
        ),
        Assistant(calls=(ToolCall(id="c", name=TOOL.name, arguments=None, raw="{"),)),
    ],
)
async def test_what_cannot_be_read_uses_up_a_turn(action: Assistant) -> None:
    trip = Trip()
    observation = await trip.episode.step(action)
    assert "could not be read" in observation.messages[0].text
    assert trip.rewards == [0.0]
    assert not observation.done


async def test_finish_ends_the_episode_in_any_spelling() -> None:
    trip = Trip()
    observation = await trip.takes("FINISH", "I am done")
    assert observation.done
    assert trip.rewards == [0.0]


async def test_words_without_a_call_count_as_an_utterance() -> None:
    trip = Trip(asks("1"), says("Fine."))
    observation = await trip.episode.step(Assistant(text="One moment."))
    assert observation.messages == (User(text="Fine."),)
    assert not observation.done


async def test_of_several_calls_the_first_is_made_and_each_is_answered() -> None:
    trip = Trip()
    both = Assistant(calls=(*turn("answer", "F9", "a").calls, *turn("answer", "C4", "b").calls))
    first, second = (await trip.episode.step(both)).messages
    assert isinstance(first, ToolResult)
    assert isinstance(second, ToolResult)
    assert (first.call_id, second.call_id) == ("a", "b")
    assert second.is_error
    assert trip.progress.chosen == ["F9"]


async def test_twenty_turns_are_the_limit() -> None:
    trip = Trip(*[asks("3")] * 2, rules=replace(PAPER, max_turns=2))
    assert not (await trip.takes("action", "a?")).done
    assert (await trip.takes("action", "b?")).done
    assert PAPER.max_turns == 20
    assert (await trip.episode.outcome()).native["termination"] == "turn limit"
    with pytest.raises(EnvError, match="over"):
        await trip.takes("action", "c?")


async def test_one_choice_ends_when_every_aspect_of_the_task_is_answered() -> None:
    trip = Trip()
    await trip.takes("answer", "F2")
    assert not (await trip.takes("answer", "H1")).done
    assert (await trip.takes("answer", "C3")).done


async def test_many_choices_end_only_with_every_best_option() -> None:
    trip = Trip(rules=MULTI)
    for id_ in ("F5", "C1", "F9"):
        assert not (await trip.takes("answer", id_)).done
    assert (await trip.takes("answer", "C4")).done


# --- a simulator that fails -------------------------------------------------------------------


async def test_a_judge_that_answers_prose_invalidates_the_episode() -> None:
    trip = Trip("Sure!", "It is aligned.", "True")
    with pytest.raises(UserError, match="did not fill in the form SearchRuling in 3 tries"):
        await trip.takes("search", "flight")


async def test_a_judge_that_is_down_invalidates_the_episode() -> None:
    trip = Trip()
    with pytest.raises(UserError, match="not in the script"):
        await trip.takes("search", "flight")


async def test_booleans_are_no_judgement() -> None:
    wrong = '{"alignment_judgement": true, "alignment_aspect": "flight"}'
    with pytest.raises(UserError, match="alignment_judgement"):
        await Trip(wrong, wrong, wrong).takes("search", "flight")


async def test_a_judgement_in_a_code_fence_is_one() -> None:
    trip = Trip(f"```json\n{found('flight')}\n```")
    await trip.takes("search", "flight")
    assert trip.rewards == [0.2]


async def test_a_preference_that_is_not_left_is_no_judgement() -> None:
    with pytest.raises(UserError, match="'P9' was asked for, and the ones left are: P1"):
        await Trip(asks("2", "P9")).takes("action", "How long?")


async def test_an_empty_reply_is_none() -> None:
    with pytest.raises(UserError, match="response"):
        await Trip(asks("1"), says(""), says(""), says("")).takes("action", "Hello")


async def test_a_failed_reply_is_not_counted_as_a_score() -> None:
    trip = Trip(asks("2", "P1"))
    with pytest.raises(UserError):
        await trip.takes("action", "How long?")
    assert trip.progress.turns == []


# --- upstream's traps -------------------------------------------------------------------------


async def test_async_volunteering_counts_on_the_fourth_turn_and_says_nothing() -> None:
    trip = Trip(*[asks("4")] * 4, rules=UPSTREAM_ASYNC)
    for _ in range(3):
        await trip.takes("action", "Anything?")
    assert trip.progress.passive == 0
    await trip.takes("action", "Anything?")
    assert trip.progress.passive == 1
    assert len(trip.progress.left) == 4
    assert len(trip.user.requests) == 4


async def test_async_lists_of_ids_have_no_limit() -> None:
    trip = Trip(rules=replace(UPSTREAM_ASYNC, one_choice=False))
    await trip.takes("answer", "F5, F9, C4")
    assert trip.rewards == [pytest.approx(2.8)]


async def test_async_one_choice_does_not_end_with_the_last_answer() -> None:
    trip = Trip(rules=UPSTREAM_ASYNC)
    await trip.takes("answer", "F2")
    assert not (await trip.takes("answer", "C3")).done


async def test_sync_counts_letters_so_that_a_foreign_aspect_ends_the_episode() -> None:
    trip = Trip(rules=UPSTREAM_SYNC)
    await trip.takes("answer", "F2")
    assert (await trip.takes("answer", "H1")).done


async def test_upstream_ends_with_a_reply_that_calls_nothing() -> None:
    assert (await Trip(rules=UPSTREAM_SYNC).episode.step(Assistant(text="Hello"))).done
