"""Which text is a tool call, and which only looks like one."""

import json
from time import process_time

import pytest

from sidecritic.models.parsing import parse_calls, split_reasoning
from sidecritic.types import ToolSpec

REFUND = ToolSpec(
    name="refund",
    parameters={"type": "object", "properties": {"order": {}}, "required": ["order"]},
)
PING = ToolSpec(name="ping")
TOOLS = (REFUND, PING)
CALL = '{"name": "refund", "arguments": {"order": "1"}}'


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"  {CALL}\n",
        f"[{CALL}]",
        json.dumps(json.loads(CALL), indent=2),
        CALL.replace("arguments", "parameters"),
        '{"name": "refund", "arguments": "{\\"order\\": \\"1\\"}"}',
        f'{{"type": "function", "function": {CALL}}}',
        CALL.replace("{", "{{").replace("}", "}}"),
        f"{{{CALL}}}",
        f"```json\n{CALL}\n```",
        f"```\n{CALL}\n```",
        f"```json{CALL}```",
        f"```tool_call\n{CALL}",
        f"<tool_call>{CALL}</tool_call>",
        f"<tool_call>\n{CALL}\n",
        f"<function_call>{CALL}</function_call>",
        f"<tool_calls>[{CALL}]</tool_calls>",
        f"<tool_call>\n```json\n{CALL}\n```\n</tool_call>",
    ],
)
def test_a_call_is_recognised_however_it_is_written(text: str):
    parsed = parse_calls(text, TOOLS)

    assert parsed.text == ""
    (call,) = parsed.calls
    assert (call.name, call.arguments) == ("refund", {"order": "1"})
    assert json.loads(call.raw) == call.arguments


@pytest.mark.parametrize(
    "text",
    [
        f"I would send {CALL} to the server.",
        f"{CALL} is what I would send.",
        '{"name": "unknown", "arguments": {}}',
        '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>',
        '{"name": "refund", "price": 3}',
        '{"name": "refund", "arguments": {}}',
        '```json\n{"name": "refund", "arguments": {"ordre": 1}}\n```',
        '{"order": "1"}',
        f'[{CALL}, {{"name": "unknown", "arguments": {{}}}}]',
        '{"name": "refund", "arguments": {"order": NaN}}',
        "{not json",
        "<tool_call>refund the order</tool_call>",
        "```python\nrefund(order=1)\n```",
        "[]",
        "",
    ],
)
def test_text_that_only_looks_like_a_call_stays_as_it_is(text: str):
    assert parse_calls(text, TOOLS) == (text, ())


def test_the_words_around_calls_remain():
    text = (
        f"Two things.\n<tool_call>{CALL}</tool_call>\nand\n"
        '```json\n{"name": "ping", "arguments": {}}\n```\nThat is all.'
    )

    parsed = parse_calls(text, TOOLS)

    assert parsed.text == "Two things.\nand\nThat is all."
    assert [(c.id, c.name) for c in parsed.calls] == [("call_0", "refund"), ("call_1", "ping")]


@pytest.mark.parametrize(
    "text",
    [f"{CALL}\n{CALL}", f"[{CALL}, {CALL}]", f"<tool_call>{CALL};{CALL}</tool_call>"],
)
def test_several_calls_are_all_found(text: str):
    parsed = parse_calls(text, TOOLS)

    assert (parsed.text, len(parsed.calls)) == ("", 2)


def test_a_tagged_call_counts_although_its_arguments_do_not_fit():
    lacking = parse_calls('<tool_call>{"name": "refund", "arguments": {}}</tool_call>', TOOLS)
    shapeless = parse_calls('<tool_call>{"name": "refund", "arguments": [1]}</tool_call>', TOOLS)

    assert lacking.calls[0].arguments == {}
    assert (shapeless.calls[0].arguments, shapeless.calls[0].raw) == (None, "[1]")


def test_unknown_keys_are_kept_for_the_tool_to_refuse():
    text = '{"name": "refund", "arguments": {"order": "1", "colour": "red"}}'

    assert parse_calls(text, TOOLS).calls[0].arguments == {"order": "1", "colour": "red"}


def test_without_tools_nothing_is_a_call():
    assert parse_calls(CALL, ()) == (CALL, ())


@pytest.mark.parametrize(
    ("opening", "unit"),
    [
        ("", "<tool_call>"),
        ("", "```json\n"),
        ("", "{"),
        ("", "{{"),
        ("", "\n["),
        ("", '\n{"a":'),
        ("", "\n```{"),
        ("```\n", '{{"a":{{}}}}'),
        ("<tool_call>", '{{"a":{{}}}}'),
        ("", '<tool_call>{{"a":{{}}}}'),
        ("", "<tool_call>" + '{{"a":{{}}}}' * 40),
    ],
)
def test_hostile_text_costs_little(opening: str, unit: str):
    text = opening + unit * (190_000 // len(unit))
    started = process_time()

    assert parse_calls(text, TOOLS) == (text, ())
    assert process_time() - started < 2


def test_leading_thoughts_are_set_apart():
    assert split_reasoning("<think>\nhm\n</think>\n\nHi") == ("hm", "Hi")
    assert split_reasoning("<think></think>Hi") == (None, "Hi")
    for untouched in ("Hi <think>x</think>", "<think>never closed", "Hi"):
        assert split_reasoning(untouched) == (None, untouched)
