"""Critics without knowledge of their own: none, a function, a chain."""

import pytest

from sidecritic.critics.base import FunctionCritic, NoCritic
from sidecritic.critics.chain import Chain
from sidecritic.errors import ConfigError, CriticError
from sidecritic.types import Approve, Halt, Judgement, Proposal, Revise, Usage, Verdict
from tests.talk import Talk

PROPOSAL = Talk(tools=()).user("Hello.").says("Good day.")
NO = Revise(feedback="No.")


class Fixed:
    """Gives one judgement and counts how often it was asked."""

    def __init__(self, verdict: Verdict, *, decisive: bool = False, status: str = "ok") -> None:
        self.name = "fixed"
        self.asked = 0
        self._decisive = decisive
        self._judgement = Judgement.model_validate(
            {
                "verdict": verdict,
                "critic": "fixed",
                "status": status,
                "usage": Usage(input_tokens=10),
                "seconds": 1.0,
            }
        )

    async def judge(self, proposal: Proposal) -> Judgement:
        self.asked += 1
        return self._judgement

    def is_decisive(self, judgement: Judgement) -> bool:
        return self._decisive


def broken(proposal: Proposal) -> None:
    raise ValueError("out of order")


async def test_no_critic_approves_and_says_who_it_is() -> None:
    judgement = await NoCritic().judge(PROPOSAL)
    assert judgement.verdict == Approve()
    assert judgement.critic == "none"


async def test_a_function_that_returns_nothing_approves() -> None:
    judgement = await FunctionCritic(lambda _: None, name="lenient").judge(PROPOSAL)
    assert (judgement.verdict, judgement.critic) == (Approve(), "lenient")


async def test_a_bare_verdict_is_wrapped_under_the_functions_name() -> None:
    def strict(proposal: Proposal) -> Verdict:
        return NO

    judgement = await FunctionCritic(strict).judge(PROPOSAL)
    assert (judgement.verdict, judgement.critic) == (NO, "strict")
    assert judgement.seconds > 0


async def test_an_async_function_is_awaited_and_its_judgement_kept() -> None:
    own = Judgement(verdict=NO, critic="own", risk=0.7, seconds=2.0)

    async def later(proposal: Proposal) -> Judgement:
        return own

    assert await FunctionCritic(later).judge(PROPOSAL) == own


async def test_what_a_function_raises_is_attributed_to_the_critic() -> None:
    with pytest.raises(CriticError, match=r"broken.*ValueError: out of order"):
        await FunctionCritic(broken).judge(PROPOSAL)


async def test_a_function_that_returns_nonsense_is_a_critic_error() -> None:
    critic = FunctionCritic(lambda _: "no", name="odd")  # type: ignore[arg-type, return-value]
    with pytest.raises(CriticError, match="odd"):
        await critic.judge(PROPOSAL)


async def test_a_chain_stops_at_the_first_refusal() -> None:
    first, second = Fixed(NO), Fixed(Approve())
    judgement = await Chain([first, second]).judge(PROPOSAL)
    assert judgement.verdict == NO
    assert second.asked == 0


async def test_an_approval_is_no_certain_answer_unless_its_critic_says_so() -> None:
    unsure, sure = Fixed(Approve()), Fixed(Approve(), decisive=True)
    last = Fixed(Halt(reason="enough"))
    assert isinstance((await Chain([unsure, last]).judge(PROPOSAL)).verdict, Halt)
    assert (await Chain([sure, last]).judge(PROPOSAL)).verdict == Approve()


async def test_when_nobody_is_certain_the_last_answer_stands_with_the_cost_of_all() -> None:
    judgement = await Chain([Fixed(Approve()), Fixed(Approve())]).judge(PROPOSAL)
    assert judgement.verdict == Approve()
    assert judgement.usage.input_tokens == 20
    assert judgement.seconds == pytest.approx(2.0)


@pytest.mark.parametrize("failing", [FunctionCritic(broken), Fixed(Approve(), status="timeout")])
async def test_a_failing_link_is_named_and_the_next_one_asked(failing: Fixed) -> None:
    judgement = await Chain([failing, Fixed(NO)]).judge(PROPOSAL)
    assert judgement.verdict == NO
    assert failing.name in judgement.rationale


async def test_a_chain_in_which_nobody_answers_fails_with_every_reason() -> None:
    chain = Chain([FunctionCritic(broken, name="one"), FunctionCritic(broken, name="two")])
    with pytest.raises(CriticError, match=r"one.*two"):
        await chain.judge(PROPOSAL)


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        Chain([])
