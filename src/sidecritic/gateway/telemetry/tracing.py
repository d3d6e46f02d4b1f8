"""Traces in OpenTelemetry's terms, sent over OTLP in the background.

Nothing is set globally, and spans of libraries that trace by themselves do not become ours.
"""

import json
import logging

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import JsonValue

from sidecritic.gateway.settings import TraceSettings
from sidecritic.gateway.telemetry.spans import Attribute, Attributes, Span, Traces
from sidecritic.gateway.wire.http import Headers
from sidecritic.redaction import Redactor

_LONGEST = 20_000
"""Characters of what was said, for each message list."""
_LONGEST_NAME = 200
_CONTEXT = TraceContextTextMapPropagator()

log = logging.getLogger("sidecritic.gateway")


def exporter_for(settings: TraceSettings, headers: dict[str, str]) -> SpanExporter:
    return OTLPSpanExporter(endpoint=settings.endpoint, headers=headers, timeout=5)


class OpenTelemetry(Traces):
    """Opens the spans of requests."""

    def __init__(
        self,
        settings: TraceSettings,
        exporter: SpanExporter,
        redactor: Redactor,
        *,
        keeps_content: bool,
    ) -> None:
        """Send them to an exporter, redacted: a model or a tool may be called like a key."""
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": settings.service}),
            sampler=ParentBased(TraceIdRatioBased(settings.share)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self._provider.get_tracer("sidecritic")
        self.redactor = redactor
        self.keeps_content = keeps_content

    def request(self, headers: Headers) -> "_Span":
        """Open the span of a client's request."""
        context = _CONTEXT.extract(dict(headers))
        span = self.tracer.start_span("request", context, SpanKind.SERVER)
        return _Span(self, span, context)

    def clean(self, attributes: Attributes) -> dict[str, Attribute]:
        """Return attributes without secrets."""
        return {name: self._cleaned(value) for name, value in attributes.items()}

    def _cleaned(self, value: Attribute) -> Attribute:
        if isinstance(value, tuple):
            return tuple(self.redactor.text(part[:_LONGEST_NAME]) for part in value)
        return self.redactor.text(value[:_LONGEST_NAME]) if isinstance(value, str) else value

    def close(self) -> None:
        """Send what is waiting."""
        self._provider.shutdown()


class _Span(Span):
    is_recorded = True

    def __init__(self, traces: OpenTelemetry, span: OtelSpan, context: Context) -> None:
        self.traces = traces
        self.span = span
        self.context = context
        self.keeps_content = traces.keeps_content

    def __enter__(self) -> "_Span":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End with the block; note an error's type only, as its text may quote people."""
        if kind is not None:
            self.span.set_attribute("error.type", kind.__name__)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()

    def named(self, name: str) -> None:
        self.span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        self.span.set_attributes(self.traces.clean(attributes))

    def happened(self, name: str, attributes: Attributes) -> None:
        self.span.add_event(name, self.traces.clean(attributes))

    def content(self, name: str, said: JsonValue) -> None:
        if self.keeps_content:
            # Half a secret that is cut off here is cut off again.
            read = json.dumps(said, ensure_ascii=False)[: 2 * _LONGEST]
            self.span.set_attribute(name, self.traces.redactor.text(read)[:_LONGEST])

    def child(self, name: str, attributes: Attributes, *, is_remote: bool = False) -> "_Span":
        kind = SpanKind.CLIENT if is_remote else SpanKind.INTERNAL
        context = set_span_in_context(self.span, self.context)
        known = self.traces.clean(attributes)
        shown = self.traces.redactor.text(name)
        span = self.traces.tracer.start_span(shown, context, kind, known)
        return _Span(self.traces, span, context)

    def carried(self, headers: Headers) -> Headers:
        carrier: dict[str, str] = {}
        _CONTEXT.inject(carrier, set_span_in_context(self.span, self.context))
        return (*(h for h in headers if h[0] not in carrier), *carrier.items())
