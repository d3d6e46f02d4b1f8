"""Retail: the variant of a call against the variants that the user's words call for."""

import re

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import CONSENT
from sidecritic.checks.facts import Facts
from sidecritic.checks.sources import shown_at
from sidecritic.english.acts import declines
from sidecritic.english.text import mentions
from sidecritic.packs.retail.clauses import name_of, named_in
from sidecritic.packs.retail.options import namings, plain
from sidecritic.packs.retail.records import (
    SWAPS,
    Swap,
    available,
    describe,
    items,
    options,
    orders,
    swaps,
    variants,
)
from sidecritic.packs.retail.wishes import WantedVariant, wanted_variants
from sidecritic.values import JsonObject, number_of, text_of, texts_of

_FALLBACK = re.compile(
    r"\b(if|unless|otherwise)\b[^.;]{0,60}\b(n't|not|no|un\w+)\b[^.;]{0,40}"
    r"\b(cancel|keep|leave|don'?t|do not|return|nothing)\b"
)
OPTIONS = "Each item can be changed to an available new item of different product option."


@call_check("named option missing", tools=SWAPS, risk=0.65, policy=CONSENT)
def option_missing(case: Case) -> Objection | None:
    """Fire when a wish of the user is not met although an available variant meets all."""
    for want in wanted_variants(case):
        unmet = want.unmet(want.pair.new)
        fitting = want.fitting() if unmet else ()
        if not fitting:
            continue
        best = _closest(want, fitting)
        return Objection(
            f"The user asked: '{_quoted(unmet[0].words)}'. {describe(want.pair.new)} does not meet "
            f"that; {describe(best)} does, and is available. Use it, or ask.",
            evidence=f"{unmet[0].key}: {text_of(best, 'item_id')}",
            risk=_accepted_risk(case, want),
            messages=tuple(dict.fromkeys(wish.position for wish in unmet)),
        )
    return None


@call_check("option spoken of missing", tools=SWAPS, risk=0.4, policy=CONSENT)
def spoken_option(case: Case) -> Objection | None:
    """Fire when the user named an option of a product, and neither side that of the call."""
    agreed = case.agreed
    heard = plain(f"{agreed.question.lower}\n{agreed.answer.lower}") if agreed else ""
    for pair in (pair for pair in swaps(case) if pair.old and pair.new):
        said = [s for s in case.facts.wishes if named_in(s, name_of(pair.old))]
        named = [n for s in said for n in namings(s, pair.product) if not n.negated]
        for key, value in options(pair.new).items():
            mine = {n.value for n in named if n.key == key} - {options(pair.old).get(key, "")}
            if not mine or value in mine or mentions(heard, plain(value)):
                continue
            fitting = [one for one in available(pair.product) if options(one).get(key) in mine]
            if fitting:
                return Objection(
                    f"The user spoke of {key} {' or '.join(sorted(mine))}, the call takes {value}. "
                    f"Available with it: {describe(fitting[0])}.",
                    evidence=f"{key}: {sorted(mine)} vs {value}",
                    messages=shown_at(case.facts, pair.product),
                )
    return None


@call_check("substitute nobody chose", tools=SWAPS, risk=0.45, policy=CONSENT)
def substitute(case: Case) -> Objection | None:
    """Fire when nothing that can be had meets the wishes, and the user chose no other variant."""
    for want in wanted_variants(case):
        unmet = want.unmet(want.pair.new)
        if not unmet or want.fitting() or _is_accepted(case, want):
            continue
        fallback = next((c for c in want.about if _FALLBACK.search(c.text)), None)
        instead = f" The user said what to do then: '{_quoted(fallback.text)}'." if fallback else ""
        return Objection(
            f"No available {text_of(want.pair.old, 'name')} meets '{_quoted(unmet[0].words)}'. The "
            f"user has not chosen {describe(want.pair.new)}.{instead} Say what there is, and ask.",
            evidence=f"{unmet[0].key}: {text_of(want.pair.new, 'item_id')}",
            risk=0.55 if fallback else None,
            messages=tuple(dict.fromkeys(wish.position for wish in unmet)),
        )
    return None


@call_check("not the dearest or cheapest", tools=SWAPS, risk=0.65, policy=CONSENT)
def not_extreme(case: Case) -> Objection | None:
    """Fire when an available variant with all wishes met is cheaper, or dearer, as was wished."""
    for want in wanted_variants(case):
        new = want.pair.new
        if not want.extreme:
            continue
        unmet = {wish.key for wish in want.unmet(new, soft=True)}
        rivals = [
            one
            for one in available(want.pair.product)
            if {wish.key for wish in want.unmet(one, soft=True)} <= unmet
        ]
        best = max(rivals, key=lambda one: want.extreme * number_of(one, "price"), default=new)
        if want.extreme * (number_of(best, "price") - number_of(new, "price")) > 0.005:
            wish = "most expensive" if want.extreme > 0 else "cheapest"
            return Objection(
                f"The user wants the {wish} {text_of(want.pair.old, 'name')}; {describe(best)} is "
                f"available, the call takes {describe(new)}.",
                evidence=f"{number_of(best, 'price')} vs {number_of(new, 'price')}",
                messages=shown_at(case.facts, want.pair.product),
            )
    return None


