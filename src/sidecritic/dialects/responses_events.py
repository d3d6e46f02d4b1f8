"""A whole answer of Responses, as the events that a model would have sent."""

from collections.abc import Iterator

from sidecritic.dialects.base import Body
from sidecritic.dialects.deltas import IN_ITEM
from sidecritic.values import objects_of, text_of


def events_of(answer: Body) -> Iterator[Body]:
    begun: Body = {**answer, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for at, item in enumerate(objects_of(answer, "output")):
        yield from _item_events(at, item)
    yield {"type": "response.completed", "response": answer}


def _item_events(at: int, item: Body) -> Iterator[Body]:
    kind = text_of(item, "type")
    opened: Body = {**item, "status": "in_progress"}
    if kind == "message":
        opened["content"] = []
    elif kind in IN_ITEM:
        opened[IN_ITEM[kind][1]] = ""
    yield {"type": "response.output_item.added", "output_index": at, "item": opened}
    where: Body = {"item_id": item.get("id"), "output_index": at}
    if kind == "message":
        for number, part in enumerate(objects_of(item, "content")):
            yield from _part_events({**where, "content_index": number}, part)
    elif kind in IN_ITEM:
        name, field = IN_ITEM[kind]
        said: Body = {**where, "name": item.get("name"), field: item.get(field)}
        yield {"type": f"response.{name}.delta", **where, "delta": item.get(field)}
        yield {"type": f"response.{name}.done", **said}
    yield {"type": "response.output_item.done", "output_index": at, "item": item}


def _part_events(where: Body, part: Body) -> Iterator[Body]:
    kind = text_of(part, "type")
    field = "refusal" if kind == "refusal" else "text"
    text = part.get(field)
    opened: Body = {**part, field: ""}
    yield {"type": "response.content_part.added", **where, "part": opened}
    yield {"type": f"response.{kind}.delta", **where, "delta": text, "logprobs": []}
    yield {"type": f"response.{kind}.done", **where, field: text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": part}
