"""Messages of MCP that the proxy reads and writes."""

from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    ErrorData,
    JSONRPCError,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    TextContent,
)
from pydantic import JsonValue, TypeAdapter, ValidationError

from sidecritic.dialects.parts import call_of
from sidecritic.types import ToolCall

NO_CALL = "a call needs a name, and an object of arguments"
_OBJECT = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


def call_in(request: JSONRPCRequest) -> ToolCall | None:
    """Return the call of a `tools/call`; `None` when it is malformed."""
    given = request.params or {}
    name = given.get("name")
    try:
        arguments = _OBJECT.validate_python(given.get("arguments") or {})
    except ValidationError:
        return None
    return call_of(str(request.id), name, arguments) if isinstance(name, str) else None


def carrying(item: SessionMessage, request: JSONRPCRequest, call: ToolCall) -> SessionMessage:
    """Return the client's message, with the critic's call if it replaced the client's."""
    if call == call_in(request):
        return item
    params = {**(request.params or {}), "name": call.name, "arguments": call.arguments or {}}
    return SessionMessage(request.model_copy(update={"params": params}), item.metadata)


def refusal(request: JSONRPCRequest, text: str) -> SessionMessage:
    """Return the result of a call that was not carried out."""
    result = CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
    written = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=request.id, result=written))


def failure(id: RequestId, problem: str) -> SessionMessage:
    error = ErrorData(code=INVALID_PARAMS, message=problem)
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=id, error=error))
