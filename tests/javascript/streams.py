"""Answers that servers are known to give, or could give, though no specification has them.

A case is an answer and what it means, where ids or order settle that for every reader. Of what is
not settled, no reader may run what the critic refused or never saw.

To add a case: a line in `CHAT`, `MESSAGES` or `RESPONSES`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.javascript.deltas import (
    ARGUMENTS,
    DANGER,
    DONE,
    END,
    FIRST,
    LAST,
    LOOK_1,
    LOOK_2,
    LOOKS,
    NAMED,
    OVER,
    QUOTED,
    REFUND,
    ROLE,
    START,
    STOP,
    STREAMED,
    TEXT,
    Calls,
    arguments,
    changed,
    closed,
    delta,
    events,
    item,
    of_type,
    opened,
    part,
    piece,
    plain,
    reason,
    said,
    spoken,
    streamed,
    told,
    used,
    within_message,
    without,
    written,
)
from tests.wire import Reply, messages, use_block
from tests.wires.streams import response, sse


@dataclass(frozen=True)
class Case:
    reply: Reply
    means: Calls | None = None
    """The calls that it settles on, none if it only speaks; `None` if it settles nothing."""
    says: str = ""
    stream: bool = True


def body(reply: Reply, means: Calls | None = None) -> Case:
    return Case(reply, means, stream=False)


# --- chat completions --------------------------------------------------------------------

GOOD = arguments(FIRST, LAST)
HELLO = streamed(said("Hel"), said("lo"), end=STOP)
UNREADABLE: Mapping[str, str] = {
    "cut": FIRST,
    "doubled": TEXT + TEXT,
    "with words after them": TEXT + " done",
    "with a brace after them": TEXT + "}",
    "with a number that is none": '{"sum": 900, "rate": NaN}',
    "with a control character": '{"sum": 900, "why": "a\nb"}',
    "with a key twice": '{"sum": 1, "sum": 900}',
    "with a comma too much": '{"sum": 900,}',
    "within a fence": f"```json\n{TEXT}\n```",
    "as a list": f"[{TEXT}]",
    "as a text of a text": json.dumps(TEXT),
    "deep": '{"sum": 900, "a": ' + "[" * 300 + "]" * 300 + "}",
}
"""Arguments that are not one JSON object to every reader."""

CHAT: dict[str, Case] = {
    "as it should be": Case(GOOD, REFUND),
    "words": Case(HELLO, [], "Hello"),
    # names
    "the name in every delta": Case(
        streamed(part("", "refund", id="k1"), part(FIRST, "refund"), part(LAST, "refund")),
        REFUND,
    ),
    "the name again with the id": Case(
        streamed(NAMED, part(FIRST, "refund", id="k1"), part(LAST, "refund", id="k1")),
        REFUND,
    ),
    "an empty name later": Case(streamed(NAMED, part(FIRST, ""), part(LAST, "")), REFUND),
    "no name later": Case(streamed(NAMED, part(FIRST, ...), part(LAST, ...)), REFUND),
    "another name later": Case(streamed(part("", "look", id="k1"), part(TEXT, "refund"))),
    "a harmless name later": Case(streamed(NAMED, part(TEXT, "look"))),
    "a name in two pieces": Case(streamed(part("", "ref", id="k1"), part(TEXT, "und"))),
    "a name after the arguments": Case(streamed(part(TEXT, id="k1"), part("", "refund"))),
    # which call a delta is of
    "calls at index 0, each with an id": Case(
        streamed(part(LOOK_1, "look", id="k1"), part(LOOK_2, "look", id="k2")), LOOKS
    ),
    "calls at index 0 in pieces": Case(
        streamed(
            part(LOOK_1[:4], "look", id="k1"),
            part(LOOK_1[4:], id="k1"),
            part(LOOK_2[:4], "look", id="k2"),
            part(LOOK_2[4:], id="k2"),
        ),
        LOOKS,
    ),
    "other calls at index 0": Case(
        streamed(part(LOOK_1, "look", id="k1"), part(TEXT, "refund", id="k2"))
    ),
    "a call without index": Case(streamed(part(TEXT, "refund", None, "k1")), REFUND),
    "calls without index": Case(
        streamed(part(LOOK_1, "look", None, "k1"), part(LOOK_2, "look", None, "k2")),
        LOOKS,
    ),
    "a call without id": Case(streamed(part("", "refund"), part(TEXT)), REFUND),
    "an id that changes": Case(streamed(NAMED, part(FIRST, id="k2"), part(LAST, id="k3"))),
    "an index of text": Case(streamed(part("", "refund", "0", "k1"), part(TEXT, None, "0"))),
    "an index from 1": Case(streamed(part("", "refund", 1, "k1"), part(TEXT, None, 1)), REFUND),
    "a gap of indices": Case(
        streamed(part(LOOK_1, "look", 0, "k1"), part(LOOK_2, "look", 5, "k2")), LOOKS
    ),
    "calls whose pieces alternate": Case(
        streamed(
            part("", "look", 0, "k1"),
            part("", "look", 1, "k2"),
            part(LOOK_1[:4]),
            part(LOOK_2[:4], None, 1),
            part(LOOK_1[4:]),
            part(LOOK_2[4:], None, 1),
        ),
        LOOKS,
    ),
    "the later call first": Case(
        streamed(part(LOOK_2, "look", 1, "k2"), part(LOOK_1, "look", 0, "k1"))
    ),
    # arguments
    **{f"arguments {how}": Case(arguments(text)) for how, text in UNREADABLE.items()},
    **{f"a body: arguments {how}": body(plain(text)) for how, text in UNREADABLE.items()},
    "arguments said again at the end": Case(arguments(FIRST, LAST, TEXT)),
    "words after arguments in a delta of their own": Case(arguments(TEXT, " done")),
    "blanks after arguments": Case(arguments(FIRST, LAST, " \n"), REFUND),
    "arguments that are an object": Case(streamed(NAMED, part(DANGER))),
    "a body: arguments that are an object": body(plain(DANGER)),
    "no arguments": Case(streamed(part(..., "refund", id="k1"))),
    "empty arguments": Case(streamed(NAMED)),
    "a lone surrogate": Case(arguments('{"sum": 900, "why": "\\ud800"}')),
    # ends
    "no finish reason": Case(streamed(NAMED, part(TEXT), end=None), REFUND),
    "words without finish reason": Case(streamed(said("Hello"), end=None), [], "Hello"),
    "a call that ends with stop": Case(streamed(NAMED, part(TEXT), end=STOP), REFUND),
    "no [DONE]": Case(streamed(NAMED, part(TEXT), done=False), REFUND),
    "neither finish reason nor [DONE]": Case(streamed(NAMED, part(TEXT), end=None, done=False)),
    "the end twice": Case(streamed(NAMED, part(TEXT), END), REFUND),
    "a call after the end": Case(streamed(said("Hello"), STOP, NAMED, part(TEXT), end=None)),
    "a call that goes on after the end": Case(streamed(NAMED, END, part(TEXT), end=None)),
    # content
    "content in a list": Case(
        streamed(
            said([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]),
            said("Hello"),
            end=STOP,
        ),
        [],
        "Hello",
    ),
    "a call within another choice": Case(
        streamed(
            said("Hello"),
            delta(NAMED["choices"][0]["delta"], index=1),
            delta(part(TEXT)["choices"][0]["delta"], index=1),
        )
    ),
    "words of two choices in turns": Case(
        streamed(*(delta({"content": "Hm"}, index=at) for at in (0, 1, 0, 1)), end=STOP)
    ),
    "an empty role": Case(
        streamed(NAMED, delta({**part(TEXT)["choices"][0]["delta"], "role": ""})), REFUND
    ),
    "a call in a message": Case(within_message(TEXT)),
    "a chunk without choices": Case(streamed({**ROLE, "choices": []}, NAMED, part(TEXT)), REFUND),
    # events
    "a wrong content type": Case(of_type(GOOD, "text/plain"), REFUND),
    "a byte order mark": Case(replace(GOOD, body=b"\xef\xbb\xbf" + GOOD.body), REFUND),
    "lines that end with CR LF": Case(written(GOOD, "\n", "\r\n"), REFUND),
    "no blank after data": Case(written(GOOD, "data: ", "data:"), REFUND),
    "comments between events": Case(written(GOOD, "data: ", ": ping\n\ndata: "), REFUND),
    "numbers of events": Case(written(GOOD, "data: ", "id: 1\ndata: "), REFUND),
    "pings without data": Case(written(GOOD, "data: ", "event: ping\n\ndata: "), REFUND),
    "names of events": Case(written(GOOD, "data: ", "event: chunk\ndata: "), REFUND),
    "no blank line at the end": Case(replace(GOOD, body=GOOD.body.rstrip(b"\n")), REFUND),
}

# --- messages ----------------------------------------------------------------------------

MESSAGES: dict[str, Case] = {
    "as it should be": Case(told(*used(FIRST, LAST)), REFUND),
    **{
        f"input {how}": Case(
            told(*used(text)),
        )
        for how, text in UNREADABLE.items()
    },
    "input said again at the end": Case(told(*used(FIRST, LAST, TEXT))),
    "words after input in a delta of their own": Case(told(*used(TEXT, " x"))),
    "input at the start": Case(told(opened(given=DANGER), closed()), REFUND),
    "input at the start and again": Case(told(opened(given=DANGER), piece(TEXT), closed()), REFUND),
    "other input at the start": Case(told(opened(given={"sum": 1}), piece(TEXT), closed())),
    "an empty text at the start": Case(told(opened(given=""), piece(TEXT), closed()), REFUND),
    "an empty text and no more": Case(told(opened("look", given=""), closed()), [("look", {})]),
    "a body: input that is an empty text": body(messages(use_block("look", ""), stop="tool_use")),
    "a body: input that is a text": body(messages(use_block("refund", TEXT), stop="tool_use")),
    "no event lines": Case(told(*used(FIRST, LAST), named=False), REFUND),
    "words without event lines": Case(
        told(*spoken("Hello"), end=[reason("end_turn"), OVER], named=False),
        [],
        "Hello",
    ),
    "a gap of numbers": Case(
        told(*spoken("Hello"), opened(index=2), piece(TEXT, 2), closed(2)),
        REFUND,
        "Hello",
    ),
    "blocks whose pieces alternate": Case(
        told(
            opened("look"),
            opened("look", 1, id="t2"),
            piece(LOOK_1),
            piece(LOOK_2, 1),
            closed(),
            closed(1),
        ),
        LOOKS,
    ),
    "the message starts twice": Case(told(START, *used(TEXT)), REFUND),
    "a block starts twice": Case(told(opened(), opened(), piece(TEXT), closed()), REFUND),
    "another block at the same number": Case(
        told(opened("look"), opened(id="t2"), piece(TEXT), closed())
    ),
    "a delta that is a list": Case(
        told(
            opened(),
            {**piece(""), "delta": {"type": "input_json_delta", "partial_json": [TEXT]}},
            closed(),
        )
    ),
    "a delta before its block": Case(told(piece(FIRST), opened(), piece(LAST), closed())),
    "a delta after its block": Case(told(opened(), piece(FIRST), closed(), piece(LAST))),
    "a block without end": Case(told(opened(), piece(TEXT))),
    "no end of the message": Case(told(*used(TEXT), end=[reason("tool_use")])),
    "no reason": Case(told(*used(TEXT), end=[OVER])),
    "a call that ends the turn": Case(told(*used(TEXT), end=[reason("end_turn"), OVER])),
    "a call after the end": Case(told(*spoken("Hello"), reason("end_turn"), OVER, *used(TEXT))),
    "pings without data": Case(
        written(
            told(*used(TEXT)),
            "event: content_block_stop",
            "event: ping\ndata: {}\n\nevent: content_block_stop",
        ),
        REFUND,
    ),
}

# --- responses ---------------------------------------------------------------------------

RESPONSES: dict[str, Case] = {
    "as it should be": Case(STREAMED, REFUND),
    **{
        f"arguments {how}": Case(written(STREAMED, QUOTED, json.dumps(text)[1:-1]))
        for how, text in UNREADABLE.items()
    },
    "a body: arguments cut": body(response(item(arguments=FIRST))),
    "a body: arguments doubled": body(response(item(arguments=TEXT + TEXT))),
    "no event lines": Case(sse(events(STREAMED)), REFUND),
    "no deltas": Case(without(f"{ARGUMENTS}.delta", f"{ARGUMENTS}.done"), REFUND),
    "no end of arguments": Case(without(f"{ARGUMENTS}.done"), REFUND),
    "no end of the item": Case(without(DONE)),
    "no end": Case(without("response.completed")),
    "an empty answer at the end": Case(
        changed("response.completed", response=json.loads(response().body))
    ),
    "another call at the end": Case(
        changed("response.completed", response=json.loads(response(item(arguments=LOOK_1)).body))
    ),
    "another name at the end of the item": Case(changed(DONE, item=item(name="look"))),
    "other arguments at the end of the item": Case(changed(DONE, item=item(arguments=LOOK_1))),
    "other arguments in the delta": Case(changed(f"{ARGUMENTS}.delta", delta=LOOK_1)),
    "another id at the end of the item": Case(changed(DONE, item=item(id="fc_other"))),
    "the item added twice": Case(
        sse(
            [
                e
                for each in events(STREAMED)
                for e in ([each] * (2 if each["type"].endswith("added") else 1))
            ],
            named=True,
        )
    ),
    "two items of one id": Case(sse([*events(STREAMED)[:-1], *events(STREAMED)[2:]], named=True)),
    "numbers from 1": Case(written(STREAMED, '"output_index": 0', '"output_index": 1')),
}

CASES: dict[str, dict[str, Case]] = {"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES}
