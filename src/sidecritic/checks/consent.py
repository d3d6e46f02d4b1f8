"""Whether the user agreed to a call, and to what exactly."""

import re

from pydantic import JsonValue

from sidecritic.checks.facts import Done, Exchange, Facts, Line
from sidecritic.english.lexicon import intents_of
from sidecritic.english.listings import agrees, ids_in, is_id, words_of
from sidecritic.english.scope import negated
from sidecritic.english.text import mentions
from sidecritic.money import means
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject

_ALL_OF_THEM = re.compile(r"\b(all|both|each) (of )?(them|these|those|my|the)\b")


def consent(facts: Facts, call: ToolCall) -> Exchange | None:
    """Return the latest question that the user agreed to and that may cover the call.

    A listing of one call is used up when that call has run, and it never covers another
    tool; a plan in prose covers everything until it is replaced, but for a second call of the
    tool that has carried it out, with other values than it lists.
    """
    for exchange in reversed(facts.exchanges):
        agreed = exchange.agreed or _asked_for(exchange, call)
        if agreed and not _is_of_another(facts, exchange, call):
            return exchange
    return None


def asks_for(lower: str, tool: str) -> bool:
    """Whether a text, in lower case, has words with which users ask for what a tool does."""
    return any(
        not negated(lower, found.start())
        for intent in intents_of(tool)
        for found in intent.spoken.finditer(lower)
    )


def target_of(call: ToolCall) -> str:
    """Return the first id among the arguments: what the call is about."""
    values = (value for value in (call.arguments or {}).values() if isinstance(value, str))
    return next((value for value in values if is_id(value)), "")


def _asked_for(exchange: Exchange, call: ToolCall) -> bool:
    """Whether a user who has the record before them says "cancel it": consent in effect."""
    question, answer = exchange.question, exchange.answer
    if not asks_for(answer.lower, call.name):
        return False
    if _ALL_OF_THEM.search(answer.lower) and ids_in(question.text):
        return True
    target = target_of(call)
    return bool(target and mentions(question.lower, target))


def _is_of_another(facts: Facts, exchange: Exchange, call: ToolCall) -> bool:
    """Whether what was agreed to is the listing of one other call."""
    question = exchange.question
    if not question.listed or any(len(values) > 1 for values in question.listed.values()):
        return False
    titled = [tool for title, tool in facts.titles.items() if title in question.lower]
    if titled and call.name not in titled:
        return True
    ran = [done for done in facts.writes if done.position > exchange.answer.position]
    if any(_is_listed(done, question) for done in ran):
        return True
    mine = [done for done in ran if done.call.name == call.name]
    return not _agrees(call.arguments or {}, question) and any(
        _agrees(done.arguments, question) for done in mine
    )


def _agrees(arguments: JsonObject, question: Line) -> bool:
    """Whether no argument is another than the one that a message lists."""
    listed = question.listed
    return all(
        _is_same(listed[words_of(key)][0], key, value)
        for key, value in arguments.items()
        if words_of(key) in listed
    )


def _is_listed(done: Done, question: Line) -> bool:
    """Whether an executed call is the one that a message listed, value by value."""
    listed = question.listed
    if words_of(done.call.name) not in question.lower:
        return False
    return all(
        words_of(key) in listed and _is_same(listed[words_of(key)][0], key, value)
        for key, value in done.arguments.items()
    )


def _is_same(listed: str, key: str, value: JsonValue) -> bool:
    return agrees(listed, value) or means(listed, key, value)
