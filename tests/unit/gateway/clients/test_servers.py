"""Shapes that servers are known to send are read; what only looks like one of them is not."""

import json
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from sidecritic import supervise
from sidecritic.dialects.base import Rejected, StreamFailed
from sidecritic.dialects.chat import ChatCompletions
from sidecritic.dialects.messages import Messages
from sidecritic.dialects.responses import Responses
from sidecritic.dialects.resuming import Resume
from sidecritic.gateway.store.conversations import Conversations
from sidecritic.types import Assistant, ToolResult
from tests.gateway import approves, gateway, refuses
from tests.wire import Json, Reply, as_json, call, chat, wire_server
from tests.wires.streams import output_text, response_body, response_stream

NAMES = ["chat", "messages", "responses"]
DONE = b"data: [DONE]\n\n"
HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def events(*given: Json, named: bool = False) -> bytes:
    heads = (f"event: {each['type']}\n" if named else "" for each in given)
    return "".join(
        f"{head}data: {json.dumps(each)}\n\n" for head, each in zip(heads, given, strict=True)
    ).encode()


def delta(given: Json, finish: str | None = None) -> Json:
    return {"choices": [{"index": 0, "delta": given, "finish_reason": finish}]}


def part(arguments: object, name: str | None = None, **more: object) -> Json:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return delta({"tool_calls": [{"index": 0, "function": function, **more}]})


END = delta({}, "tool_calls")
NUMBER = delta({"tool_calls": [{"index": 0, "function": {"name": 7}}]})


def calls_of(raw: bytes) -> list[tuple[str, str]]:
    dialect = ChatCompletions()
    (draft,) = dialect.answered(dialect.assembled(raw, {}).answer).drafts
    return [(each.name, each.raw) for each in draft.action.calls]


# --- chat completions ----------------------------------------------------------------------


def test_an_end_that_is_said_twice_is_an_end() -> None:
    assert calls_of(events(part("{}", "look", id="a"), END) + DONE + DONE) == [("look", "{}")]


def test_an_id_that_is_repeated_or_left_empty_is_of_the_same_call() -> None:
    more = (part('{"a": ', "look", id="c1"), part("1", id="c1"), part("}", id=""), END)
    assert calls_of(events(*more)) == [("look", '{"a": 1}')]


def test_calls_under_one_number_are_told_apart_by_their_ids() -> None:
    two = (part('{"sum": 900}', "refund", id="a"), part('{"sum": 1}', "look", id="b"), END)
    assert calls_of(events(*two)) == [("refund", '{"sum": 900}'), ("look", '{"sum": 1}')]


def test_a_new_id_with_each_piece_begins_no_call() -> None:
    more = (part('{"a": ', "look", id="c1"), part("1", id="c2"), part("}", id="c3"), END)
    assert calls_of(events(*more)) == [("look", '{"a": 1}')]


@pytest.mark.parametrize("name", ["look", "refund"])
def test_calls_without_ids_under_one_number_end_where_their_arguments_do(name: str) -> None:
    two = (part('{"sum": ', "refund"), part("900}"), part('{"sum": 1}', name, id=""), END)
    assert calls_of(events(*two)) == [("refund", '{"sum": 900}'), (name, '{"sum": 1}')]


def test_an_id_without_a_name_under_a_number_that_is_taken_does_not_leave() -> None:
    two = (part('{"sum": 900}', "refund", id="a"), part('{"sum": 1}', id="b"), END)
    with pytest.raises(StreamFailed, match="one number"):
        calls_of(events(*two))


@pytest.mark.parametrize(
    "mixed",
    [
        (part('{"sum": 900}', "refund", id="a"), part({"sum": 1}), END),
        (part("{}", "refund", id="a"), NUMBER, END),
    ],
    ids=["arguments", "name"],
)
def test_a_delta_of_another_type_does_not_leave(mixed: tuple[Json, ...]) -> None:
    with pytest.raises(StreamFailed, match="another type"):
        calls_of(events(*mixed))


