"""Exports of Langfuse and OpenTelemetry become conversations, the longest call of each."""

import json
from pathlib import Path
from typing import Any

import pytest

from sidecritic.recorded import Recorded
from sidecritic.recordings import load
from sidecritic.trace import proposals
from sidecritic.types import ToolResult
from tests.library import PROMPT, TOOLS, Json, renewal

CHAT = renewal()["messages"]


def read(file: Path, content: object) -> Recorded:
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    found = load([file])
    assert not found.problems
    (run,) = found.runs
    return run


def renews(run: Recorded) -> None:
    """Assert that this is the conversation in which B-7 is renewed."""
    made = [p for p, _ in proposals(run.trajectory.events, task_id="", briefing=run.briefing)]
    looked, renewed, said = made
    assert looked.action.calls[0].name == "list_loans"
    assert renewed.action.calls[0].arguments == {"loan": "B-7"}
    assert isinstance(told := said.history[-1], ToolResult)
    assert (told.name, told.call_id) == ("renew_loan", "c2")
    assert said.action.text == "Your loan B-7 is renewed. Good-bye!"
    assert run.briefing.policy == PROMPT
    assert [tool.name for tool in run.briefing.tools] == ["list_loans", "renew_loan", "pay_fine"]
    assert run.trajectory.actor == "desk-model"


# --- Langfuse ------------------------------------------------------------------------------


def generation(upto: int, **more: object) -> Json:
    """The call of the model that made the message at `upto`."""
    return {
        "id": f"o{upto}",
        "traceId": "t1",
        "type": "GENERATION",
        "model": "desk-model",
        "input": {"messages": CHAT[:upto], "tools": TOOLS},
        "output": CHAT[upto],
        **more,
    }


SPAN: Json = {"id": "s", "traceId": "t1", "type": "SPAN", "input": "x", "output": "y"}
OBSERVATIONS = [generation(2), SPAN, generation(6), generation(4)]


@pytest.mark.parametrize(
    "content",
    [
        OBSERVATIONS,
        {"id": "t1", "name": "renewal", "observations": OBSERVATIONS},
        {"data": OBSERVATIONS, "meta": {"cursor": None}},
        "".join(f"{json.dumps(each)}\n" for each in OBSERVATIONS),
    ],
    ids=["list", "trace", "page of the API", "lines"],
)
def test_observations_of_langfuse_are_read(tmp_path: Path, content: object) -> None:
    run = read(tmp_path / "langfuse.json", content)
    renews(run)
    assert run.trajectory.id == "t1"


def test_input_and_output_may_be_texts_of_json(tmp_path: Path) -> None:
    given = {"messages": CHAT[:6], "tools": TOOLS}
    content = [generation(6, input=json.dumps(given), output={"choices": [{"message": CHAT[6]}]})]
    renews(read(tmp_path / "langfuse.json", content))


@pytest.mark.parametrize("output", ['{"answer": 3}', {"answer": 3}])
def test_an_answer_that_is_json_and_no_message_is_what_the_agent_said(
    tmp_path: Path, output: object
) -> None:
    run = read(tmp_path / "export.json", [generation(6, output=output)])
    assert '{"answer": 3}' in str(run)


def test_conversations_are_told_apart_by_trace(tmp_path: Path) -> None:
    file = tmp_path / "langfuse.json"
    file.write_text(json.dumps([generation(6), generation(6, traceId="t2")]))
    assert [run.trajectory.id for run in load([file]).runs] == ["t1", "t2"]


# --- OpenTelemetry -------------------------------------------------------------------------


def parts_of(message: Json) -> Json:
    """A message of chat completions by the GenAI conventions."""
    if message["role"] == "tool":
        part = {
            "type": "tool_call_response",
            "id": message["tool_call_id"],
            "response": json.loads(message["content"]),
        }
        return {"role": "tool", "parts": [part]}
    parts: list[Json] = []
    if message["content"]:
        parts.append({"type": "text", "content": message["content"]})
    for call in message.get("tool_calls", ()):
        arguments = json.loads(call["function"]["arguments"])
        name = call["function"]["name"]
        parts.append({"type": "tool_call", "id": call["id"], "name": name, "arguments": arguments})
    return {"role": message["role"], "parts": parts}


