"""Laws of parsing calls that arrive as text."""

import json
from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import JsonValue

from sidecritic.models.parsing import parse_calls
from sidecritic.types import Assistant, Completion, ToolSpec
from sidecritic.values import parse_object

TOOLS = (ToolSpec(name="refund", parameters={"type": "object"}), ToolSpec(name="look-up_2"))

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
arguments = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
    max_size=4,
)
fragments = st.sampled_from(
    [
        "{",
        "}",
        "{{",
        "}}",
        "[",
        "]",
        "```",
        "```json",
        "<tool_call>",
        "</tool_call>",
        "\n",
        " ",
        ",",
        '"name"',
        ":",
        '"refund"',
        '"arguments"',
        "{}",
        "\\",
        '"',
        "1e999",
        "NaN",
        "\\ud800",
        '{"name": "refund", "arguments": {}}',
    ]
)
jumble = st.lists(fragments | st.text(max_size=5), max_size=30).map("".join)
prose = st.text(st.characters(exclude_characters="{}[]`<>"), max_size=40)

Wrap = Callable[[str], str]
wraps: list[Wrap] = [
    lambda call: call,
    lambda call: call.replace("{", "{{").replace("}", "}}"),
    lambda call: f"{{{call}}}",
    lambda call: f"[{call}]",
    lambda call: f"```json\n{call}\n```",
    lambda call: f"<tool_call>{call}</tool_call>",
    lambda call: f"<function_call>\n{call}\n</function_call>",
]


@given(st.text() | jumble)
def test_no_text_makes_it_fail_and_what_it_finds_can_be_recorded(text: str):
    parsed = parse_calls(text, TOOLS)

    if not parsed.calls:
        assert parsed.text == text
        return
    message = Assistant(text="", calls=parsed.calls)
    completion = Completion(message=message, finish="tool_calls", model="m")
    assert Completion.model_validate_json(completion.model_dump_json()) == completion


@given(jumble.filter(lambda text: "refund" not in text and "look-up_2" not in text))
def test_text_without_the_name_of_a_tool_is_unchanged(text: str):
    assert parse_calls(text, TOOLS) == (text, ())


@given(
    name=st.sampled_from([tool.name for tool in TOOLS]),
    given_arguments=arguments,
    key=st.sampled_from(["arguments", "parameters"]),
    wrap=st.sampled_from(wraps),
    before=prose,
    after=prose,
)
@example("refund", {"": "```"}, "arguments", wraps[4], "", "")
@example("refund", {"": "</tool_call>"}, "arguments", wraps[5], "", "")
def test_a_call_written_in_any_known_way_is_recovered(
    name: str,
    given_arguments: dict[str, JsonValue],
    key: str,
    wrap: Wrap,
    before: str,
    after: str,
):
    written = wrap(json.dumps({"name": name, key: given_arguments}))

    parsed = parse_calls(f"{before}\n{written}\n{after}", TOOLS)

    assert [(c.name, c.arguments) for c in parsed.calls] == [(name, given_arguments)]
    assert parsed.text == "\n".join(p.strip() for p in (before, after) if p.strip())


@given(st.text() | jumble | arguments.map(json.dumps))
def test_an_object_that_is_read_can_be_written_again(text: str):
    value = parse_object(text)

    if value is not None:
        assert parse_object(json.dumps(value, allow_nan=False)) == value


@given(arguments)
def test_every_json_object_is_read(value: dict[str, JsonValue]):
    assert parse_object(json.dumps(value)) == value
