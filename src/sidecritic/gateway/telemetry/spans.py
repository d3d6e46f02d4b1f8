"""What is traced: nothing, unless a tracer overrides these classes.

A span is passed on like everything else, in the request; no context variable holds one.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from pydantic import JsonValue

from sidecritic.gateway.wire.http import Headers

Attribute = str | int | float | bool | tuple[str, ...]
Attributes = Mapping[str, Attribute]


class Span:
    """Something that takes time: a request, a call of the upstream, a judgement."""

    is_recorded = False
    keeps_content = False
    """Whether what was said may stand in it."""

    def named(self, name: str) -> None:
        """Give it another name."""

    def note(self, attributes: Attributes) -> None: ...

    def happened(self, name: str, attributes: Attributes) -> None:
        """Note an event."""

    def content(self, name: str, said: JsonValue) -> None:
        """Note what was said, redacted; nothing unless content is kept."""

    def child(
        self, name: str, attributes: Attributes, *, is_remote: bool = False
    ) -> AbstractContextManager["Span"]:
        """Open a span within this one; an exception that leaves the block is noted by its type."""
        return nullcontext(self)

    def carried(self, headers: Headers) -> Headers:
        """Return the headers of a request that is made within this span."""
        return headers


NO_SPAN = Span()


class Traces:
    def request(self, headers: Headers) -> AbstractContextManager[Span]:
        """Open the span of a client's request, within the trace that its headers name."""
        return nullcontext(NO_SPAN)
