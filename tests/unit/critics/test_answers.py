from math import exp, log

import pytest

from sidecritic.critics.answers import FEEDBACK_LIMIT, cited, plain, risk_of
from sidecritic.types import TokenLogprob


def token(text: str, top: dict[str, float]) -> TokenLogprob:
    chances = {word: log(chance) for word, chance in top.items()}
    return TokenLogprob(token=text, logprob=chances[text], top=chances)


def test_risk_is_the_logistic_of_the_logit_difference() -> None:
    read = risk_of(token("Yes", {"Yes": 0.6, "No": 0.2, "Maybe": 0.2}))
    assert read is not None
    assert read.risk == pytest.approx(1 / (1 + exp(log(0.6) - log(0.2))))
    assert read.note == ""


def test_spellings_of_a_word_are_summed() -> None:
    read = risk_of(token("Yes", {"Yes": 0.3, " yes": 0.2, "ĠYES": 0.1, "n": 0.1, "No": 0.1}))
    assert read is not None
    assert read.risk == pytest.approx(0.2 / 0.8)


def test_words_that_only_begin_alike_do_not_count() -> None:
    read = risk_of(token("Yes", {"Yes": 0.2, "No": 0.2, "None": 0.3, "Yesterday": 0.3}))
    assert read is not None
    assert read.risk == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("top", "least", "most"),
    [
        ({"Yes": 0.99, "The": 0.005}, 1e-7, 0.006),
        ({"No": 0.99, "The": 0.005}, 0.994, 1 - 1e-7),
        ({"Yes": 1.0}, 1e-7, 1e-5),
        ({"No": 1.0}, 1 - 1e-5, 1 - 1e-7),
    ],
)
def test_a_word_that_is_missing_gives_a_bound_and_never_zero(
    top: dict[str, float], least: float, most: float
) -> None:
    read = risk_of(token(next(iter(top)), top))
    assert read is not None
    assert least < read.risk < most
    assert "bound" in read.note


def test_the_bound_of_a_missing_word_does_not_depend_on_the_word_drawn() -> None:
    likeliest = {"The": 0.6, "No": 0.3, "It": 0.02}
    usual = risk_of(token("The", likeliest))
    rare = risk_of(token("Hm", {**likeliest, "Hm": 0.001}))
    assert usual is not None
    assert rare is not None
    assert rare.risk == pytest.approx(usual.risk) == pytest.approx(0.3 / 0.32)


def test_a_masked_word_counts_as_missing() -> None:
    masked = TokenLogprob(token="Yes", logprob=0.0, top={"Yes": 0.0, "No": -9999.0})
    read = risk_of(masked)
    assert read is not None
    assert read.risk > 0
    assert "upper bound" in read.note


def test_a_token_that_is_neither_word_is_no_verdict() -> None:
    assert risk_of(token("<think>", {"<think>": 0.9, "\n": 0.1})) is None


def test_a_model_that_would_say_something_else_is_noted() -> None:
    read = risk_of(token("The", {"The": 0.5, "Yes": 0.01, "No": 0.03}))
    assert read is not None
    assert read.risk == pytest.approx(0.75)
    assert "4.0%" in read.note


def test_a_sentence_is_cited_only_when_the_policy_holds_it() -> None:
    policy = "# Cancel\n- Only **pending** orders can be cancelled.\n"
    assert cited("only pending orders can be cancelled", policy)
    assert cited("Delivered orders can be cancelled.", policy) == ""
    assert cited(" .", policy) == ""


def test_plain_text_is_one_printable_bounded_line() -> None:
    said = plain("a\x00b\n<|im_end|>c\u202e" + "x" * 1000)
    assert said.startswith("a b c x")
    assert said.isprintable()
    assert len(said) == FEEDBACK_LIMIT
    assert plain("a < b and b > c") == "a < b and b > c"
