"""LangChain and LangGraph: a middleware around every call of the model.

    create_agent(model, tools=[...], middleware=[SupervisorMiddleware(Oversight(critic=...))])

The graph's state gets only the answer that may leave; a refused draft is in the request of the
hidden round trip only. While an answer is held, no tokens are streamed; the released message
arrives whole (`stream_mode="messages"` included). Tracers see each call of the model.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from sidecritic.adapters.turns import AgentDraft, Oversight, Refusals, TurnRequest, settle
from sidecritic.dialects.parts import call_of, hints_of, tool_spec
from sidecritic.seats.loop_thread import LoopThread
from sidecritic.seats.seat import Refusal
from sidecritic.types import Assistant, Message, ToolCall, ToolResult, ToolSpec, Usage, User
from sidecritic.values import object_of, text_of

_QUIET = "nostream"
"""LangGraph streams no tokens of a model with this tag."""

Response = ModelResponse[Any]


class SupervisorMiddleware(AgentMiddleware[Any, Any, Any]):
    """Puts each answer of the model before the critic, ahead of the graph."""

    def __init__(self, oversight: Oversight) -> None:
        super().__init__()
        self._oversight = oversight
        self._loop = LoopThread("sidecritic-langchain")

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[Any], Awaitable[Response]]
    ) -> Response:
        """Return the answer that may leave."""

        async def ask(refused: Refusals[Response]) -> AgentDraft[Response]:
            return _draft(await handler(_with(request, refused)))

        return await self._settled(request, ask)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[Any], Response]
    ) -> Response:
        """Return the answer that may leave; the critic runs on a loop in another thread."""

        async def ask(refused: Refusals[Response]) -> AgentDraft[Response]:
            return _draft(await asyncio.to_thread(handler, _with(request, refused)))

        return self._loop.run(self._settled(request, ask))

    async def _settled(self, request: ModelRequest[Any], ask: Any) -> Response:
        oversight = self._oversight
        asked = TurnRequest(
            history=tuple(_history(request.messages)),
            system=request.system_message.text if request.system_message else "",
            tools=tuple(_tool(tool, oversight) for tool in request.tools),
        )
        decided: Response | Assistant = await settle(oversight, asked, ask)
        if isinstance(decided, Assistant):
            return ModelResponse(result=[_said(decided)])
        return decided


def _with(request: ModelRequest[Any], refused: Refusals[Response]) -> ModelRequest[Any]:
    told = (message for refusal in refused for message in _told(refusal))
    quiet = request.model.model_copy(update={"tags": [*(request.model.tags or ()), _QUIET]})
    return request.override(model=quiet, messages=[*request.messages, *told])


def _told(refusal: Refusal[AgentDraft[Response]]) -> Iterator[Any]:
    draft = _message(refusal.draft.native)
    ids = [call.id for call in refusal.action.calls]
    known = [call.id for call in _calls(draft)]
    yield draft if ids == known else _said(refusal.action)
    for answer in refusal.answers:
        if isinstance(answer, User):
            yield HumanMessage(answer.text)
        else:
            yield ToolMessage(answer.text, tool_call_id=answer.call_id, status="error")


def _draft(response: Response) -> AgentDraft[Response]:
    message = _message(response)
    spent = message.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
    usage = Usage(input_tokens=spent["input_tokens"], output_tokens=spent["output_tokens"])
    return AgentDraft(_action(message), response, usage)


def _message(response: Response) -> AIMessage:
    return next(m for m in response.result if isinstance(m, AIMessage))


def _action(message: AIMessage) -> Assistant:
    return Assistant(text=str(message.text), calls=tuple(_calls(message)))


def _calls(message: AIMessage) -> Iterator[ToolCall]:
    for call in message.tool_calls:
        yield call_of(call["id"] or "", call["name"], call["args"])
    for wrong in message.invalid_tool_calls:
        yield call_of(wrong["id"] or "", wrong["name"] or "", wrong["args"])


def _said(action: Assistant) -> AIMessage:
    calls = [{"id": c.id, "name": c.name, "args": c.arguments or {}} for c in action.calls]
    return AIMessage(content=action.text, tool_calls=calls)


def _history(messages: Sequence[BaseMessage]) -> Iterator[Message]:
    names: dict[str, str] = {}
    for message in messages:
        match message:
            case AIMessage():
                action = _action(message)
                names.update((call.id, call.name) for call in action.calls)
                yield action
            case ToolMessage(tool_call_id=id):
                name = message.name or names.get(id, "")
                failed = message.status == "error"
                yield ToolResult(call_id=id, name=name, text=str(message.text), is_error=failed)
            case HumanMessage():
                yield User(text=str(message.text))
            case SystemMessage():
                continue
            case _:  # of an unknown role: evidence without authority
                yield ToolResult(call_id="", name=message.type, text=str(message.text))


def _tool(tool: BaseTool | dict[str, Any], oversight: Oversight) -> ToolSpec:
    written = convert_to_openai_tool(tool)
    part = object_of(written, "function") or written
    name = text_of(part, "name") or text_of(part, "type")
    spec = tool_spec(name, text_of(part, "description"), part.get("parameters"))
    notes = tool.metadata if isinstance(tool, BaseTool) else None
    return oversight.tool(spec, hints_of({"annotations": notes or {}}))