def wrapped(value: Any) -> Json:
    """A value in OTLP's JSON encoding."""
    match value:
        case list():
            return {"arrayValue": {"values": [wrapped(each) for each in value]}}  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return {"kvlistValue": {"values": attributes(value)}}  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return {"stringValue": value}


def attributes(values: Json) -> list[Json]:
    return [{"key": key, "value": wrapped(value)} for key, value in values.items()]


def span(upto: int, *, as_text: bool) -> Json:
    said: Json = {
        "gen_ai.system_instructions": [{"type": "text", "content": PROMPT}],
        "gen_ai.input.messages": [parts_of(message) for message in CHAT[1:upto]],
        "gen_ai.output.messages": [{**parts_of(CHAT[upto]), "finish_reason": "stop"}],
        "gen_ai.tool.definitions": TOOLS,
    }
    if as_text:
        said = {key: json.dumps(value) for key, value in said.items()}
    named = {"gen_ai.conversation.id": "c1", "gen_ai.response.model": "desk-model"}
    return {"traceId": f"t{upto}", "spanId": "s", "attributes": attributes({**said, **named})}


def exported(*spans: Json) -> Json:
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [*spans]}]}]}


def test_spans_of_opentelemetry_are_read(tmp_path: Path) -> None:
    other: Json = {"traceId": "t6", "spanId": "x", "attributes": attributes({"http.route": "/"})}
    spans = [span(2, as_text=True), other, span(6, as_text=True), span(4, as_text=True)]
    run = read(tmp_path / "spans.json", exported(*spans))
    renews(run)
    assert run.trajectory.id == "c1"


def test_spans_may_come_one_export_a_line(tmp_path: Path) -> None:
    lines = [exported(span(upto, as_text=True)) for upto in (2, 4, 6)]
    content = "".join(f"{json.dumps(line)}\n" for line in lines)
    renews(read(tmp_path / "spans.jsonl", content))


def test_messages_may_be_structured_attributes(tmp_path: Path) -> None:
    message: Json = {"role": "user", "parts": [{"type": "text", "content": "Hello."}]}
    answer: Json = {"role": "assistant", "parts": [{"type": "text", "content": "Good-bye."}]}
    said = {"gen_ai.input.messages": [message], "gen_ai.output.messages": [answer]}
    one: Json = {"traceId": "t", "spanId": "s", "attributes": attributes(said)}
    run = read(tmp_path / "spans.json", exported(one))
    ((proposal, _),) = proposals(run.trajectory.events, task_id="", briefing=run.briefing)
    assert proposal.action.text == "Good-bye."


# --- what is wrong with them -----------------------------------------------------------------


@pytest.mark.parametrize("content", [[SPAN], exported(), {"observations": []}])
def test_an_export_without_messages_is_named(tmp_path: Path, content: object) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(content))
    found = load([file])
    (problem,) = found.problems
    assert "export.json: no call of a model in this export holds messages" in str(problem)


def test_a_conversation_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    strange = generation(6, input={"messages": [{"role": "narrator", "content": "Once."}]})
    file = tmp_path / "langfuse.json"
    file.write_text(json.dumps([generation(6, traceId="t0"), strange]))
    found = load([file])
    assert len(found.runs) == 1
    assert "conversation 2: messages[0] has the role 'narrator'" in str(found.problems[0])


@pytest.mark.parametrize(
    "broken",
    [generation(6, sessionId=["s"]), generation(6, sessionId={"s": 1})],
)
def test_a_name_of_another_type_is_a_name_and_no_crash(tmp_path: Path, broken: Json) -> None:
    assert read(tmp_path / "export.json", [broken]).trajectory.actor == "desk-model"


def test_a_text_of_brackets_without_end_is_a_text(tmp_path: Path) -> None:
    run = read(tmp_path / "export.json", [generation(6, output="[" * 100_000)])
    assert run.trajectory.actor == "desk-model"
