"""pydantic-ai: a model that wraps a model.

    Agent(SupervisedModel("openai:gpt-5", Oversight(critic=...)), tools=[...])

The run's messages get only the answer that may leave. Usage counts the tokens of refused drafts
too. A held stream's events are replayed.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic_ai import messages as said
from pydantic_ai.models import CompletedStreamedResponse, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.tools import ToolDefinition

from sidecritic.adapters.pydantic_ai_messages import (
    Said,
    action_of,
    history_of,
    parts_of,
    requests_in,
    system_of,
)
from sidecritic.adapters.turns import AgentDraft, Oversight, Refusals, TurnRequest, settle
from sidecritic.dialects.parts import hints_of, tool_spec
from sidecritic.types import Assistant, ToolResult, ToolSpec, Usage


class Answer(NamedTuple):
    """A whole answer, and the events that it arrived in; `True` where there were none."""

    response: said.ModelResponse
    events: list[said.ModelResponseStreamEvent] | bool


class SupervisedModel(WrapperModel):
    """Puts each answer of a model before the critic, ahead of the agent."""

    def __init__(self, wrapped: Any, oversight: Oversight) -> None:
        super().__init__(wrapped)
        self._oversight = oversight

    async def request(
        self, messages: Said, model_settings: Any, model_request_parameters: ModelRequestParameters
    ) -> said.ModelResponse:
        """Return the answer that may leave."""
        more = (model_settings, model_request_parameters)

        async def ask(grown: Said) -> Answer:
            return Answer(await self.wrapped.request(grown, *more), True)

        return (await self._settled(messages, model_request_parameters, ask)).response

    @asynccontextmanager
    async def request_stream(
        self,
        messages: Said,
        model_settings: Any,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Yield the answer that may leave, with the events that it arrived in."""
        given = model_request_parameters

        async def ask(grown: Said) -> Answer:
            asking = self.wrapped.request_stream(grown, model_settings, given, run_context)
            async with asking as stream:
                return Answer(events=[e async for e in stream], response=stream.get())

        held, events = await self._settled(messages, given, ask)
        yield CompletedStreamedResponse(held, model_request_parameters=given, replay_events=events)

    async def _settled(
        self,
        messages: Said,
        given: ModelRequestParameters,
        ask: Callable[[Said], Awaitable[Answer]],
    ) -> Answer:
        oversight = self._oversight
        oversight.require_known([f"tool {t.kind!r} of the provider" for t in given.native_tools])
        tools = (_tool(tool, oversight) for tool in (*given.function_tools, *given.output_tools))
        asked = TurnRequest(
            tuple(history_of(messages)), "\n\n".join(system_of(messages)), tuple(tools)
        )

        async def again(refused: Refusals[Answer]) -> AgentDraft[Answer]:
            return _draft(await ask(_grown(messages, refused)), refused)

        decided = await settle(oversight, asked, again)
        if not isinstance(decided, Assistant):
            return decided
        return Answer(said.ModelResponse(parts_of(decided), model_name=self.model_name), True)


def _tool(tool: ToolDefinition, oversight: Oversight) -> ToolSpec:
    spec = tool_spec(tool.name, tool.description or "", tool.parameters_json_schema)
    return oversight.tool(spec, hints_of(tool.metadata or {}))


def _grown(messages: Said, refused: Refusals[Answer]) -> Said:
    grown = list(messages)
    for refusal in refused:
        draft, ids = refusal.draft.native.response, [call.id for call in refusal.action.calls]
        if ids != [call.id for call in action_of(draft).calls]:
            draft = replace(draft, parts=parts_of(refusal.action))
        told = [
            said.ToolReturnPart(answer.name, answer.text, answer.call_id, outcome="denied")
            if isinstance(answer, ToolResult)
            else said.UserPromptPart(answer.text)
            for answer in refusal.answers
        ]
        rules = requests_in(messages)[-1].instructions
        grown += [draft, said.ModelRequest(told, instructions=rules)]
    return grown


def _draft(answer: Answer, refused: Refusals[Answer]) -> AgentDraft[Answer]:
    response, spent = answer.response, answer.response.usage
    if refused:  # the latest draft carries the cost of all before it
        response = replace(response, usage=spent + refused[-1].draft.native.response.usage)
    usage = Usage(input_tokens=spent.input_tokens, output_tokens=spent.output_tokens)
    return AgentDraft(action_of(response), Answer(response, answer.events), usage)
