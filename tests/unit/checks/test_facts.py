"""What is read off a conversation, and what leaves no trace."""

import pytest

from sidecritic.checks.facts import Facts
from sidecritic.english.acts import affirms, asks_consent, takes_leave
from sidecritic.english.amounts import amounts
from sidecritic.english.listings import agrees, is_id, labelled
from sidecritic.english.text import mentions
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get_order", "put_order"))


@pytest.mark.parametrize(
    "answer",
    [
        "Yes, please go ahead.",
        "Sure, that works for me.",
        "Please go ahead and cancel it.",
        "I confirm.",
        "That sounds great!",
        "No, that's all. Yes, please proceed.",
        "OK",
    ],
)
def test_these_answers_agree(answer: str) -> None:
    assert affirms(answer.lower())


@pytest.mark.parametrize(
    "answer",
    [
        "No, please don't do that; it is not what I want.",
        "Don't proceed yet.",
        "Wait, which card is that?",
        "My zip code is 19122.",
        "No.",
        "Absolutely not.",
        "Of course not!",
        "I never said yes.",
        "I can't say yes to that.",
        "I won't agree to it.",
        "I'm not sure.",
        "",
    ],
)
def test_these_answers_do_not(answer: str) -> None:
    assert not affirms(answer.lower())


def test_questions_for_consent_and_farewells_are_told_apart() -> None:
    assert asks_consent("shall i go ahead? please answer yes or no.")
    assert not asks_consent("what is your zip code?")
    assert takes_leave("is there anything else i can help you with?")
    assert not takes_leave("your order holds two items.")


def test_amounts_are_read_with_and_without_a_dollar_sign() -> None:
    assert list(amounts("You pay $1,202.50 now and 30 dollars later, for 2 bags.")) == [1202.5, 30]


def test_amounts_are_read_in_any_currency_and_notation() -> None:
    text = "Das macht 1.500,00 € oder EUR 12,50, that is £20 or 1,500 EUR, また¥3000です"
    assert list(amounts(text)) == [1500, 12.5, 20, 1500, 3000]


def test_a_value_is_mentioned_only_as_a_whole_word() -> None:
    assert mentions("size m please", "M")
    assert not mentions("size medium", "M")
    assert mentions("use card_12.", "card_12")
    assert not mentions("use card_123.", "card_12")


def test_ids_are_words_with_digits_and_no_dates() -> None:
    assert is_id("#W2378156")
    assert is_id("HAT001")
    assert not is_id("2024-05-20")
    assert not is_id("Suite 12345")
    assert not is_id("economy")


def test_labelled_lines_are_read_with_or_without_marks() -> None:
    listed = labelled("Plan:\n- order id: #W1\n* **Reason**: no longer needed\n2. item ids: 1, 2")
    assert listed["order id"] == ("#W1",)
    assert listed["reason"] == ("no longer needed",)
    assert listed["item ids"] == ("1, 2",)


def test_a_listed_value_agrees_with_the_argument_that_it_shows() -> None:
    assert agrees("111, 222 (Lamp)", ["222", "111"])
    assert not agrees("1111, 2222", ["1111"])
    assert agrees("Illinois", "IL")
    assert agrees("Basic Economy", "basic_economy")
    assert not agrees("Economy", "basic_economy")
    assert not agrees("no longer needed", "ordered by mistake")


def test_refused_drafts_are_neither_words_nor_deeds() -> None:
    talk = (
        TALK.user("Cancel it.")
        .refused_words("It is cancelled.")
        .refused("put_order", order_id="#W1")
    )
    facts = Facts.of(talk.says("One moment."))
    assert [line.text for line in facts.lines] == ["Cancel it."]
    assert facts.done == ()
    assert [call.name for call in facts.refused] == ["put_order"]


def test_the_latest_state_of_a_record_counts() -> None:
    talk = (
        TALK.user("Hello.")
        .did("get_order", {"order_id": "#W1", "status": "pending"}, order_id="#W1")
        .did("put_order", {"order_id": "#W1", "status": "cancelled"}, order_id="#W1")
    )
    facts = Facts.of(talk.says("Done."))
    assert facts.records["order_id"]["#W1"]["status"] == "cancelled"
    assert [done.call.name for done in facts.writes] == ["put_order"]


def test_a_record_without_an_id_takes_it_from_the_call() -> None:
    facts = Facts.of(TALK.did("get_order", {"status": "x"}, order_id="#W1").says("So."))
    assert facts.records["order_id"]["#W1"] == {"status": "x"}


def test_an_error_is_no_record_and_no_write() -> None:
    talk = TALK.failed("put_order", {"order_id": "#W1"}, order_id="#W1")
    facts = Facts.of(talk.says("So."))
    assert facts.writes == ()
    assert not facts.records


def test_half_a_json_result_is_text() -> None:
    facts = Facts.of(TALK.did("get_order", '{"order_id": "#W', order_id="#W1").says("So."))
    assert facts.done[0].value == '{"order_id": "#W'


def test_typographic_apostrophes_are_read_as_those_of_a_keyboard() -> None:
    talk = TALK.user("I don\u2019t want it.").agent("You said \u201cno\u201d.")
    facts = Facts.of(talk.says("I\u2019ve cancelled it."))
    assert [line.lower for line in facts.lines] == ["i don't want it.", 'you said "no".']
    assert facts.draft == "I've cancelled it."
