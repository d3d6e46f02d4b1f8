r"""Foreign text as data: one line of JSON that nothing inside it can end.

A line holds no raw newline, no control or invisible character, no `<` and no bracketed
capitals, because JSON may write each of them as `\uXXXX`. So a text can neither begin a line of
its own, nor close a delimiter, nor spell the special token of a chat template, such as
`<|im_end|>` or `[INST]`, which servers turn into a real end of turn wherever it stands.
"""

import json
import re

from pydantic import JsonValue

_TEMPLATE = re.compile(r"<|\[(?=/?[a-z]{0,4}[A-Z_]{3,24}\])")

_TOKEN = re.compile(
    r"<(?=[|\uff5c]|/?(?:s|bos|eos|pad|unk)>|(?:start|end)_of_)|\[(?=/?[a-z]{0,4}[A-Z_]{3,24}\])"
)
"""The same in prose, which has tags and comparisons of its own."""
_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def quoted(value: JsonValue) -> str:
    """Return the value as one line of JSON; reading it as JSON gives the value back.

    Raises:
        ValueError: it holds NaN or an infinity.
        RecursionError: it is nested too deeply.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escape(c) for c in text)
    return _TEMPLATE.sub(lambda found: _escape(found[0]), text)


def lines_of(text: str) -> list[str]:
    """Return the lines of a prose; what models read as the end of one, or of a turn, is escaped."""
    lines = _BREAK.split(text)
    shown = ("".join(c if c.isprintable() or c == "\t" else _escape(c) for c in s) for s in lines)
    return [_TOKEN.sub(lambda found: _escape(found[0]), line) for line in shown]


def embedded(text: str) -> JsonValue:
    """Return the object or array that the text spells, else the text itself.

    Tool results are mostly JSON; quoting them as text would put a backslash before every
    quotation mark.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        value: JsonValue = json.loads(text, object_pairs_hook=_distinct)
        quoted(value)
    except (ValueError, RecursionError):
        return text
    return value


def _distinct(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Return the object; a repeated key would hide a value from one of its readers."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is repeated")
    return found


def _escape(character: str) -> str:
    # Beyond the first 65,536 characters JSON writes a pair of surrogates.
    return json.dumps(character)[1:-1] if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"
