"""A critic in six lines beside an actor that is about to refund too old an order."""

import asyncio

from sidecritic import (
    Assistant,
    Event,
    FunctionCritic,
    Proposal,
    Revise,
    Supervisor,
    ToolCall,
    run_episode,
)
from sidecritic.envs.shop import Shop
from sidecritic.models.scripted import ScriptedModel
from sidecritic.simulation.scripted_user import ScriptedUser

REFUND = {"order_id": "A1004", "item_ids": ["20051"], "payment_method_id": "paypal_7781"}


def not_after_30_days(proposal: Proposal) -> Revise | None:
    refunds = [c for c in proposal.action.calls if c.name == "refund_items"]
    if refunds and any('"delivered_on": "2025-04' in m.text for m in proposal.history):
        return Revise(feedback="Delivered more than 30 days ago: decline the refund.")
    return None


def call(name: str, **arguments: object) -> Assistant:
    made = ToolCall.model_validate({"id": name, "name": name, "arguments": arguments, "raw": "{}"})
    return Assistant(calls=(made,))


async def main() -> list[Event]:
    task = next(task for task in Shop().tasks("test") if task.id == "6")
    actor = ScriptedModel(
        [
            call("get_order", order_id="A1004"),
            call("refund_items", **REFUND),
            "I am sorry, A1004 was delivered more than 30 days ago: no refund. Anything else?",
        ]
    )
    log: list[Event] = []
    supervisor = Supervisor(actor, FunctionCritic(not_after_30_days))
    await run_episode(Shop().environment(task, ScriptedUser(task)), supervisor, log, task_id="6")
    return log


if __name__ == "__main__":
    for event in asyncio.run(main()):
        print(event.model_dump_json(exclude_defaults=True)[:110])
