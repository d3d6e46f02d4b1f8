"""An agent of the OpenAI Agents SDK whose model wants to delete an order, and refunds it after all.

    python examples/openai_agents.py

The model is a script: no keys, no network. The run never learns of the refused call.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

from sidecritic import FunctionCritic, Proposal, Revise
from sidecritic.adapters.openai_agents import SupervisedModel
from sidecritic.adapters.turns import Oversight


class Script(Model):
    """Stands in for a real model."""

    async def get_response(self, *given: Any, **named: Any) -> ModelResponse:
        told = str((given, named.get("input")))
        if "refunded B2" in told:
            text = ResponseOutputText(type="output_text", text="All done.", annotations=[])
            said = ResponseOutputMessage(
                id="m", type="message", role="assistant", status="completed", content=[text]
            )
            return ModelResponse(output=[said], usage=Usage(), response_id=None)
        name, id = ("refund_order", "c2") if "never deleted" in told else ("delete_order", "c1")
        call = ResponseFunctionToolCall(
            type="function_call", call_id=id, name=name, arguments='{"order": "B2"}'
        )
        return ModelResponse(output=[call], usage=Usage(), response_id=None)

    def stream_response(self, *given: Any, **named: Any) -> AsyncIterator[TResponseStreamEvent]:
        raise NotImplementedError("this script does not stream")


@function_tool
def refund_order(order: str) -> str:
    """Refund an order."""
    print(f"refunded {order}")
    return f"refunded {order}"


@function_tool
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
    agent = Agent(
        name="shop",
        model=SupervisedModel(Script(), oversight),
        tools=[refund_order, delete_order],
    )
    result = await Runner.run(agent, "Refund B2", run_config=RunConfig(tracing_disabled=True))
    return result.final_output


if __name__ == "__main__":
    print(asyncio.run(main()))
