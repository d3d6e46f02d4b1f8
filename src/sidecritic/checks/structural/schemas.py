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
from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from sidecritic.errors import CriticError, SidecriticError, boundary
from sidecritic.values import JsonObject

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MOST_STEPS = 2_000
"""Keywords of a schema that are applied to one call."""
MOST_SCHEMA = 50_000
"""Characters of a schema."""
_MOST_PATTERN = 500
_MOST_UNIQUE = 200
"""Entries of a list that are compared with each other."""
_MOST_SAID = 160
_SCALARS = ("integer", "number", "boolean")
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?")
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
    rules |= {"type": _type(rules)}
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
        # Servers read "7" as 7, and so do agents: that is no mistake of theirs.
        if not (isinstance(instance, str) and wanted in _SCALARS and _reads_as(instance)):
            yield from rule(validator, wanted, instance, schema) or ()

    return apply


def _reads_as(text: str) -> bool:
    """Whether a text is a number or a truth value in quotes."""
    return text.lower() in ("true", "false") or bool(_NUMBER.fullmatch(text))


def _is_moment(value: object) -> bool:
    # Laxer than RFC 3339: agents leave the offset out, and servers take it.
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))
