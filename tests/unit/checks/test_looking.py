"""Look-ups of a pack: bounded, asked once, and followed by what they make known."""

from collections.abc import Iterator

from pydantic import JsonValue

from sidecritic.checks.base import Objection, Pack, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import ROUNDS, Wanted
from sidecritic.critics.policy import PolicyCritic
from sidecritic.types import Approve, Assistant, Proposal, Revise, ToolCall, ToolResult, ToolSpec
from sidecritic.values import text_of

TOOLS = (ToolSpec(name="get_order", effect="read"), ToolSpec(name="cancel", effect="write"))


class Records:
    """Answers look-ups, and remembers which were made."""

    def __init__(self, orders: dict[str, str]) -> None:
        self.orders = orders
        self.asked: list[str] = []

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        wanted = str(arguments["order_id"])
        self.asked.append(wanted)
        text = self.orders.get(wanted, "Error: not found")
        return ToolResult(call_id="look", name=name, text=text, is_error=wanted not in self.orders)


def wants(facts: Facts) -> Iterator[Wanted]:
    for call in facts.proposed:
        yield Wanted("get_order", {"order_id": text_of(call.arguments or {}, "order_id")})
    for order in facts.known.get("order_id", {}).values():
        if text_of(order, "parent"):
            yield Wanted("get_order", {"order_id": text_of(order, "parent")})


@call_check("shipped", policy="Shipped orders cannot be cancelled.", risk=0.9)
def shipped(case: Case) -> Objection | None:
    order = case.facts.known.get("order_id", {}).get(text_of(case.arguments, "order_id"), {})
    if text_of(order, "status") != "shipped":
        return None
    return Objection("It is shipped already.", evidence="shipped", messages=(0,))


PACK = Pack(name="test", calls=(shipped,), wants=wants)


def proposal(look: Records | None) -> Proposal:
    call = ToolCall(id="1", name="cancel", arguments={"order_id": "A"}, raw="")
    return Proposal(
        task_id="",
        turn=0,
        attempt=0,
        action=Assistant(calls=(call,)),
        history=(),
        policy="",
        tools=TOOLS,
        look=look,
    )


async def test_a_check_judges_by_what_was_looked_up() -> None:
    judgement = await PolicyCritic(PACK).judge(
        proposal(Records({"A": '{"order_id": "A", "status": "shipped"}'}))
    )
    assert isinstance(judgement.verdict, Revise)
    [flag] = judgement.flags
    assert (flag.name, flag.sign, flag.evidence, flag.messages) == ("shipped", 1, "shipped", (0,))


async def test_without_look_ups_nothing_is_known() -> None:
    judgement = await PolicyCritic(PACK).judge(proposal(None))
    assert (judgement.verdict, judgement.flags) == (Approve(), ())


async def test_what_a_look_up_makes_known_is_followed_once_and_only_so_far() -> None:
    chain = {str(n): f'{{"order_id": "{n}", "parent": "{n + 1}"}}' for n in range(9)}
    look = Records({"A": '{"order_id": "A", "parent": "0"}', **chain})
    await PACK.examined(proposal(look))
    assert look.asked == ["A", "0", "1"][:ROUNDS]


async def test_a_look_up_that_fails_leaves_the_check_silent() -> None:
    look = Records({})
    judgement = await PolicyCritic(PACK).judge(proposal(look))
    assert (look.asked, judgement.verdict) == (["A"], Approve())
