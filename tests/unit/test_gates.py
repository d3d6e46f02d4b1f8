"""Which actions are sent to the critic."""

import pytest

from sidecritic.gates import GATES, covers, is_final
from sidecritic.trace import SUPERVISOR
from sidecritic.types import Assistant, Message, Proposal, ToolResult, User
from tests.parties import TOOLS, call, calling


def proposal(action: Assistant, *history: Message) -> Proposal:
    return Proposal(
        task_id="t", turn=0, attempt=0, action=action, history=history, policy="", tools=TOOLS
    )


@pytest.mark.parametrize(
    ("action", "gates"),
    [
        (calling(call("get")), {"all"}),
        (calling(call("put")), {"writes", "writes+final", "all"}),
        (calling(call("get", "a"), call("put", "b")), {"writes", "writes+final", "all"}),
        (calling(call("never_declared")), {"writes", "writes+final", "all"}),
        (calling(call("transfer_to_human_agents")), {"writes+final", "all"}),
        (Assistant(text="Is there anything else I can do?"), {"writes+final", "all"}),
        (Assistant(text="Your order has been cancelled."), {"writes+final", "all"}),
        (Assistant(text="Which order do you mean?"), {"all"}),
    ],
)
def test_a_gate_covers_what_it_names(action: Assistant, gates: set[str]) -> None:
    assert {gate for gate in GATES if covers(gate, proposal(action))} == gates


@pytest.mark.parametrize(
    "text",
    [
        "You're welcome! Safe travels.",
        "If you have any other questions, let me know.",
        "Unfortunately, basic economy flights cannot be modified.",
        "Both exchanges have also been successfully processed.",
        "",
    ],
)
def test_farewells_reports_refusals_and_silence_may_be_the_last(text: str) -> None:
    assert is_final(Assistant(text=text), ())


@pytest.mark.parametrize(
    "text",
    [
        "Could you confirm your zip code?",
        "I'd be happy to help! Could you please provide your e-mail address?",
        "I cannot find that order. Could you please share its number?",
        "Here is the plan: exchange the lamp. Shall I proceed?",
    ],
)
def test_a_question_is_not_final(text: str) -> None:
    assert not is_final(Assistant(text=text), (User(text="I want to exchange a lamp."),))


def test_what_answers_a_farewell_is_final_even_if_it_asks() -> None:
    answer = Assistant(text="Was it a pleasure?")
    assert not is_final(answer, (User(text="Is the lamp blue?"),))
    assert is_final(answer, (User(text="That's all I needed. Goodbye!"),))


@pytest.mark.parametrize("asks", ["Which one?", "どれですか？", "أيّها؟"])
def test_a_question_after_a_change_is_not_open(asks: str) -> None:
    asked = User(text="Do it.")
    done = (calling(call("put")), ToolResult(call_id="1", name="put", text="ok"))
    assert is_final(Assistant(text=asks), (asked, *done), TOOLS)
    refused = done[1].model_copy(update={"text": f"{SUPERVISOR} Not executed."})
    assert not is_final(Assistant(text=asks), (asked, done[0], refused), TOOLS)
    assert not is_final(Assistant(text=asks), (asked, *done, User(text="And?")), TOOLS)


@pytest.mark.parametrize(
    "text",
    [
        "Kann ich sonst noch etwas tun?",
        "¿Desea algo más?",
        "ほかにございますか？",
        "还有别的需要吗？",
    ],
)
def test_an_offer_of_more_help_leaves_nothing_open(text: str) -> None:
    assert is_final(Assistant(text=text), (User(text="?"),))


def test_the_words_of_the_supervisor_are_not_the_users() -> None:
    history = (
        User(text="Thanks for your help, bye!"),
        Assistant(text="Bye."),
        User(text=f"{SUPERVISOR} Not sent. The lamp is not exchanged yet."),
    )
    assert is_final(Assistant(text="It was a pleasure."), history)
