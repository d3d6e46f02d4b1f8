"""Traces: who called whom, in the words of the conventions, and never what was said unasked."""

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from sidecritic.assembly.gateway import GatewayMaker
from sidecritic.errors import ConfigError
from sidecritic.gateway.settings import TraceSettings
from sidecritic.gateway.telemetry.tracing import OpenTelemetry
from sidecritic.redaction import Redactor
from tests.gateway import Running, gateway, refuses, settings_for
from tests.wire import Json, call, chat, failure, refusing_url, wire_server
from tests.wires.streams import chat_stream, spoken

SETTINGS = TraceSettings(endpoint="http://127.0.0.1:4318/v1/traces")
SECRET = "sk-canary-0123456789abcdef"
HI: Json = {"model": "m", "messages": [{"role": "user", "content": f"Hi {SECRET}"}]}
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
WRONG = chat(f"I think {SECRET}", calls=[call("delete", {"key": SECRET})])
RIGHT = chat(None, calls=[call("refund", {})])


def post(door: Running, body: Json = HI, **headers: str) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=20) as client:
        return client.post(f"{door.root}/v1/chat/completions", json=body, headers=headers)


def spans_of(answers: Any, *, keeps_content: bool = False, **given: Any) -> Any:
    """Ask once, and return the spans by name, the answer and what the upstream received."""
    exporter = InMemorySpanExporter()
    traces = OpenTelemetry(SETTINGS, exporter, Redactor(), keeps_content=keeps_content)
    body = given.pop("body", HI)
    headers = given.pop("headers", {})
    with (
        wire_server(answers) as upstream,
        gateway(upstream.root, critic=refuses("delete"), traced=traces, **given) as door,
    ):
        answer = post(door, body, **headers)
        door.settled()
    traces.close()
    return exporter.get_finished_spans(), answer, upstream.received


def named(spans: Sequence[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def test_a_request_has_a_span_for_each_call_of_the_upstream_and_each_judgement() -> None:
    spans, answer, received = spans_of([WRONG, RIGHT], headers={"traceparent": PARENT})
    (request,) = named(spans, "POST chat/completions")
    asked, judged = named(spans, "chat m"), named(spans, "judge asked")
    assert (len(asked), len(judged)) == (2, 2)
    assert request.kind is SpanKind.SERVER
    assert {span.kind for span in asked} == {SpanKind.CLIENT}
    assert request.context is not None
    assert f"{request.context.trace_id:032x}" == TRACE, "the client's trace goes on"
    assert {s.parent.span_id for s in (*asked, *judged) if s.parent} == {request.context.span_id}
    sent = [r.headers["traceparent"].split("-")[2] for r in received]
    assert sent == [f"{s.context.span_id:016x}" for s in asked if s.context]
    known: Any = request.attributes
    assert known["http.response.status_code"] == 200
    assert known["sidecritic.outcome"] == "revised"
    assert known["sidecritic.request"] == answer.headers["x-sidecritic-request"]


def test_spans_say_model_provider_tokens_and_verdicts_in_the_words_of_the_conventions() -> None:
    spans, _, _ = spans_of([WRONG, RIGHT])
    inference: Any = named(spans, "chat m")[0].attributes
    assert {k: v for k, v in inference.items() if k.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": False,
        "gen_ai.response.model": "served-model",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 8,
    }
    results = [event for span in named(spans, "judge asked") for event in span.events]
    assert {event.name for event in results} == {"gen_ai.evaluation.result"}
    labels = [(e.attributes or {})["gen_ai.evaluation.score.label"] for e in results]
    assert labels == ["revise", "approve"]


def test_what_was_said_stands_in_no_span_unless_content_is_kept_and_then_redacted() -> None:
    spans, _, _ = spans_of([WRONG, RIGHT])
    everything = " ".join(span.to_json() for span in spans)
    assert SECRET not in everything
    assert "I think" not in everything
    spans, _, _ = spans_of([WRONG, RIGHT], keeps_content=True)
    everything = " ".join(span.to_json() for span in spans)
    assert "I think [redacted]" in everything
    assert SECRET not in everything


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_streams_that_are_passed_on_have_spans_that_end_with_them(mode: str) -> None:
    stream = chat_stream(spoken("Hello"))
    spans, answer, _ = spans_of(stream, mode=mode, body={**HI, "stream": True})
    assert answer.content == stream.body
    (request,) = named(spans, "POST chat/completions")
    (inner,) = named(spans, "chat m" if mode == "shadow" else "pass")
    assert request.end_time is not None
    assert inner.end_time is not None
    assert inner.end_time <= request.end_time
    assert len(named(spans, "judge asked")) == (1 if mode == "shadow" else 0)


def test_a_name_that_is_a_secret_stands_in_no_span() -> None:
    answer = chat(None, calls=[call(SECRET, {})])
    spans, _, _ = spans_of(answer, body={**HI, "model": SECRET}, unknown="pass")
    assert SECRET not in " ".join(span.to_json() for span in spans)
    assert named(spans, "chat [redacted]")


def test_an_error_is_noted_by_its_type_and_its_text_is_not() -> None:
    spans, answer, _ = spans_of(failure(500, SECRET))
    (inner,) = named(spans, "chat m")
    assert answer.status_code == 500
    assert (inner.attributes or {})["error.type"] == "UpstreamError"
    assert not inner.status.is_ok
    assert SECRET not in " ".join(span.to_json() for span in spans)


def test_a_collector_that_breaks_breaks_no_request() -> None:
    class Breaks(SpanExporter):
        tried = 0

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            self.tried += 1
            raise OSError("no collector")

    exporter = Breaks()
    traces = OpenTelemetry(SETTINGS, exporter, Redactor(), keeps_content=False)
    with wire_server(RIGHT) as upstream, gateway(upstream.root, traced=traces) as door:
        assert post(door).content == RIGHT.body
    traces.close()
    assert exporter.tried >= 1


def test_a_collector_that_is_not_there_breaks_no_request() -> None:
    traces = {"endpoint": f"{refusing_url()}/traces"}
    with wire_server(RIGHT) as upstream, gateway(upstream.root, traces=traces) as door:
        assert post(door).content == RIGHT.body


def test_nothing_is_traced_unless_it_is_set(tmp_path: Any) -> None:
    with wire_server(RIGHT) as upstream, gateway(upstream.root) as door:
        post(door, traceparent=PARENT)
        assert upstream.received[0].headers["traceparent"] == PARENT, "passed on as it came"


@pytest.mark.parametrize(("text", "message"), [("", "not set"), ("no pair", "name=value")])
def test_headers_of_the_collector_that_cannot_be_read_are_named(
    text: str, message: str, tmp_path: Any
) -> None:
    traces = {"endpoint": "http://127.0.0.1:1/", "headers_env": "HEADERS"}
    settings = settings_for("http://127.0.0.1:1", tmp_path, traces=traces)
    with pytest.raises(ConfigError, match=message):
        GatewayMaker(tmp_path, {"HEADERS": text}).server(settings)
    assert list(tmp_path.glob("decisions*")) == [], "nobody would have closed the database"
