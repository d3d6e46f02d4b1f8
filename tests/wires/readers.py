"""How clients read a stream: what each of them would run, written from the sources of the SDKs.

A reader takes the bytes that leave and returns name and arguments of the calls that it would carry
out. What it cannot parse it skips, which is more than most do.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from jiter import from_json

Ran = tuple[str, str]
"""Name, and arguments in canonical form."""
Reader = Callable[[list[dict[str, Any]]], Iterator[tuple[str, Any]]]


def by_the_standard(raw: bytes) -> list[dict[str, Any]]:
    """Return the events that a parser of the HTML standard finds."""
    text = raw.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found: list[dict[str, Any]] = []
    for block in text.split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in block.split("\n") if line[:5] == "data:"]
        found += _objects("\n".join(lines))
    return found


def by_lines(raw: bytes) -> list[dict[str, Any]]:
    """Return those of a client that goes by lines, as httpx splits them."""
    lines = (line.strip() for line in raw.decode().splitlines())
    return [o for line in lines if line.startswith("data:") for o in _objects(line[5:])]


def _objects(text: str) -> list[dict[str, Any]]:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return []
    return [value] if isinstance(value, dict) else []


def ran(calls: Iterator[tuple[str, Any]]) -> set[Ran]:
    """Return what is run of calls whose arguments may be text: an empty one is an empty object."""
    found: set[Ran] = set()
    for name, given in calls:
        try:
            is_text = isinstance(given, str)
            arguments: Any = json.loads(given or "{}", strict=False) if is_text else given
        except ValueError:
            continue
        if name and isinstance(arguments, dict):
            found.add((name, json.dumps(arguments, sort_keys=True)))
    return found


# --- chat completions ----------------------------------------------------------------------


def _parts(events: list[dict[str, Any]], *, first: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    for event in events:
        choices: Any = event.get("choices") or []
        for choice in choices[:1] if first else choices:
            entries: Any = choice.get("delta", {}).get("tool_calls") or []
            for entry in entries:
                yield 0 if first else choice.get("index", 0), entry


def joining(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """openai-python: texts are joined, names among them; choices and calls go by their position.

    It gives up where a call has no number, or one that would leave a gap.
    """
    grown: list[list[list[str]]] = []
    for event in events:
        choices: Any = event.get("choices") or []
        for choice in choices:
            grown += [] if choice.get("index", 0) < len(grown) else [[]]
            place: int = min(choice.get("index", 0), len(grown) - 1)
            calls = grown[place]
            entries: Any = choice.get("delta", {}).get("tool_calls") or []
            for entry in entries:
                at = entry.get("index")
                if at is None or at > len(calls):
                    return
                calls += [["", ""]] if at == len(calls) else []
                function: Any = entry.get("function") or {}
                calls[at][0] += function.get("name") or ""
                calls[at][1] += function.get("arguments") or ""
    yield from ((name, arguments) for calls in grown for name, arguments in calls)


def replacing(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """openai-node, LiteLLM: the last name counts."""
    grown: dict[Any, list[str]] = {}
    for choice, entry in _parts(events, first=False):
        call = grown.setdefault((choice, entry.get("index")), ["", ""])
        function: Any = entry.get("function") or {}
        call[0] = function.get("name") or call[0]
        call[1] += function.get("arguments") or ""
    yield from ((name, arguments) for name, arguments in grown.values())


def first_of_all(*, strict: bool) -> Reader:
    """Return the Vercel AI SDK: of each event, the first choice.

    It leaves out an event with a field of another type, and goes on; its provider of OpenAI is
    stricter than the one for compatible servers. Calls are told apart by number, id and name.
    """

    def read(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
        calls: list[_Tracked] = []
        for event in (e for e in events if _in_form(e, strict=strict)):
            for _, entry in _parts([event], first=True):
                function: Any = entry.get("function") or {}
                name, text = function.get("name") or "", function.get("arguments") or ""
                call = _tracked(calls, entry, name, starts=bool(name) and text[:1] in ("{", "["))
                if call is None:
                    continue
                call.ids |= {entry.get("id")} - {None, ""}
                call.numbers |= {entry.get("index")} - {None}
                call.name, call.text = call.name or name, call.text + text
        yield from ((call.name, call.text) for call in calls)

    return read


@dataclass
class _Tracked:
    name: str
    text: str = ""
    ids: set[Any] = field(default_factory=set[Any])
    numbers: set[Any] = field(default_factory=set[Any])


def _in_form(event: dict[str, Any], *, strict: bool) -> bool:
    choices: Any = event.get("choices") or []
    deltas: list[Any] = [choice.get("delta") or {} for choice in choices]
    lists: list[list[Any]] = [delta.get("tool_calls") or [] for delta in deltas]
    entries = [entry for each in lists for entry in each]
    return (
        all(isinstance(entry.get("function"), dict) for entry in entries)
        and all(d.get("role") in (None, "assistant", *([] if strict else [""])) for d in deltas)
        and not (strict and any(isinstance(delta.get("content"), list) for delta in deltas))
        and not (strict and any(entry.get("index") is None for entry in entries))
    )


def _tracked(
    calls: list[_Tracked], entry: dict[str, Any], name: str, *, starts: bool
) -> _Tracked | None:
    """Return the call that an entry belongs to, a new one, or nothing if that is not settled."""
    id, number = entry.get("id"), entry.get("index")
    same = [c for c in calls if number in c.numbers]
    named = [c for c in same if not name or c.name == name]
    known = [c for c in calls if id and id in c.ids]
    if known and number is not None:
        both = [c for c in named if c in known]
        found = both or ([] if name else None if same else known)
        starts = starts and bool(both)
    elif known:
        found = [c for c in known if not name or c.name == name]
    elif id:
        found = [] if starts else named
    elif same:
        found = named
    else:
        found = [] if name else calls
    if found is None:
        return None
    if starts:
        found = [c for c in found if not _objects(c.text)]
    if not found:
        calls.append(_Tracked(name))
        return calls[-1]
    return found[0] if len(found) == 1 else None


def by_id(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Frameworks that tell calls apart by id, and continue the latest without one."""
    grown: dict[str, list[str]] = {}
    latest = ""
    for _, entry in _parts(events, first=False):
        latest = entry.get("id") or latest
        function: Any = entry.get("function") or {}
        call = grown.setdefault(latest, [function.get("name") or "", ""])
        call[1] += function.get("arguments") or ""
    yield from ((name, arguments) for name, arguments in grown.values())


