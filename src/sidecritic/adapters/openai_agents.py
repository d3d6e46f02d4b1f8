"""OpenAI Agents SDK: a model that wraps a model.

    Agent(name="shop", model=SupervisedModel(OpenAIResponsesModel(...), Oversight(critic=...)))

Sessions and results get only the answer that may leave. Usage counts refused drafts too, and
traces show each call of the model. A held stream's events are replayed.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from agents import FunctionTool, Handoff, Model, ModelResponse, Usage
from agents.items import TResponseInputItem, TResponseOutputItem, TResponseStreamEvent
from agents.models.fake_id import FAKE_RESPONSES_ID
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from openai.types.responses import ResponseCompletedEvent, ResponseStreamEvent
from pydantic import JsonValue, TypeAdapter

from sidecritic.adapters.turns import AgentDraft, Oversight, Refusals, TurnRequest, settle
from sidecritic.dialects.base import Body, Hints, Rejected
from sidecritic.dialects.parts import tool_spec
from sidecritic.dialects.responses import Responses
from sidecritic.dialects.sse import objects
from sidecritic.errors import ModelError
from sidecritic.seats.seat import Ask
from sidecritic.types import Assistant, ToolSpec
from sidecritic.values import objects_of

Input = str | list[TResponseInputItem]

_WIRE = Responses()
_ITEMS = TypeAdapter[list[TResponseOutputItem]](list[TResponseOutputItem])
_EVENT = TypeAdapter[TResponseStreamEvent](ResponseStreamEvent)
_JSON = TypeAdapter[list[JsonValue]](list[JsonValue])
_ORDER = ("model_settings", "tools", "output_schema", "handoffs", "tracing")
_STORED = ("previous_response_id", "conversation_id", "prompt")


class Answer(NamedTuple):
    """A whole answer, and the events of its stream, if it came as one."""

    response: ModelResponse
    events: Sequence[TResponseStreamEvent] = ()

    @property
    def items(self) -> list[JsonValue]:
        return _JSON.validate_python(self.response.to_input_items())


class SupervisedModel(Model):
    """Puts each answer of a model before the critic, ahead of the agent."""

    def __init__(self, model: Model, oversight: Oversight) -> None:
        self._model = model
        self._oversight = oversight

    async def get_response(
        self, system_instructions: str | None, input: Input, *given: Any, **named: Any
    ) -> ModelResponse:
        """Return the answer that may leave."""
        told = {**dict(zip(_ORDER, given, strict=False)), **named}

        async def ask(refused: Refusals[Answer]) -> AgentDraft[Answer]:
            given = _grown(input, refused)
            found = await self._model.get_response(system_instructions, given, **told)
            return self._draft(Answer(found), refused)

        return (await self._settled(self._asked(system_instructions, input, told), ask)).response

    async def stream_response(
        self, system_instructions: str | None, input: Input, *given: Any, **named: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Yield the events of the answer that may leave."""
        told = {**dict(zip(_ORDER, given, strict=False)), **named}

        async def ask(refused: Refusals[Answer]) -> AgentDraft[Answer]:
            grown = _grown(input, refused)
            stream = self._model.stream_response(system_instructions, grown, **told)
            return self._draft(_collected([event async for event in stream]), refused)

        answer = await self._settled(self._asked(system_instructions, input, told), ask)
        for event in answer.events:
            yield _counted(event, answer.response.usage)

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        return self._model.get_retry_advice(request)

    async def close(self) -> None:
        await self._model.close()

    def _asked(self, system: str | None, input: Any, told: dict[str, Any]) -> TurnRequest:
        read = _WIRE.asked({"input": input})
        kept = [f"{name}, which the provider keeps" for name in _STORED if told.get(name)]
        self._oversight.require_known([*kept, *read.unknown])
        offered = (*told.get("tools", ()), *told.get("handoffs", ()))
        tools = tuple(self._oversight.tool(_spec(tool), Hints()) for tool in offered)
        return TurnRequest(read.history, "\n\n".join(filter(None, (system, read.system))), tools)

    def _draft(self, answer: Answer, refused: Refusals[Answer]) -> AgentDraft[Answer]:
        read = _WIRE.answered({"output": answer.items})
        self._oversight.require_known(read.unknown)
        if refused:  # the latest draft carries the cost of all before it
            answer.response.usage.add(refused[-1].draft.native.response.usage)
        return AgentDraft(read.drafts[0].action, answer)

    async def _settled(self, asked: TurnRequest, ask: Ask[AgentDraft[Answer]]) -> Answer:
        decided = await settle(self._oversight, asked, ask)
        return _written(decided) if isinstance(decided, Assistant) else decided


def _grown(input: Any, refused: Refusals[Answer]) -> Any:
    rejected = [Rejected(r.draft.native.items, r.action, r.answers) for r in refused]
    return _WIRE.again({"input": input}, rejected)["input"] if rejected else input


def _spec(tool: Any) -> ToolSpec:
    if isinstance(tool, FunctionTool):
        return tool_spec(tool.name, tool.description, tool.params_json_schema)
    if isinstance(tool, Handoff):
        return tool_spec(tool.tool_name, tool.tool_description, tool.input_json_schema)
    return tool_spec(str(getattr(tool, "name", "")), "", {})


def _collected(events: Sequence[TResponseStreamEvent]) -> Answer:
    last = next(reversed(events), None)
    if not isinstance(last, ResponseCompletedEvent):
        raise ModelError(f"the model's stream ended with {last.type if last else 'nothing'!r}")
    whole, spent = last.response, last.response.usage
    usage = Usage(requests=1)
    if spent is not None:
        usage.input_tokens, usage.output_tokens = spent.input_tokens, spent.output_tokens
    return Answer(ModelResponse(output=whole.output, usage=usage, response_id=whole.id), events)


def _counted(event: TResponseStreamEvent, usage: Usage) -> TResponseStreamEvent:
    if isinstance(event, ResponseCompletedEvent) and (spent := event.response.usage):
        spent.input_tokens, spent.output_tokens = usage.input_tokens, usage.output_tokens
        spent.total_tokens = usage.input_tokens + usage.output_tokens
    return event


def _written(action: Assistant) -> Answer:
    """Return the supervisor's words as a model would have said them."""
    empty: Body = {"id": "resp", "object": "response", "created_at": 0, "model": "supervisor"}
    body = _WIRE.rewritten({**empty, "tools": [], "tool_choice": "auto"}, [action], {})
    items = [{**item, "id": FAKE_RESPONSES_ID} for item in objects_of(body, "output")]
    body |= {"output": list[JsonValue](items), "parallel_tool_calls": True}
    events = [_EVENT.validate_python(event) for event in objects(_WIRE.streamed(body, {}))]
    output = _ITEMS.validate_python(items)
    return Answer(ModelResponse(output=output, usage=Usage(), response_id=None), events)
