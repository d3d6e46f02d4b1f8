"""pydantic-ai's messages as ours, and ours as pydantic-ai's."""

from collections.abc import Iterator

from pydantic_ai import messages as said

from sidecritic.dialects.parts import call_of
from sidecritic.types import Assistant, Message, ToolResult, User

Said = list[said.ModelMessage]


def action_of(response: said.ModelResponse) -> Assistant:
    """Return what an answer proposes."""
    calls = [part for part in response.parts if isinstance(part, said.ToolCallPart)]
    read = (call_of(c.tool_call_id, c.tool_name, c.args_as_json_str()) for c in calls)
    return Assistant(text=response.text or "", calls=tuple(read))


def parts_of(action: Assistant) -> list[said.ModelResponsePart]:
    """Return the supervisor's words as an answer."""
    calls = [said.ToolCallPart(c.name, c.arguments or c.raw, c.id) for c in action.calls]
    return [said.TextPart(action.text), *calls] if action.text or not calls else [*calls]


def requests_in(messages: Said) -> list[said.ModelRequest]:
    return [message for message in messages if isinstance(message, said.ModelRequest)]


def system_of(messages: Said) -> Iterator[str]:
    """Walk over system prompts and the latest instructions."""
    for request in requests_in(messages):
        yield from (p.content for p in request.parts if isinstance(p, said.SystemPromptPart))
    yield from (request.instructions or "" for request in requests_in(messages)[-1:])


def history_of(messages: Said) -> Iterator[Message]:
    """Walk over the conversation, the answers that proposed nothing left out."""
    for message in messages:
        if not isinstance(message, said.ModelResponse):
            yield from (heard for part in message.parts for heard in _heard(part))
        elif (action := action_of(message)).calls or action.text:
            yield action


def _heard(part: said.ModelRequestPart) -> Iterator[Message]:
    match part:
        case said.UserPromptPart(content=content):
            shown = [content] if isinstance(content, str) else content
            texts = (p if isinstance(p, str) else f"[{type(p).__name__}]" for p in shown)
            yield User(text="\n".join(texts))
        case said.ToolReturnPart(tool_name=name, tool_call_id=id):
            text, failed = part.model_response_str(), part.outcome != "success"
            yield ToolResult(call_id=id, name=name, text=text, is_error=failed)
        case said.RetryFeedbackPart():  # the framework's words, not the user's
            yield ToolResult(call_id="", name="", text=part.model_response(), is_error=True)
        case _:
            return
