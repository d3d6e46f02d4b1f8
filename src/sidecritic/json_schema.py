"""Arguments against a JSON schema, in bounded time whatever either of them holds.

`jsonschema` does the work. Three things of it are not for text from outside, and are replaced: it
fetches what a `$ref` names, its patterns can take exponential time, and a schema that refers to
itself can be walked without end. A schema that cannot be walked to its end says nothing.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue
from pydantic_core import (
    SchemaError,
    SchemaValidator,
    ValidationError,
    core_schema,
    from_json,
)

from sidecritic.errors import CriticError, SidecriticError, boundary
from sidecritic.values import JsonObject

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MOST_STEPS = 2_000
"""Keywords of a schema that are applied to one call."""
MOST_SCHEMA = 50_000
"""Characters of a schema."""
_MOST_PATTERN = 500
_MOST_READ = 100_000
_MOST_UNIQUE = 200
"""Entries of a list that are compared with each other."""
_MOST_SAID = 160
_SCALARS = ("integer", "number", "boolean")
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?")
_ROUNDING = 1e-9
_FORMATS = ("date", "email", "ipv4", "ipv6", "uuid")

_steps: ContextVar[int] = ContextVar("steps", default=0)

Keyword = Callable[..., "Iterator[Any] | None"]


def broken(schema: Mapping[str, JsonValue], arguments: JsonObject) -> str:
    """Return in words what of the arguments breaks a schema; empty where nothing does."""
    text = json.dumps(schema)
    if len(text) > MOST_SCHEMA:
        return ""
    _steps.set(0)
    try:
        with boundary(CriticError, "the schema of a tool"):
            return _first(_validator(text), arguments)
    except SidecriticError:
        return ""


def _first(validator: "Validator", arguments: JsonObject) -> str:
    from jsonschema import exceptions

    error = cast(Any, exceptions).best_match(validator.iter_errors(arguments))
    if error is None:
        return ""
    where = ".".join(str(part) for part in error.absolute_path)
    message = str(error.message)
    said = message if len(message) <= _MOST_SAID else f"{message[:_MOST_SAID]}…"
    return f"{where}: {said}" if where else said


@lru_cache(maxsize=512)
def _validator(text: str) -> "Validator":
    from referencing import Registry

    made, formats = _kind()
    # A registry of its own: the default one fetches what a schema refers to.
    return made(json.loads(text), registry=cast(Any, Registry)(), format_checker=formats)


@lru_cache(maxsize=1)
def _kind() -> tuple[Any, Any]:
    # The import takes a tenth of a second: only who has a schema to judge by pays it.
    from jsonschema import Draft202012Validator, FormatChecker, validators

    rules: dict[str, Any] = dict(Draft202012Validator.VALIDATORS)
    rules |= {"pattern": _pattern, "patternProperties": _no_rule, "uniqueItems": _unique(rules)}
    rules |= {"type": _type(rules), "enum": _enum, "multipleOf": _multiple}
    # What servers read leniently may fit several alternatives.
    rules |= {"oneOf": rules["anyOf"], "properties": _properties(rules)}
    counted = {name: _counted(rule) for name, rule in rules.items()}
    formats = FormatChecker(formats=_FORMATS)
    formats.checks("date-time", raises=ValueError)(_is_moment)
    return cast(Any, validators).extend(Draft202012Validator, counted), formats


def _counted(rule: Keyword) -> Keyword:
    def apply(*of: Any) -> Iterator[Any]:
        _steps.set(_steps.get() + 1)
        if _steps.get() > MOST_STEPS:
            raise ValueError("the schema takes too many steps")
        yield from rule(*of) or ()

    return apply


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError as Broken

    if isinstance(instance, str) and isinstance(pattern, str) and not _fits(pattern, instance):
        yield Broken(f"it does not match {pattern!r}")


def _fits(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text, in linear time; so is one that cannot be read."""
    compiled = _compiled(pattern)
    if compiled is None:
        return True
    try:
        compiled.validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> SchemaValidator | None:
    if len(pattern) > _MOST_PATTERN:
        return None
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def _no_rule(*_: Any) -> None:
    return None


def _unique(rules: Mapping[str, Keyword]) -> Keyword:
    rule = rules["uniqueItems"]

    def apply(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, list) and len(cast(list[object], instance)) <= _MOST_UNIQUE:
            yield from rule(validator, wanted, instance, schema) or ()

    return apply


def _type(rules: Mapping[str, Keyword]) -> Keyword:
    rule = rules["type"]

    def apply(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        is_open = instance is None and schema.get("nullable") is True
        if not (is_open or _reads_as(instance, wanted)):
            yield from rule(validator, wanted, instance, schema) or ()

    return apply


def _reads_as(instance: Any, wanted: Any) -> bool:
    """Whether servers read a value as what is wanted, though its type is another.

    They read "7" as 7, 7 as "7", and a list or a record that is written as JSON in a text. So do
    agents: that is no mistake of theirs.
    """
    if isinstance(instance, str):
        if wanted in _SCALARS:
            return instance.lower() in ("true", "false") or bool(_NUMBER.fullmatch(instance))
        kind = {"array": list, "object": dict}.get(wanted) if isinstance(wanted, str) else None
        return kind is not None and _is_written(instance.strip(), kind)
    return wanted == "string" and isinstance(instance, int | float)


def _is_written(text: str, kind: type) -> bool:
    """Whether a text is JSON of that kind; a long one is taken for it by how it begins."""
    if len(text) > _MOST_READ:
        return text.startswith("[" if kind is list else "{")
    try:
        return isinstance(from_json(text), kind)
    except ValueError:
        return False


def _enum(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError as Broken

    if instance not in allowed and str(instance).casefold() not in (
        str(each).casefold() for each in allowed
    ):
        yield Broken(f"{instance!r} is not one of {allowed!r}")


def _multiple(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError as Broken

    if isinstance(instance, int | float) and not isinstance(instance, bool):
        # 19.99 is a multiple of 0.01, though not in binary fractions.
        times = instance / step
        if abs(times - round(times)) > _ROUNDING * max(1.0, abs(times)):
            yield Broken(f"{instance!r} is not a multiple of {step}")


def _properties(rules: Mapping[str, Keyword]) -> Keyword:
    rule = rules["properties"]

    def apply(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            needed = schema.get("required") or ()
            # Agents write null for what they leave out.
            given = {
                name: each
                for name, each in wanted.items()
                if name in needed or cast(JsonObject, instance).get(name, each) is not None
            }
            yield from rule(validator, given, instance, schema) or ()

    return apply


def _is_moment(value: object) -> bool:
    # Laxer than RFC 3339: agents leave the offset out, and servers take it.
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))
