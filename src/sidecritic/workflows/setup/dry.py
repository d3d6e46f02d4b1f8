"""One verdict before a client waits for any: what it costs, how long it takes, why it fails."""

from sidecritic.critics.prompt import prompt_of, verdict_chat
from sidecritic.errors import CriticError
from sidecritic.ports import Critic, Simulating
from sidecritic.supervisor import judge_in_time
from sidecritic.types import Assistant, Proposal, Record, System, ToolSpec, Usage, User


class DryVerdict(Record):
    """A verdict on a greeting, with the agent's whole policy and all of its tools."""

    critic: str
    simulated: bool = False
    prompt_characters: int = 0
    """Of an LLM critic's prompt; the trajectory adds to it as it grows. 0 for other critics."""
    status: str = ""
    verdict: str = ""
    risk: float | None = None
    seconds: float = 0.0
    usage: Usage = Usage()
    failure: str = ""
    """Why there is no verdict."""


async def dry_verdict(
    critic: Critic, policy: str, tools: tuple[ToolSpec, ...], seconds: float
) -> DryVerdict:
    """Return what the critic says; a failure is part of the answer."""
    proposal = Proposal(
        task_id="init",
        turn=0,
        attempt=0,
        history=(User(text="Hello"),),
        policy=policy,
        tools=tools,
        action=Assistant(text="Hello! How can I help you?"),
    )
    simulated = isinstance(critic, Simulating) and critic.simulated
    found = DryVerdict(
        critic=critic.name,
        simulated=simulated,
        prompt_characters=_size(proposal) if "llm:" in critic.name else 0,
    )
    try:
        judgement = await judge_in_time(critic, proposal, seconds)
    except CriticError as error:
        return found.model_copy(update={"failure": str(error)})
    return found.model_copy(
        update={
            "status": judgement.status,
            "verdict": judgement.verdict.kind,
            "risk": judgement.risk,
            "seconds": judgement.seconds,
            "usage": judgement.usage,
        }
    )


def _size(proposal: Proposal) -> int:
    chat = verdict_chat(prompt_of(proposal))
    return sum(len(message.text) for message in chat if isinstance(message, System | User))
