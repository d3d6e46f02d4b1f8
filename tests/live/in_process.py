"""The LLM critic over weights in this process; prints what happened as one JSON object.

    .venv-real/bin/python -m tests.live.in_process FILE.gguf

A script of its own, because `llama-cpp-python` is installed beside the server and not beside the
tests.
"""

import asyncio
import json
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from sidecritic.critics.llm import LLMCritic, Wire
from sidecritic.errors import ModelRejected
from sidecritic.models.llamacpp import load_llamacpp
from sidecritic.ports import Model
from sidecritic.types import (
    Assistant,
    Judgement,
    Proposal,
    Request,
    Sampling,
    ToolCall,
    ToolSpec,
    User,
)

TOOL = ToolSpec(name="cancel_order", description="Cancel a pending order.", effect="write")
RULES = "\n".join(
    f"Rule {n}: prices above {n} dollars are told before a charge." for n in range(40)
)


def proposal(rules: str = RULES) -> Proposal:
    call = ToolCall(id="c1", name=TOOL.name, arguments={"order_id": "#W1"}, raw="")
    return Proposal(
        task_id="1",
        turn=1,
        attempt=0,
        action=Assistant(calls=(call,)),
        history=(User(text="Cancel #W1."), Assistant(text="Shall I?"), User(text="Yes.")),
        policy=rules,
        tools=(TOOL,),
    )


def told(judgement: Judgement) -> dict[str, Any]:
    return {
        "risk": judgement.risk,
        "verdict": judgement.verdict.kind,
        "rationale": judgement.rationale,
        "seconds": judgement.seconds,
        **judgement.usage.model_dump(),
    }


async def main(file: Path) -> dict[str, Any]:
    model = load_llamacpp(file, context=4096)
    critic = LLMCritic(model, threshold=1.0)
    try:
        cold = await critic.judge(proposal())
        again = await critic.judge(proposal())
        other = proposal(rules="Be polite.\n" + RULES)
        await critic.warm(other.model_copy(update={"action": Assistant()}))
        warmed = await critic.judge(other)
        by_object = LLMCritic(model, wire=Wire(verdict="json"), threshold=1.0)
        fallback = await by_object.judge(other)
        reasoning = LLMCritic(model, wire=Wire(verdict="reason", reason_tokens=500), threshold=1.0)
        reasoned = await reasoning.judge(other)
        refused = await LLMCritic(model, threshold=0.0, wire=Wire(answer_tokens=40)).judge(other)
        return {
            "name": model.name,
            "cold": told(cold),
            "again": told(again),
            "warmed": told(warmed),
            "fallback": told(fallback),
            "reasoned": told(reasoned),
            "refused": told(refused),
            "unwarmed": told(await critic.judge(proposal(rules="Be kind.\n" + RULES))),
            "cancelled": await cancelled(critic),
            "grown": await grown(model),
            "too_long": await too_long(model),
        }
    finally:
        await model.aclose()


async def cancelled(critic: LLMCritic) -> dict[str, Any]:
    """Stop a warm-up on its way; how long does it hold up the loop, and what is kept?"""
    third = proposal(rules="Be brief.\n" + RULES)
    warming = asyncio.create_task(critic.warm(third.model_copy(update={"action": Assistant()})))
    # Long enough to read some of it, and far too short to read it all.
    await asyncio.sleep(0.2)
    started = perf_counter()
    warming.cancel()
    await asyncio.wait((warming,))
    waited = perf_counter() - started
    return {"waited_s": waited, **told(await critic.judge(third))}


async def grown(model: Model) -> dict[str, float]:
    """Return CPU seconds for what is added to a prompt already read: few tokens, then many."""
    took: dict[str, float] = {}
    for name, added in (("prefix", ""), ("few", "and " * 40), ("many", "or " * 150)):
        started = process_time()
        message = User(text="word " * 1500 + added)
        await model.complete(Request(messages=(message,), sampling=Sampling(max_tokens=1)))
        took[name] = process_time() - started
    return took


async def too_long(model: Any) -> str:
    request = Request(messages=(User(text="word " * 5000),), sampling=Sampling(max_tokens=1))
    try:
        await model.complete(request)
    except ModelRejected as error:
        return str(error)
    return ""


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))  # noqa: T201
