"""What a word stands under: negation, the past, a condition, a preference."""

import pytest

from sidecritic.english.scope import ahead, conditional, negated, past


def at(text: str, word: str) -> tuple[str, int]:
    return text, text.index(word)


@pytest.mark.parametrize(
    "text",
    [
        "please do not cancel it",
        "i don't want to cancel it",
        "i would keep it rather than cancel it",
        "i'm not going to cancel it",
        "change it instead of cancel",
        "i don't want you to cancel it",
        "i don't want to change or cancel it",
    ],
)
def test_what_the_speaker_does_not_want_is_negated(text: str) -> None:
    assert negated(*at(text, "cancel"))


@pytest.mark.parametrize(
    "text",
    [
        "please cancel it",
        "why don't you cancel it",
        "it does not fit, cancel it",
        "i don't have the time: cancel it",
    ],
)
def test_a_negation_of_something_else_denies_nothing(text: str) -> None:
    assert not negated(*at(text, "cancel"))


def test_a_deed_is_ahead_until_it_is_reported() -> None:
    assert ahead(*at("once you agree, it is cancelled", "cancelled"))
    assert not ahead(*at("if you like. it is cancelled", "cancelled"))


def test_words_that_are_far_away_are_about_something_else() -> None:
    assert not negated(*at("not" + " to" * 100 + " cancel", "cancel"))


def test_what_was_is_past() -> None:
    assert past(*at("my current one is red", "red"))
    assert not past(*at("i want red", "red"))


def test_a_condition_is_told_from_a_demand() -> None:
    assert conditional("cancel it if it is late")
    assert not conditional("cancel it")
