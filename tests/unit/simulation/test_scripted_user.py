"""The scripted user: what it says to which words of an agent."""

import pytest
from pydantic import JsonValue

from sidecritic.envs.shop.benchmark import SPECS, Shop
from sidecritic.simulation.prose import announcement, first_person, instruction
from sidecritic.simulation.scripted_user import STOP, TRANSFER, YES, OnWrongPlan, ScriptedUser
from sidecritic.types import (
    Assistant,
    Message,
    Request,
    System,
    Task,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

TASKS = {task.id: task for split in ("train", "test") for task in Shop().tasks(split)}
NORA = TASKS["7"]
REFUND: dict[str, JsonValue] = {
    "order_id": "A1001",
    "item_ids": ["20011", "20012"],
    "payment_method_id": "gift_card_9020",
}
WRONG: dict[str, JsonValue] = {**REFUND, "payment_method_id": "credit_card_4411"}


def user(
    task: Task = NORA,
    *,
    on_wrong_plan: OnWrongPlan = "correct",
    attention: float = 1.0,
    seed: int = 0,
) -> ScriptedUser:
    return ScriptedUser(
        task, tools=SPECS, on_wrong_plan=on_wrong_plan, attention=attention, seed=seed
    )


async def hears(who: ScriptedUser, *turns: str) -> list[str]:
    """Say these things to the user, one after the other, and return all answers."""
    messages: list[Message] = [System(text="You are a customer.")]
    for text in ("Hello, how can I help you?", *turns):
        messages.append(User(text=text))
        messages.append((await who.complete(Request(messages=tuple(messages)))).message)
    return [m.text for m in messages if isinstance(m, Assistant)]


async def answer(who: ScriptedUser, *turns: str) -> str:
    return (await hears(who, *turns))[-1]


async def test_it_opens_with_its_request_in_the_first_person() -> None:
    (opening,) = await hears(user())
    assert opening.startswith("Hi! I want my money back for kettle and toaster of order A1001")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("You are Mia and your id is m_1.", "I am Mia and my id is m_1."),
        ("You name is Lei Li.", "My name is Lei Li."),
        ("The agent told you that you'd get yours.", "The agent told me that I'd get mine."),
        ("You're sure, so book it for yourself.", "I'm sure, so book it for myself."),
    ],
)
def test_instructions_become_the_users_own_words(told: str, said: str) -> None:
    assert first_person(told) == said


async def test_it_says_who_it_is_when_asked() -> None:
    said = await answer(user(), "Could you tell me your name and e-mail address, please?")
    assert said == "My name is Nora Lindt and my e-mail address is nora.lindt@example.com."


async def test_it_agrees_to_a_plan_that_fits_its_reference() -> None:
    assert await answer(user(), announcement("refund_items", REFUND)) == YES


@pytest.mark.parametrize(
    ("reaction", "says", "lacks"),
    [
        ("confirm", "Yes, please go ahead.", "No"),
        ("refuse", "No, please don't do that", "gift_card_9020"),
        ("correct", "- payment method id: gift_card_9020", "Yes"),
    ],
)
async def test_it_reacts_to_a_wrong_value_as_it_is_told_to(
    reaction: OnWrongPlan, says: str, lacks: str
) -> None:
    said = await answer(user(on_wrong_plan=reaction), announcement("refund_items", WRONG))
    assert says in said
    assert lacks not in said


async def test_without_attention_it_agrees_to_anything() -> None:
    said = await answer(user(attention=0.0), announcement("refund_items", WRONG))
    assert said == YES


async def test_half_attention_notices_some_of_the_time_and_the_same_each_time() -> None:
    plan = announcement("refund_items", WRONG)
    first = [await answer(user(attention=0.5, seed=seed), plan) for seed in range(40)]
    again = [await answer(user(attention=0.5, seed=seed), plan) for seed in range(40)]
    assert first == again
    assert 10 <= first.count(YES) <= 30


async def test_it_refuses_what_it_never_asked_for() -> None:
    plan = announcement("refund_items", {**REFUND, "order_id": "A1006", "item_ids": ["20061"]})
    assert await answer(user(TASKS["8"], on_wrong_plan="refuse"), plan) != YES


async def test_it_agrees_to_what_it_asked_for_whatever_the_rules_say() -> None:
    plan = announcement("refund_items", {**REFUND, "order_id": "A1003", "item_ids": ["20041"]})
    assert await answer(user(TASKS["2"], on_wrong_plan="refuse"), plan) == YES


