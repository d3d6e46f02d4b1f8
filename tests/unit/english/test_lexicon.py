"""Word families: every form of a intent, and what only looks like one."""

import pytest

from sidecritic.english.lexicon import INTENTS, intents_of, normal

BY_NAME = {intent.name: intent for intent in INTENTS}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cancel", "cancelling canceled cancelled cancels cancellation"),
        ("exchange", "swapping swapped exchanges replaced trading"),
        ("change", "modifies modifying modified updates switched switches"),
        ("refund", "refunded reimbursing compensation"),
    ],
)
def test_all_forms_of_a_verb_are_spoken_of(name: str, words: str) -> None:
    assert all(BY_NAME[name].spoken.fullmatch(word) for word in words.split())


def test_particles_may_stand_behind_an_object() -> None:
    for text in ("send back", "send it back", "sending them back", "sent it back"):
        assert BY_NAME["return"].spoken.fullmatch(text)
    assert BY_NAME["cancel"].asked("please call it off")
    assert not BY_NAME["cancel"].asked("please call me")


def test_the_past_asks_for_nothing() -> None:
    assert BY_NAME["cancel"].asked("cancel it")
    assert not BY_NAME["cancel"].asked("it was cancelled")


@pytest.mark.parametrize("text", ["my return", "the return label", "when i return home"])
def test_an_exception_asks_for_nothing(text: str) -> None:
    assert not BY_NAME["return"].asked(text)


def test_behind_an_exception_the_deed_is_still_found() -> None:
    assert BY_NAME["return"].asked("with the return label i want to return it")


def test_a_tool_does_what_the_first_word_of_its_name_says() -> None:
    assert {intent.name for intent in intents_of("return_goods")} == {"return", "refund"}
    assert not intents_of("look_up")


def test_a_domain_brings_its_nouns() -> None:
    synonyms = (("van", "car"), ("small van", "bike"))
    assert (
        normal("two vans and a small van, no vanity", synonyms) == "two car and a bike, no vanity"
    )
    assert normal("a van", ()) == "a van"