def test_a_whole_call_without_number_and_id_is_read() -> None:
    whole = {"function": {"name": "look", "arguments": "{}"}, "id": "", "type": "function"}
    assert calls_of(events(delta({"tool_calls": [whole]}), END)) == [("look", "{}")]


@pytest.mark.parametrize(
    "field",
    [
        {"provider_specific_fields": {"refusal": None}},
        {"extra_content": {"google": {"thought_signature": "c2ln"}}},
        {"channel": "final"},
    ],
)
def test_notes_of_known_servers_are_no_unknown_shape(field: Json) -> None:
    answer = json.loads(chat("Hi").body)
    answer["choices"][0]["message"] |= field
    assert ChatCompletions().answered(answer).unknown == ()


@pytest.mark.parametrize(
    "field",
    [
        {"provider_specific_fields": {"refusal": "evil"}},
        {"extra_content": {"google": {"thought_signature": "c2ln", "text": "evil"}}},
        {"channel": "evil"},
    ],
)
def test_what_says_something_in_their_place_is_one(field: Json) -> None:
    answer = json.loads(chat("Hi").body)
    answer["choices"][0]["message"] |= field
    assert ChatCompletions().answered(answer).unknown


@pytest.mark.parametrize(
    "call",
    [
        {"type": "custom", "custom": {"name": "look"}, "function": {"name": "refund"}},
        {"type": "custom", "function": {"name": "refund", "arguments": "{}"}},
    ],
)
def test_a_call_of_two_kinds_is_an_unknown_shape(call: Json) -> None:
    answer = json.loads(chat(None, calls=[{"id": "c", **call}]).body)
    assert ChatCompletions().answered(answer).unknown == ("tool call of two kinds",)


# --- Responses -----------------------------------------------------------------------------


def responses_events(*items: Json, content: int, number: bool, id: bool) -> bytes:
    """Return a stream whose server numbers items and parts in its own way."""
    given: list[Json] = [{"type": "response.created", "response": response_body()}]
    for at, item in enumerate(items):
        where: Json = {"output_index": at} if number else {}
        name = {"item_id": item["id"]} if id else {}
        begun: Json = (
            {**item, "content": []} if item["type"] == "message" else {**item, "arguments": ""}
        )
        given.append({"type": "response.output_item.added", **where, "item": begun})
        if item["type"] == "message":
            text = item["content"][0]["text"]
            spot = {**where, **name, "content_index": content}
            given.append({"type": "response.output_text.delta", **spot, "delta": text})
            given.append({"type": "response.output_text.done", **spot, "text": text})
        else:
            said = item["arguments"]
            kind = "response.function_call_arguments"
            given.append({"type": f"{kind}.delta", **where, **name, "delta": said})
            given.append({"type": f"{kind}.done", **where, **name, "arguments": said})
        given.append({"type": "response.output_item.done", **where, "item": item})
    given.append({"type": "response.completed", "response": response_body(*items)})
    return events(*given, named=True)


def function(name: str, sum: int, at: int) -> Json:
    arguments = json.dumps({"sum": sum})
    ids = {"id": f"fc_{at}", "call_id": f"c{at}"}
    return {"type": "function_call", **ids, "name": name, "arguments": arguments}


ITEMS = (output_text("Both."), function("refund", 1, 1), function("look", 2, 2))


@pytest.mark.parametrize(
    "how",
    [
        {"content": 0, "number": True, "id": True},
        {"content": 1, "number": True, "id": True},
        {"content": 0, "number": False, "id": True},
        {"content": 0, "number": True, "id": False},
    ],
    ids=["as documented", "parts numbered on", "items without numbers", "deltas without ids"],
)
def test_however_a_server_numbers_its_items_they_are_read(how: Any) -> None:
    dialect = Responses()
    (draft,) = dialect.answered(
        dialect.assembled(responses_events(*ITEMS, **how), {}).answer
    ).drafts
    assert draft.action.text == "Both."
    assert [(c.name, c.raw) for c in draft.action.calls] == [
        ("refund", '{"sum": 1}'),
        ("look", '{"sum": 2}'),
    ]


