"""Which mistakes a simulated actor makes, and with which wrong values.

Whether a step carries a fault is drawn when the plan is made; the wrong value is drawn
when the step is reached, because it comes from what the conversation has shown so far.
Both depend on nothing but the seed, the task and that conversation.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from pydantic import Field, JsonValue

from sidecritic.english.listings import words_of
from sidecritic.simulation.benchmark_rules import forbidden
from sidecritic.simulation.benchmark_words import (
    CHOICE_KEYS,
    OPPOSITES,
    OTHER_KEYS,
    PAYMENT_KEYS,
    WISHES_FOR,
)
from sidecritic.simulation.evidence import Seen, filled
from sidecritic.simulation.prose import make
from sidecritic.simulation.task_record import Action, Arguments, is_write
from sidecritic.types import Record, ToolSpec
from sidecritic.values import texts_in

FaultKind = Literal[
    "wrong_argument",
    "wrong_item",
    "wrong_payment",
    "missing_confirmation",
    "premature_transfer",
    "extra_write",
    "omitted_write",
    "false_statement",
    "forbidden_write",
]

UNINVITED = frozenset({"extra_write", "forbidden_write"})
"""Writes that are not part of the reference."""

_USUAL = 0.35
"""The number that stands for the default rates."""


class FaultRates(Record):
    """Probability of each fault, at each of its opportunities."""

    wrong_argument: float = Field(default=0.12, ge=0, le=1)
    """Per write: another order, reservation, address or number."""
    wrong_item: float = Field(default=0.16, ge=0, le=1)
    """Per write that names items, flights or a cabin."""
    wrong_payment: float = Field(default=0.14, ge=0, le=1)
    """Per write that names a payment method."""
    missing_confirmation: float = Field(default=0.08, ge=0, le=1)
    """Per write."""
    omitted_write: float = Field(default=0.08, ge=0, le=1)
    """Per write."""
    premature_transfer: float = Field(default=0.07, ge=0, le=1)
    """Per episode."""
    extra_write: float = Field(default=0.10, ge=0, le=1)
    """Per episode that has something to write."""
    false_statement: float = Field(default=0.08, ge=0, le=1)
    """Per episode, in its closing message."""
    forbidden_write: float = Field(default=0.35, ge=0, le=1)
    """Per episode whose reference writes nothing, where a policy forbids something."""

    @classmethod
    def of(cls, rates: "FaultRates | float") -> "FaultRates":
        """Return rates; a number scales them all, and 0.35 leaves them as they are.

        They are set so that about that share of the τ² retail and airline test episodes
        fails when nobody supervises and the user confirms every plan.
        """
        if isinstance(rates, FaultRates):
            return rates
        factor = rates / _USUAL
        return cls(**{kind: min(1.0, rate * factor) for kind, rate in cls()})


@dataclass(frozen=True, slots=True)
class Flaw:
    """A fault that a step is to carry."""

    kind: FaultKind
    announced: bool = False
    """Whether it shows when the write is announced, or only in the call itself."""


# --- drawing ------------------------------------------------------------------------------

_KEYS: Mapping[FaultKind, str] = {
    "wrong_payment": PAYMENT_KEYS,
    "wrong_item": CHOICE_KEYS,
    "wrong_argument": OTHER_KEYS,
}


def keys_for(kind: FaultKind, arguments: Arguments) -> tuple[str, ...]:
    """Return the names of arguments that a fault of this kind can change."""
    return tuple(k for k in arguments if kind in _KEYS and re.search(_KEYS[kind], k))


def drawn_for_write(action: Action, rates: FaultRates, rng: Random) -> Flaw | None:
    """Draw at most one fault for a reference write."""
    ticket, announced = rng.random(), rng.random() < 0.5
    kinds: tuple[FaultKind, ...] = (
        *(kind for kind in _KEYS if keys_for(kind, action.arguments)),
        "missing_confirmation",
        "omitted_write",
    )
    for kind in kinds:
        ticket -= getattr(rates, kind)
        if ticket < 0:
            return Flaw(kind, announced=announced)
    return None


# --- wrong values -------------------------------------------------------------------------


def mistaken(
    flaw: Flaw, arguments: Arguments, evidence: Seen, rng: Random
) -> dict[str, JsonValue] | None:
    """Return the arguments with one value wrong; `None` when there is nothing to confuse.

    Siblings of the right value in a tool result are preferred to invented values.
    """
    keys = list(keys_for(flaw.kind, arguments))
    rng.shuffle(keys)
    # A write names the old items and the new ones: confusing the new ones is what happens.
    keys.sort(key=lambda key: not key.startswith("new_"))
    taken = {str(v) for v in texts_in(dict(arguments))}
    for invent in (False, True):
        for key in keys:
            wrong = _altered(arguments[key], evidence, taken, rng=rng, invent=invent)
            if wrong is not None:
                return {**arguments, key: wrong}
    return None


def _altered(
    value: JsonValue, evidence: Seen, taken: set[str], *, rng: Random, invent: bool
) -> JsonValue:
    """Return the value with one leaf replaced; `None` when no replacement is at hand."""
    match value:
        case [*entries] if entries:
            at = rng.randrange(len(entries))
            inner = _altered(entries[at], evidence, taken, rng=rng, invent=invent)
            return None if inner is None else [*entries[:at], inner, *entries[at + 1 :]]
        case {**fields}:
            for key, field in fields.items():
                inner = _altered(field, evidence, taken, rng=rng, invent=invent)
                if inner is not None:
                    return {**fields, key: inner}
            return None
        case str():
            others = [o for o in evidence.siblings(value) if o not in taken and _alike(o, value)]
            return rng.choice(others) if others else _invented(value, rng) if invent else None
        case int() | float() if invent:
            return not value if isinstance(value, bool) else value + 1
        case _:
            return None


def _alike(other: str, value: str) -> bool:
    """Whether two texts are of one sort, so that one may be taken for the other."""
    if re.search(r"\d", value):
        return make(other) == make(value) or ("_" in value and "_" in other)
    return " " not in other


def _invented(value: str, rng: Random) -> str | None:
    """Return a text like this one in which one digit, or the choice itself, is another.

    Identifiers are not invented: every tool refuses them, so they change nothing.
    """
    if re.fullmatch(r"#?\w*\d\w*", value) and len(value) > 5:
        return None
    opposites = {**OPPOSITES, **{other: one for one, other in OPPOSITES.items()}}
    return opposites.get(value) or _one_digit_off(value, rng)


def _one_digit_off(value: str, rng: Random) -> str | None:
    places = [m.start() for m in re.finditer(r"[1-9]", value)]
    if not places:
        return None
    at = rng.choice(places)
    digit = str((int(value[at]) % 9) + 1)
    return value[:at] + digit + value[at + 1 :]


def falsified(infos: Sequence[str], rng: Random) -> tuple[str, ...]:
    """Return what the user wants to know with one number, or else one word, wrong."""
    for at, info in enumerate(infos):
        if wrong := _one_digit_off(info, rng):
            return (*infos[:at], wrong, *infos[at + 1 :])
    return tuple(f"not {info}" for info in infos)


# --- writes outside the plan --------------------------------------------------------------


def uninvited(
    kind: FaultKind,
    evidence: Seen,
    tools: Sequence[ToolSpec],
    *,
    wishes: str,
    rng: Random,
) -> Action | None:
    """Return a write that should not happen, filled from the conversation; `None` if none can.

    A forbidden write is, of those that the policy forbids, the one that the user's wishes come
    closest to; an extra one is any that the conversation gives the values for, and that changes
    something.
    """
    if kind == "forbidden_write":
        wished = [a for a in forbidden(evidence, tools, wishes=wishes) if _verbs(a.name, wishes)]
        return max(wished, key=lambda action: _closeness(action.name, wishes), default=None)
    callable_now = [
        Action(tool.name, arguments)
        for tool in sorted(tools, key=lambda tool: tool.name)
        if is_write(tool.name, tools) and (arguments := filled(tool, evidence, wishes)) is not None
    ]
    return _changing(rng.choice(callable_now), evidence, rng) if callable_now else None


def _changing(action: Action, evidence: Seen, rng: Random) -> Action:
    """Return an update that does not only repeat what is on record; others as they are."""
    if not action.name.startswith(("modify", "update", "change")):
        return action
    for kind in ("wrong_payment", "wrong_argument"):
        own = {key: value for key, value in action.arguments.items() if not key.endswith("_id")}
        own = dict(action.arguments) if kind == "wrong_payment" else own
        changed = mistaken(Flaw(kind), own, evidence, rng)
        if changed is not None:
            return Action(action.name, {**action.arguments, **changed})
    return action


def _closeness(name: str, wishes: str) -> float:
    nouns = sum(word in wishes.lower() for word in words_of(name).split())
    return _verbs(name, wishes) + nouns / 10


def _verbs(name: str, wishes: str) -> int:
    signs = (signs for part, signs in WISHES_FOR.items() if part in name)
    return sum(bool(re.search(sign, wishes.lower())) for sign in signs)


def wrong_texts(right: Arguments, wrong: Arguments) -> tuple[str, ...]:
    """Return what feedback would mention: names and values that differ."""
    names = [name for name in wrong if right.get(name) != wrong[name]]
    before = {text for name in names for text in texts_in(right.get(name))}
    after = {text for name in names for text in texts_in(wrong[name])}
    return (*names, *(words_of(name) for name in names), *sorted(before ^ after))
