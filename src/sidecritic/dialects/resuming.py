"""Continuing from an answer that the provider never gave.

A client continues a stored conversation by the id of its last answer. Where that answer was the
supervisor's, the provider knows neither the id nor the words: it is told what was asked and said,
and continues from the answer before, if there was one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from sidecritic.dialects.base import Body
from sidecritic.dialects.responses import Responses
from sidecritic.dialects.responses_refused import input_items
from sidecritic.types import Assistant
from sidecritic.values import objects_of

_FROM = "previous_response_id"


@dataclass(frozen=True, slots=True)
class Resume:
    """What a provider is told in place of an id."""

    asked: Body
    """The input of the request, and the id that it continued."""
    said: Assistant
    size: int
    """Bytes of the request."""

    @staticmethod
    def of(body: Body, said: Assistant, size: int) -> "Resume":
        return Resume({k: v for k, v in body.items() if k in ("input", _FROM)}, said, size)


def resumed(body: Body, before: Resume) -> Body:
    """Return a request that continues `before`, in terms that the provider knows."""
    grown: list[JsonValue] = [*input_items(before.asked), *_said(before.said), *input_items(body)]
    rest = {k: v for k, v in body.items() if k != _FROM}
    earlier = before.asked.get(_FROM)
    return {**rest, "input": grown, **({_FROM: earlier} if earlier else {})}


def _said(action: Assistant) -> Iterator[Body]:
    """Return an action as items without ids, which the provider would look for."""
    for item in objects_of(Responses().rewritten({}, [action], {}), "output"):
        yield {k: v for k, v in item.items() if k not in ("id", "status")}
