"""MCP: a proxy between client and server that judges `tools/call` and passes everything else.

    client ──tools/call──▶ decide() ──approved──▶ server
       ▲                      └─ refused ─▶ an error result with the feedback
       └────────────── everything else, in both directions ──────────────────

The model is on the client's side, so there is no hidden round trip: the feedback is the call's
result, and the model decides what to do next. The critic sees the calls that were carried out,
with their results; what user and model say to each other does not pass here.
"""

from collections import deque
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, RequestId

from sidecritic.adapters.mcp_messages import NO_CALL, call_in, carrying, failure, refusal
from sidecritic.adapters.rulings import rule_on
from sidecritic.adapters.turns import Oversight
from sidecritic.dialects.base import Hints
from sidecritic.dialects.parts import hints_of, tool_spec
from sidecritic.types import Assistant, Message, ToolCall, ToolResult, ToolSpec
from sidecritic.values import objects_of, text_of

_REMEMBERED = 200
"""Messages of the history that the critic is shown."""


class Sends(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...


Line = tuple[AsyncIterable[SessionMessage | Exception], Sends]
"""What a transport of the SDK yields: where messages come from, and where they go."""


@dataclass
class Proxy:
    """One client, one server, and the critic between them."""

    oversight: Oversight
    client: Line
    server: Line
    _tools: dict[str, ToolSpec] = field(default_factory=dict[str, ToolSpec])
    _listing: set[RequestId] = field(default_factory=set[RequestId])
    _judging: dict[RequestId, anyio.CancelScope] = field(
        default_factory=dict[RequestId, anyio.CancelScope]
    )
    _under_way: dict[RequestId, ToolCall] = field(default_factory=dict[RequestId, ToolCall])
    _history: deque[Message] = field(default_factory=lambda: deque[Message](maxlen=_REMEMBERED))

    async def run(self) -> None:
        """Pass messages on until one side closes its line."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._from_server, tasks)
            async for item in self.client[0]:
                if isinstance(item, SessionMessage):
                    await self._from_client(item, tasks)
            tasks.cancel_scope.cancel()

    async def _from_client(self, item: SessionMessage, tasks: TaskGroup) -> None:
        match item.message:
            case JSONRPCRequest(method="tools/call", id=id) as request:
                if id in self._judging or id in self._under_way:
                    await self.client[1].send(failure(id, "a call of this id is under way"))
                    return
                self._judging[id] = anyio.CancelScope()
                tasks.start_soon(self._judge, item, request)
                return
            case JSONRPCRequest(method="tools/list", id=id):
                self._listing.add(id)
            case JSONRPCNotification(method="notifications/cancelled", params=params):
                id = (params or {}).get("requestId", "")
                self._under_way.pop(id, None)
                if id in self._judging:  # the server has never heard of it
                    self._judging[id].cancel()
                    return
            case _:
                pass
        await self.server[1].send(item)

    async def _from_server(self, tasks: TaskGroup) -> None:
        async for item in self.server[0]:
            if not isinstance(item, SessionMessage):
                continue
            match item.message:
                case JSONRPCResponse(id=id, result=result) if id in self._listing:
                    self._listing.discard(id)
                    self._learn(result)
                case JSONRPCResponse(id=id, result=result) if id in self._under_way:
                    self._remember(self._under_way.pop(id), result)
                case JSONRPCError(id=id) if id is not None:
                    self._listing.discard(id)
                    self._under_way.pop(id, None)
                case _:
                    pass
            await self.client[1].send(item)
        tasks.cancel_scope.cancel()

    async def _judge(self, item: SessionMessage, request: JSONRPCRequest) -> None:
        with self._judging[request.id]:
            try:
                await self._rule(item, request)
            finally:
                del self._judging[request.id]

    async def _rule(self, item: SessionMessage, request: JSONRPCRequest) -> None:
        call = call_in(request)
        if call is None:
            await self.client[1].send(failure(request.id, NO_CALL))
            return
        unlisted = self.oversight.tool(tool_spec(call.name, "", {}), Hints())
        tools = {call.name: unlisted, **self._tools}
        ruling = await rule_on(self.oversight, tuple(self._history), call, tuple(tools.values()))
        if isinstance(ruling, str):
            await self.client[1].send(refusal(request, ruling))
        else:
            self._under_way[request.id] = ruling
            await self.server[1].send(carrying(item, request, ruling))

    def _learn(self, result: dict[str, Any]) -> None:
        """Remember what the server says of its tools."""
        for tool in objects_of(result, "tools"):
            name = text_of(tool, "name")
            spec = tool_spec(name, text_of(tool, "description"), tool.get("inputSchema"))
            self._tools[name] = self.oversight.tool(spec, hints_of(tool))

    def _remember(self, call: ToolCall, result: dict[str, Any]) -> None:
        texts = (text_of(part, "text") for part in objects_of(result, "content"))
        failed = result.get("isError") is True
        told = ToolResult(call_id=call.id, name=call.name, text="\n".join(texts), is_error=failed)
        self._history.extend((Assistant(calls=(call,)), told))