@call_check("more changed than asked", tools=SWAPS, risk=0.45, policy=OPTIONS)
def gratuitous_change(case: Case) -> Objection | None:
    """Fire when an available variant that meets all wishes keeps more of the old item."""
    for want in wanted_variants(case):
        new = want.pair.new
        if want.extreme or want.unmet(new) or not (want.wishes or want.rest):
            continue
        closer = _closer(want)
        if closer is not None:
            accepted = _is_accepted(case, want)
            return Objection(
                f"{describe(new)} changes more of the {text_of(want.pair.old, 'name')} than the "
                f"user asked for; {describe(closer)} is available and keeps the rest.",
                evidence=text_of(closer, "item_id"),
                messages=shown_at(case.facts, want.pair.product),
                risk=(0.45 if accepted else 0.65) if want.rest else 0.2 if accepted else 0.4,
            )
    return None


@call_check("first wish given up", tools=SWAPS, risk=0.3, policy=CONSENT)
def given_up(case: Case) -> Objection | None:
    """Fire when what the user wanted before the agent offered anything was to be had.

    An agent that offers the wrong variants, or denies the right one, talks users out of it.
    """
    for want in wanted_variants(case, until=lambda pair: _offered(case.facts, pair)):
        new = want.pair.new
        missed = bool(want.unmet(new)) or (want.rest and _closer(want) is not None)
        fitting = want.fitting() if missed else ()
        if fitting:
            best = _closest(want, fitting)
            denied = any(_denies(line.lower, want) for line in case.facts.agent_lines)
            return Objection(
                f"At first the user wanted: '{_quoted(want.words_against(new))}'. "
                f"{describe(best)} is that and is available; the call takes {describe(new)}. "
                "Tell the user.",
                evidence=text_of(best, "item_id"),
                risk=0.4 if denied else None,
                messages=tuple(dict.fromkeys(clause.position for clause in want.about)),
            )
    return None


@call_check("another variant than announced", tools=SWAPS, risk=0.75, policy=CONSENT)
def other_variant(case: Case) -> Objection | None:
    """Fire when the user agreed to another variant of the same product, by its id or options."""
    agreed = case.agreed
    if agreed is None:
        return None
    text = agreed.question.lower
    held = {text_of(i, "item_id") for order in orders(case.facts).values() for i in items(order)}
    own = {i for key in ("item_ids", "new_item_ids") for i in texts_of(case.arguments, key)}
    for pair in swaps(case):
        new_id = text_of(pair.new, "item_id")
        rivals = [i for i in variants(pair.product) if i not in own and i in text]
        if new_id and rivals and new_id not in text and new_id not in agreed.answer.lower:
            return Objection(
                f"The user agreed to item {rivals[0]}, but the call takes {new_id}. Call with what "
                "was agreed, or announce the change and ask again.",
                evidence=f"{rivals} vs {new_id}",
                # What the user has already is more often named as the old item.
                risk=0.3 if held.issuperset(rivals) else None,
                messages=(agreed.question.position, agreed.answer.position),
            )
    return None


def _offered(facts: Facts, pair: Swap) -> int:
    """Return the position at which the agent first spoke of another variant of the product."""
    old = options(pair.old)
    for line in facts.agent_lines:
        if not named_in(line.lower, name_of(pair.old)):
            continue
        said = "\n".join(u.lower for u in facts.user_lines if u.position < line.position)
        found = namings(line.lower, pair.product)
        if any(n.value != old.get(n.key) and not mentions(said, n.value) for n in found):
            return line.position
        if text_of(pair.new, "item_id") in line.lower:
            return line.position
    return facts.answer.position + 1 if facts.answer else 0


def _quoted(words: str) -> str:
    return words.strip()[:120]


def _is_accepted(case: Case, want: WantedVariant) -> bool:
    """Whether the user agreed to what is new in the chosen variant, or gave its id."""
    agreed = case.agreed
    if agreed is None:
        return False
    new_id = text_of(want.pair.new, "item_id")
    if case.facts.is_users(new_id):
        return True
    heard = f"{agreed.question.lower}\n{agreed.answer.lower}"
    if new_id and new_id in case.facts.said:
        # Who repeats an id knows of it what they were told with it, and no more.
        heard = "\n".join((heard, *(a.lower for a in case.facts.agent_lines if new_id in a.lower)))
    old, new = options(want.pair.old), options(want.pair.new)
    named = {(one.key, one.value) for one in namings(heard, want.pair.product)}
    changed = {(key, value) for key, value in new.items() if old.get(key) != value}
    return bool(changed) and changed <= named


def _accepted_risk(case: Case, want: WantedVariant) -> float | None:
    """Return the risk of an unmet wish; `None` for the usual one."""
    if not _is_accepted(case, want):
        return None
    # Whoever was told that it cannot be had agrees to what they did not want.
    return 0.45 if any(_denies(line.lower, want) for line in case.facts.agent_lines) else 0.15


def _denies(lower: str, want: WantedVariant) -> bool:
    """Whether the agent said that something of this product is not to be had."""
    return declines(lower) and "availab" in lower and named_in(lower, name_of(want.pair.old))


def _changes(want: WantedVariant, variant: JsonObject) -> frozenset[str]:
    old = options(want.pair.old)
    return frozenset(key for key, value in options(variant).items() if old.get(key) != value)


def _closest(want: WantedVariant, fitting: tuple[JsonObject, ...]) -> JsonObject:
    return min(fitting, key=lambda one: (len(want.unmet(one, soft=True)), len(_changes(want, one))))


def _closer(want: WantedVariant) -> JsonObject | None:
    """Return a variant that meets as much, and changes a part of what the chosen one changes."""
    mine, unmet = _changes(want, want.pair.new), len(want.unmet(want.pair.new, soft=True))
    closer = (
        one
        for one in want.fitting()
        if _changes(want, one) < mine and len(want.unmet(one, soft=True)) <= unmet
    )
    return next(closer, None)