# --- messages ------------------------------------------------------------------------------


def snapshot(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """anthropic-python and anthropic-js: blocks by position; of cut input, the beginning."""
    blocks: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "written": ""})
        elif event["type"] == "content_block_delta" and event["index"] < len(blocks):
            blocks[event["index"]]["written"] += event["delta"].get("partial_json", "")
    for block in blocks:
        if block["type"] == "tool_use" and not block["written"]:
            yield block["name"], block["input"]
        elif block["type"] == "tool_use":
            with suppress(ValueError):
                yield block["name"], from_json(block["written"].encode(), partial_mode=True)


def at_its_stop(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Vercel AI SDK: blocks by number, deltas only, run when a block stops."""
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        at = event.get("index", -1)
        if event["type"] == "content_block_start":
            blocks[at] = {**event["content_block"], "written": ""}
        elif event["type"] == "content_block_delta" and at in blocks:
            blocks[at]["written"] += event["delta"].get("partial_json", "")
        elif event["type"] == "content_block_stop" and blocks.get(at, {}).get("type") == "tool_use":
            yield blocks[at]["name"], blocks[at]["written"]


def of_the_latest(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """LiteLLM: a delta belongs to the block that began last, whatever its number says."""
    calls: list[list[str]] = []
    for event in events:
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            calls.append([event["content_block"]["name"], ""])
        elif event["type"] == "content_block_delta" and calls:
            calls[-1][1] += event["delta"].get("partial_json", "")
    yield from ((name, written) for name, written in calls)


# --- responses -----------------------------------------------------------------------------


def _calls(items: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    yield from ((item["name"], item["arguments"]) for item in items)


def at_the_end(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """openai-python, openai-agents: the answer that the stream ends with."""
    for event in events:
        if event["type"] == "response.completed":
            yield from _calls(event["response"]["output"])


def item_by_item(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Vercel AI SDK: items as they are done."""
    yield from _calls([e["item"] for e in events if e["type"] == "response.output_item.done"])


def by_deltas(key: str) -> Reader:
    """Return a reader that goes by the parts of arguments, and tells calls apart by a key."""

    def read(events: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
        names: dict[Any, str] = {}
        written: dict[Any, str] = {}
        for event in events:
            at = event.get(key)
            if event["type"] == "response.output_item.added":
                at = event["item"]["id"] if key == "item_id" else at
                names[at], written[at] = event["item"]["name"], event["item"]["arguments"]
            elif event["type"] == "response.function_call_arguments.delta" and at in names:
                written[at] += event["delta"]
            elif event["type"] == "response.function_call_arguments.done" and at in names:
                yield names[at], event["arguments"]
        yield from ((names[at], text) for at, text in written.items() if text)

    return read


# --- words ---------------------------------------------------------------------------------


def said_in_chat(events: list[dict[str, Any]]) -> Iterator[str]:
    """Walk over what a client shows that reads the first choice of each event."""
    for event in events:
        choices: Any = event.get("choices") or [{}]
        content = choices[0].get("delta", {}).get("content")
        yield content if isinstance(content, str) else ""


def said_in_messages(events: list[dict[str, Any]]) -> Iterator[str]:
    """Walk over what a client shows that reads every delta of text, and no more."""
    yield from (e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")


SPEAKERS: Mapping[str, Callable[[list[dict[str, Any]]], Iterator[str]]] = {
    "chat/completions": said_in_chat,
    "messages": said_in_messages,
    "responses": lambda events: iter(()),
}
READERS: Mapping[str, tuple[Reader, ...]] = {
    "chat/completions": (
        joining,
        replacing,
        first_of_all(strict=True),
        first_of_all(strict=False),
        by_id,
    ),
    "messages": (snapshot, at_its_stop, of_the_latest),
    "responses": (at_the_end, item_by_item, by_deltas("item_id"), by_deltas("output_index")),
}
SPLITTERS = (by_the_standard, by_lines)