@pytest.mark.parametrize("number", [True, False])
def test_arguments_that_change_places_between_calls_do_not_leave_so(number: bool) -> None:
    raw = responses_events(*ITEMS, content=0, number=number, id=True)
    one, two = (json.dumps({"delta": json.dumps({"sum": n})})[1:-1].encode() for n in (1, 2))
    swapped = raw.replace(one, b"X").replace(two, one).replace(b"X", two)
    assert swapped != raw
    assert not Responses().assembled(swapped, {}).is_plain


@pytest.mark.parametrize(
    ("said", "item"), [('{"force": 1}', '{"force": true}'), ('{"a": 9, "a": 1}', '{"a": 1}')]
)
def test_arguments_that_only_some_take_for_the_same_do_not_leave_so(said: str, item: str) -> None:
    whole = {**function("refund", 1, 1), "arguments": item}
    raw = responses_events(whole, content=0, number=True, id=True)
    changed = raw.replace(
        json.dumps({"delta": item})[1:-1].encode(), json.dumps({"delta": said})[1:-1].encode()
    )
    assert changed != raw
    assert not Responses().assembled(changed, {}).is_plain


def refused(kind: str, **fields: object) -> list[Json]:
    draft: list[Any] = [{"type": "reasoning", "id": "r"}, {"type": kind, "call_id": "c1", **fields}]
    action = Responses().answered({"output": draft}).drafts[0].action
    answers = tuple(ToolResult(call_id=c.id, name=c.name, text="Not that.") for c in action.calls)
    body: Any = Responses().again({"input": "Hi"}, [Rejected(draft, action, answers)])
    return body["input"][1:]


def test_refusals_of_every_kind_of_call_are_what_the_provider_expects() -> None:
    shell = refused("shell_call", action={"commands": ["rm"]})[-1]
    assert shell["output"][0]["stderr"] == "Not that."
    assert shell["output"][0]["outcome"] == {"type": "exit", "exit_code": 1}
    local = refused("local_shell_call", action={"command": ["rm"]})[-1]
    assert local == {"type": "local_shell_call_output", "id": "c1", "output": "Not that."}
    patch = refused("apply_patch_call", operation={"type": "delete_file"})[-1]
    assert (patch["status"], patch["output"]) == ("failed", "Not that.")
    (click,) = refused("computer_call", action={"type": "click"})
    assert click == {"role": "user", "content": "Not that."}


# --- what a supervisor's answer keeps of the provider's -------------------------------------


@pytest.mark.parametrize("dialect", [ChatCompletions(), Messages(), Responses()], ids=NAMES)
def test_an_answer_of_the_supervisors_holds_no_field_that_nobody_knows(dialect: Any) -> None:
    answer: Json = {
        "id": "a",
        "model": "m",
        "choices": [],
        "output_text": "the refused draft",
        "__verbose": {"content": "the refused draft"},
        "stop_details": "the refused draft",
    }
    written = dialect.rewritten(answer, [Assistant(text="No.")], {})
    assert written["model"] == "m"
    assert "the refused draft" not in json.dumps(written)


def test_a_fallback_shows_nothing_of_the_draft_in_any_field() -> None:
    body = json.loads(chat(None, calls=[call("delete", {})]).body)
    verbose = as_json({**body, "__verbose": {"prompt": "delete everything"}})
    with (
        wire_server(verbose) as upstream,
        gateway(upstream.root, critic=refuses("delete")) as door,
        httpx2.Client(trust_env=False, timeout=20) as client,
    ):
        answer = client.post(f"{door.root}/v1/chat/completions", json=HI)
    assert answer.headers["x-sidecritic"] == "fallback"
    assert "delete" not in answer.text


# --- words beside the answer -----------------------------------------------------------------


def test_a_whole_message_beside_each_delta_is_left_out() -> None:
    said: Json = {**delta({"content": "Hi"}, "stop")["choices"][0], "message": {"content": "No."}}
    whole = ChatCompletions().assembled(events({"choices": [said]}), {})
    assert ("Hi" in json.dumps(whole.answer), "No." in json.dumps(whole.answer)) == (True, False)
    assert not whole.is_plain


