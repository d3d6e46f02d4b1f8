"""A pydantic-ai agent whose model wants to delete an order, and refunds it after all.

    python examples/pydantic_ai_agent.py

The model is a script: no keys, no network. The run never learns of the refused call.
"""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from sidecritic import FunctionCritic, Proposal, Revise
from sidecritic.adapters.pydantic_ai import SupervisedModel
from sidecritic.adapters.turns import Oversight


def script(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Stand in for a real model."""
    told = str(messages)
    if "refunded B2" in told:
        return ModelResponse([TextPart("All done.")])
    name = "refund_order" if "never deleted" in told else "delete_order"
    return ModelResponse([ToolCallPart(name, {"order": "B2"})])


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
    model = SupervisedModel(FunctionModel(script), oversight)
    agent = Agent(model, tools=[refund_order, delete_order])
    return (await agent.run("Refund B2")).output


if __name__ == "__main__":
    print(asyncio.run(main()))
