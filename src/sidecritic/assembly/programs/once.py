"""One verdict on one action: the shortest way to try a critic."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecritic.assembly.programs.inprocess import named_or_given
from sidecritic.dialects.chat import ChatCompletions
from sidecritic.dialects.messages import Messages
from sidecritic.dialects.tool_files import read_tools, tools_in
from sidecritic.errors import ConfigError
from sidecritic.ports import Critic
from sidecritic.seats.arguments import prose_of
from sidecritic.supervisor import judge_in_time
from sidecritic.types import Assistant, Judgement, Proposal
from sidecritic.values import objects_of

Chat = Sequence[Mapping[str, Any]]
"""Messages of OpenAI's chat completions, or of Anthropic's Messages."""


def judge(
    messages: Chat,
    *,
    critic: Critic | str = "default",
    policy: str | Path = "",
    tools: Sequence[Mapping[str, Any]] | Path = (),
    timeout: float = 60.0,
) -> Judgement:
    """Return what a critic says of the last message, which is the agent's next action.

    `critic` is a name as in `gateway.toml`, or a critic; it has `timeout` seconds. The rest is as
    for `proposal_of`. Where a loop is running, await `critic.judge(proposal_of(...))`.

    Raises:
        ConfigError: something that is given cannot be used.
        CriticError: the critic failed.
    """
    asked = named_or_given(critic)
    proposal = proposal_of(messages, policy=policy, tools=tools)
    return asyncio.run(judge_in_time(asked, proposal, timeout))


def proposal_of(
    messages: Chat,
    *,
    policy: str | Path = "",
    tools: Sequence[Mapping[str, Any]] | Path = (),
) -> Proposal:
    """Return the last message as a proposal, with what was said before it.

    `policy` is prose or a file; without it the system message is the policy, and else what the
    agent was told of this session. `tools` are those of OpenAI, Anthropic or MCP, or a file of
    them; `"effect": "read"` or `"write"` beside a name says what a tool does.

    Raises:
        ConfigError: the last message is not the agent's, or something else cannot be used.
    """
    body: Any = {"messages": [dict(message) for message in messages]}
    parts = (part for message in body["messages"] for part in objects_of(message, "content"))
    anthropic = any(part.get("type") in ("tool_use", "tool_result") for part in parts)
    asked = (Messages() if anthropic else ChatCompletions()).asked(body)
    if not asked.history or not isinstance(action := asked.history[-1], Assistant):
        raise ConfigError("the last message is not the agent's; put the action to judge at the end")
    if isinstance(tools, Path):
        declared = read_tools(tools)
    else:
        declared = tools_in([dict(tool) for tool in tools], "tools") if tools else ()
    own = prose_of(policy)
    return Proposal(
        task_id="once",
        turn=0,
        attempt=0,
        action=action,
        history=asked.history[:-1],
        policy=own or asked.system,
        context=asked.system if own else "",
        tools=tuple(each.tool for each in declared),
    )
