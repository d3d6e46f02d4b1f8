"""A priced endpoint that plays the shop's agent and customer over OpenAI's wire format.

It knows from a request whose turn it is and which task is played, so that it behaves as the
simulated parties of a rehearsal do; tokens are counted as the estimate counts them.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from sidecritic.envs.shop.benchmark import SPECS, Shop
from sidecritic.models.metering import Metered
from sidecritic.ports import Model
from sidecritic.simulation.actor import simulated_actor
from sidecritic.simulation.prose import first_person
from sidecritic.simulation.scripted_user import scripted_user
from sidecritic.simulation.task_record import scenario_of
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
from tests.wire import Received, Reply, as_json

AGENT, CUSTOMER = "fake-agent", "fake-customer"


def shop_endpoint(received: Received) -> Reply:
    """Answer as the model that was asked for."""
    body = received.body
    request = Request(messages=tuple(_messages(body["messages"])), tools=tuple(_tools(body)))
    model = body["model"]
    completion = asyncio.run(Metered(_party(model, request), model, {}).complete(request))
    said: dict[str, Any] = {"role": "assistant", "content": completion.message.text or None}
    if completion.message.calls:
        said["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.raw}}
            for c in completion.message.calls
        ]
    usage = completion.usage
    return as_json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": said,
                    "finish_reason": "tool_calls" if completion.message.calls else "stop",
                }
            ],
            "usage": {
                "prompt_tokens": usage.input_tokens,
                "completion_tokens": usage.output_tokens,
                "total_tokens": usage.input_tokens + usage.output_tokens,
            },
        }
    )


def _party(model: str, request: Request) -> Model:
    task = _task(request, by_opening=model == AGENT)
    if model == AGENT:
        return simulated_actor(SPECS, rates=0.0)(task, 0)
    return scripted_user(SPECS)(task, 0)


def _task(request: Request, *, by_opening: bool) -> Task:
    shop = Shop()
    for task in (each for split in shop.splits() for each in shop.tasks(split)):
        scenario = scenario_of(task)
        said = first_person(scenario.reason) if by_opening else scenario.reason
        where = request.messages[1:] if by_opening else request.messages[:1]
        if any(said in message.text for message in where):
            return task
    raise AssertionError("no task of the shop is played here")


def _messages(raw: list[dict[str, Any]]) -> Iterator[Message]:
    names: dict[str, str] = {}
    for each in raw:
        text = each.get("content") or ""
        match each["role"]:
            case "system":
                yield System(text=text)
            case "user":
                yield User(text=text)
            case "tool":
                id_ = each["tool_call_id"]
                yield ToolResult(
                    call_id=id_, name=names[id_], text=text, is_error=text.startswith("Error")
                )
            case _:
                calls = tuple(_call(call) for call in each.get("tool_calls") or ())
                names |= {call.id: call.name for call in calls}
                yield Assistant(text=text, calls=calls)


def _call(raw: dict[str, Any]) -> ToolCall:
    text = raw["function"]["arguments"]
    return ToolCall(
        id=raw["id"], name=raw["function"]["name"], arguments=json.loads(text), raw=text
    )


def _tools(body: dict[str, Any]) -> Iterator[ToolSpec]:
    for tool in body.get("tools", ()):
        function = tool["function"]
        yield ToolSpec(
            name=function["name"],
            description=function.get("description", ""),
            parameters=function["parameters"],
        )
