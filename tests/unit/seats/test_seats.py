"""Somebody else's model in the actor's seat, as gateway and adapters share it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from sidecritic.dialects.base import Hints
from sidecritic.seats.seat import Refusal, Seat
from sidecritic.seats.tools import ToolRule, effect_of
from sidecritic.seats.turn_log import is_actors_own, is_empty, log_of
from sidecritic.trace import Executed, Observed
from sidecritic.types import Assistant, Completion, Request, ToolCall, ToolResult, User


@dataclass(frozen=True)
class Words:
    text: str

    def completion(self) -> Completion:
        return Completion(message=Assistant(text=self.text), finish="stop", model="m")


async def test_a_seat_gives_its_first_draft_and_then_asks_with_what_was_refused() -> None:
    asked: list[Sequence[Refusal[Words]]] = []

    async def ask(refused: Sequence[Refusal[Words]]) -> Words:
        asked.append(refused)
        return Words(f"draft {len(refused) + 1}")

    seat = Seat(Words("draft 1"), 1, ask)
    chat = (User(text="Hi"),)
    assert (await seat.complete(Request(messages=chat))).message.text == "draft 1"
    assert not asked
    told = (*chat, Assistant(text="draft 1"), User(text="No."))
    assert (await seat.complete(Request(messages=told))).message.text == "draft 2"
    (refusals,) = asked
    assert refusals == [Refusal(Words("draft 1"), Assistant(text="draft 1"), (User(text="No."),))]
    assert seat.latest == Words("draft 2")


def test_a_conversation_is_the_log_of_an_episode() -> None:
    call = ToolCall(id="a", name="get", arguments={}, raw="")
    result = ToolResult(call_id="a", name="get", text="7")
    log, turn = log_of([User(text="Hi"), Assistant(calls=(call,)), result, User(text="And?")])
    assert turn == 1
    first, executed, second = log
    assert isinstance(first, Observed)
    assert isinstance(executed, Executed)
    assert isinstance(second, Observed)
    assert second.observation.messages == (result, User(text="And?"))
    assert is_actors_own(executed)
    assert not is_actors_own(second)


def test_an_action_without_words_and_calls_is_empty() -> None:
    assert is_empty(Assistant(text=" \n"))
    assert not is_empty(Assistant(text="Hi"))


@pytest.mark.parametrize(
    ("name", "hints", "trusts", "effect"),
    [
        ("get_order", Hints(destructive=True), False, "read"),
        ("put_order", Hints(), True, "unknown"),
        ("put_order", Hints(read_only=True), True, "read"),
        ("put_order", Hints(read_only=True), False, "unknown"),
        ("put_order", Hints(read_only=True, destructive=True), True, "write"),
    ],
)
def test_a_rule_says_what_a_tool_may_do_and_a_claim_to_be_harmless_only_where_it_is_trusted(
    name: str, hints: Hints, trusts: bool, effect: str
) -> None:
    rules = (ToolRule(match="*", mode="shadow"), ToolRule(match="get_*", effect="read"))
    assert effect_of(name, hints, rules, trusts_hints=trusts) == effect