@pytest.mark.parametrize("kind", ["audio.transcript.delta", "mcp_call_arguments.delta", "other"])
def test_an_event_of_no_item_makes_a_stream_be_written_anew(kind: str) -> None:
    plain = response_stream(output_text("Hi.")).body
    extra = {"type": f"response.{kind}", "delta": "evil", "output_index": 0}
    begun, end = plain.split(b"event: response.completed")
    mixed = begun + events(extra, named=True) + b"event: response.completed" + end
    assert Responses().assembled(plain, {}).is_plain
    assert not Responses().assembled(mixed, {}).is_plain


def test_an_event_that_no_message_has_makes_it_be_written_anew() -> None:
    answer: Json = {"id": "m", "role": "assistant", "content": [{"type": "text", "text": "Hi."}]}
    plain = Messages().streamed(answer, {})
    begun, stop = plain.split(b"event: message_delta")
    extra = events({"type": "completion", "completion": "evil"}, named=True)
    assert Messages().assembled(plain, {}).is_plain
    mixed = begun + extra + b"event: message_delta" + stop
    assert not Messages().assembled(mixed, {}).is_plain


def test_words_that_no_item_says_are_an_unknown_shape() -> None:
    answer = Responses().answered
    assert not answer({"output": [output_text("Hi you.")], "output_text": "Hi you."}).unknown
    assert answer({"output": [output_text("Hi you.")], "output_text": "evil"}).unknown


def test_a_call_without_a_name_does_not_leave() -> None:
    nameless = call("delete", {}) | {"function": {"arguments": "{}"}}
    with (
        wire_server(chat(None, calls=[nameless])) as upstream,
        gateway(upstream.root, critic=approves()) as door,
        httpx2.Client(trust_env=False, timeout=20) as client,
    ):
        answer = client.post(f"{door.root}/v1/chat/completions", json=HI)
    assert (answer.status_code, "without a name" in answer.text) == (403, True)


# --- why, and how much ---------------------------------------------------------------------


def test_why_a_stream_was_not_read_is_said_and_recorded() -> None:
    bad = Reply(events(part("{}", "a", id="1"), part("{}", id="2"), END), 200, SSE)
    with (
        wire_server(bad) as upstream,
        gateway(upstream.root, critic=approves()) as strict,
        gateway(upstream.root, critic=approves(), mode="shadow") as shadow,
        httpx2.Client(trust_env=False, timeout=20) as client,
    ):
        answer = client.post(f"{strict.root}/v1/chat/completions", json={**HI, "stream": True})
        assert (answer.status_code, "one number" in answer.text) == (403, True)
        client.post(f"{shadow.root}/v1/chat/completions", json={**HI, "stream": True})
        (row,) = shadow.settled()
    assert row["status"] == "unread"
    assert "one number" in row["category"]


SSE = {"content-type": "text/event-stream"}


async def test_what_is_kept_to_go_on_from_is_bounded_by_its_bytes() -> None:
    turns = Conversations()
    for number in range(40):
        picture: Json = {"input": [{"type": "input_image", "image_url": "x" * 2**20}]}
        resume = Resume.of(picture, Assistant(text="No."), 2**20)
        await turns.remember("shop", f"resp_{number}", Responses().asked({}), resume)
    found = [await turns.find("shop", f"resp_{n}") for n in range(40)]
    assert sum(each is not None for each in found) == 16


def test_a_hook_that_reads_an_answer_leaves_it_readable() -> None:
    def reads(response: httpx2.Response) -> None:
        response.read()

    own = httpx2.Client(event_hooks={"response": [reads]}, trust_env=False)
    with wire_server([chat("never"), chat("Yes.")]) as upstream:
        plain = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0, http_client=own)
        with supervise(plain, critic=refuses("never"), gate="all") as client:
            got = client.chat.completions.create(model="m", messages=HI["messages"])
    assert got.choices[0].message.content == "Yes."