@pytest.mark.parametrize(
    ("plan", "agrees"),
    [
        ("I will refund both items to your gift card. Shall I proceed?", True),
        ("I'll refund items 20011 and 20012 of A1001 to gift_card_9020, ok to proceed?", True),
        ("I'll refund items 20011 and 20012 of A1001 to card_4411_9020. Do you confirm?", True),
        ("I'll refund items 20011 and 20012 of A1001 to gift_card_7777. Do you confirm?", False),
        ("Refund of the items of order A1007. Shall I go ahead?", False),
    ],
    ids=["nothing to check", "all right", "other make", "other card", "other order"],
)
async def test_it_checks_prose_as_far_as_it_names_values(plan: str, agrees: bool) -> None:
    assert (await answer(user(on_wrong_plan="refuse"), plan) == YES) is agrees


async def test_it_names_the_value_that_a_question_asks_for() -> None:
    said = await answer(user(), "Which payment method would you like to use?")
    assert said == "- payment method id: gift_card_9020"


async def test_questions_bring_out_everything_once_and_then_nothing() -> None:
    said = await hears(user(), *["What else should I know?"] * 4)
    assert said[1] == "I am friendly and brief."
    assert "refund items" in said[2]
    assert "change address" in said[3]
    assert said[4] == "Okay, thank you. Please go on."


async def test_it_leaves_when_the_agent_closes() -> None:
    assert STOP in await answer(user(), "Is there anything else I can help you with?")


async def test_it_hangs_on_when_it_is_transferred() -> None:
    said = await answer(user(), "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON.")
    assert TRANSFER in said


async def test_it_accepts_a_denial_and_asks_for_the_rest() -> None:
    said = await answer(
        user(), "I'm sorry, I can't complete that. Is there something else I can help you with?"
    )
    assert "rest of my request" in said
    assert STOP not in said


async def test_it_gives_up_when_nothing_happens() -> None:
    said = await hears(user(), *["One moment."] * 4)
    assert [STOP in text for text in said] == [False, False, False, False, True]


# --- tools of the user's own ----------------------------------------------------------------

PHONE = (
    ToolSpec(name="toggle_airplane_mode", effect="write"),
    ToolSpec(name="reboot_device", effect="write"),
    ToolSpec(name="check_status_bar", effect="read"),
)
CALLER = Task(
    id="phone",
    env="phone",
    split="test",
    data={
        "user_scenario": {"instructions": "You have no signal."},
        "evaluation_criteria": {
            "actions": [
                {"name": name, "arguments": {}, "requestor": "user"}
                for name in ("toggle_airplane_mode", "reboot_device", "reboot_device")
            ]
        },
    },
)


async def operates(*texts: str) -> list[str]:
    """Return what the user does and says when told these things, tools answering `ok`."""
    caller = ScriptedUser(CALLER)
    messages: list[Message] = [User(text="Hello?"), Assistant(text="I have no signal.")]
    log: list[str] = []
    for text in texts:
        messages.append(User(text=text))
        while True:
            done = (await caller.complete(Request(messages=tuple(messages), tools=PHONE))).message
            messages.append(done)
            if not done.calls:
                log.append(done.text)
                break
            (call,) = done.calls
            log.append(call.name)
            messages.append(ToolResult(call_id=call.id, name=call.name, text="ok"))
    return log


async def test_it_does_what_it_is_told_and_reports_what_it_saw() -> None:
    log = await operates(instruction("toggle_airplane_mode", {}))
    assert log[0] == "toggle_airplane_mode"
    assert log[1].endswith("- toggle airplane mode: ok")


async def test_it_understands_an_instruction_in_other_words() -> None:
    log = await operates("Please swipe down and turn off airplane mode, then tell me what happens.")
    assert log[0] == "toggle_airplane_mode"


async def test_one_instruction_is_followed_once_and_no_more_often_than_it_should() -> None:
    reboot = instruction("reboot_device", {})
    log = await operates(reboot, reboot, reboot)
    assert log.count("reboot_device") == 2
    assert log[-1] == "Okay, thank you. Please go on."


async def test_it_looks_at_its_device_when_asked() -> None:
    log = await operates("What does the status bar show?")
    assert log[0] == "check_status_bar"


async def test_calls_have_ids_of_their_own() -> None:
    caller = ScriptedUser(CALLER)
    done = ToolCall(id="user_0", name="reboot_device", arguments={}, raw="{}")
    messages: tuple[Message, ...] = (
        User(text="Hello?"),
        Assistant(text="I have no signal."),
        User(text=instruction("reboot_device", {})),
        Assistant(calls=(done,)),
        ToolResult(call_id="user_0", name="reboot_device", text="ok"),
        Assistant(text="I did."),
        User(text=instruction("reboot_device", {})),
    )
    answered = await caller.complete(Request(messages=messages, tools=PHONE))
    assert [call.id for call in answered.message.calls] == ["user_1"]
