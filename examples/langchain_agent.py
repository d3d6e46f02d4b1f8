"""A LangChain agent whose model wants to delete an order, and refunds it after all.

    python examples/langchain_agent.py

The model is a script: no keys, no network. The graph never learns of the refused call.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from sidecritic import FunctionCritic, Proposal, Revise
from sidecritic.adapters.langchain import SupervisorMiddleware
from sidecritic.adapters.turns import Oversight


class Script(BaseChatModel):
    """Stands in for a real chat model."""

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(self, tools: Sequence[Any], **more: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *given: Any, **more: Any) -> ChatResult:
        told = str(messages)
        if "refunded B2" in told:
            said = AIMessage("All done.")
        else:
            name = "refund_order" if "never deleted" in told else "delete_order"
            call = {"id": "c1", "name": name, "args": {"order": "B2"}}
            said = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=said)])


def refund_order(order: str) -> str:
    """Refund an order."""
    print(f"refunded {order}")
    return f"refunded {order}"


def delete_order(order: str) -> str:
    """Delete an order."""
    print(f"deleted {order}")
    return "deleted"


def keeps_orders(proposal: Proposal) -> Revise | None:
    if any(call.name == "delete_order" for call in proposal.action.calls):
        return Revise(feedback="Orders are never deleted; refund it instead.")
    return None


async def main() -> str:
    oversight = Oversight(FunctionCritic(keeps_orders), policy="Orders are kept.")
    agent: Any = create_agent(
        Script(), tools=[refund_order, delete_order], middleware=[SupervisorMiddleware(oversight)]
    )
    state = await agent.ainvoke({"messages": [{"role": "user", "content": "Refund B2"}]})
    return state["messages"][-1].text


if __name__ == "__main__":
    print(asyncio.run(main()))
