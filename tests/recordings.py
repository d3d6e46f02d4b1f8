"""Small recorded runs in each format, written for these tests."""

import json
from typing import Any

from sidecritic.envs.tau2.benchmark import GREETING

Json = dict[str, Any]

ORDER = "#W5918442"
"""A pending order of sofia_rossi_8776, in the retail database of τ²-bench."""
USER = "sofia_rossi_8776"
CANCEL: Json = {"order_id": ORDER, "reason": "no longer needed"}


def said(role: str, text: str) -> Json:
    return {"role": role, "content": text}


def called(name: str, arguments: Json, result: str, *, id: str = "c1") -> list[Json]:
    """A call of the agent and its result, as τ²-bench writes them."""
    call = {"id": id, "name": name, "arguments": arguments, "requestor": "assistant"}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "id": id, "content": result, "error": result.startswith("Error")},
    ]


def simulation(messages: list[Json], *, reward: float = 0.0, **more: Any) -> Json:
    return {
        "id": "s",
        "task_id": "0",
        "trial": 0,
        "reward_info": {"reward": reward, "reward_breakdown": {"DB": reward}},
        "messages": messages,
        "termination_reason": "user_stop",
        **more,
    }


def chat(*acts: list[Json]) -> list[Json]:
    opening = [said("assistant", GREETING), said("user", f"I am {USER}. Cancel my order.")]
    closing = [said("assistant", "All done."), said("user", "###STOP###")]
    return [*opening, *(message for act in acts for message in act), *closing]


def task(*gold: Json) -> Json:
    return {
        "id": "0",
        "user_scenario": {"instructions": f"You are {USER}."},
        "evaluation_criteria": {"actions": list(gold)},
    }


def results(*simulations: Json, tasks: list[Json] | None = None, **info: Any) -> Json:
    about = {
        "environment_info": {"domain_name": "retail", "policy": "Be kind."},
        "agent_info": {"llm": "some-actor"},
        "user_info": {"llm": "some-user"},
        "git_commit": "abc",
        **info,
    }
    return {
        "info": about,
        "tasks": [task()] if tasks is None else tasks,
        "simulations": simulations,
    }


def tau_run(traj: list[Json], *, reward: float = 0.0, gold: list[Json] | None = None) -> Json:
    return {
        "task_id": 7,
        "reward": reward,
        "trial": 1,
        "traj": traj,
        "info": {
            "task": {"user_id": USER, "actions": gold or [], "instruction": "", "outputs": []},
            "reward_info": {"reward": reward},
        },
    }


def tau_called(*calls: tuple[str, Json], result: str) -> list[Json]:
    """A message of calls as τ-bench writes it, and the one result that came back."""
    made = [
        {"id": f"t{at}", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for at, (name, arguments) in enumerate(calls)
    ]
    answer = {"role": "tool", "tool_call_id": "t0", "name": calls[0][0], "content": result}
    return [{"role": "assistant", "content": None, "tool_calls": made}, answer]
