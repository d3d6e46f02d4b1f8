"""Retail: what a cancellation covers, and the reason it gives, against the user's words."""

import re
from collections.abc import Iterator

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.english.amounts import amounts
from sidecritic.english.lexicon import spoken
from sidecritic.english.scope import negated
from sidecritic.packs.retail.clauses import (
    Clause,
    clauses,
    name_of,
    named_in,
    product_names,
    products_in,
    question_before,
)
from sidecritic.packs.retail.records import CANCEL, items, order_of
from sidecritic.values import number_of

_ORDER_ID = re.compile(r"#w\d+")
_CANCEL = spoken("cancel", "remove")
_WHOLE = re.compile(
    r"#w\d+|\border(s|ed)?\b(?! (id|number))|\b(whole|entire|full|all of (it|them)|everything)\b"
)
_ORDER = re.compile(
    r"\b(whole|entire|full|complete) (\w+ )?order\b"
    r"|\bcancel\w* (of )?all (of )?(the )?(\w+ )?items\b"
    r"|\b(only|just) (be )?cancel\w* (the |an )?(whole |entire |full )?orders?\b"
    r"|\bindividual items?\b"
)
_ONLY_ITEM = re.compile(
    r"\b(just|only|solely|specifically) (want \w+ )?(to )?(cancel |remove )?"
    r"(the|that|this|one|my)\b"
    r"(?! (\w+ )?order)"
    r"|\b(keep|leave|rest|other items?|others)\b[^.\n]{0,30}"
    r"\b(order|items?|as (it|they)|unchanged)\b"
)
_MISTAKE = re.compile(
    r"\b(mistake(n(ly)?)?|accident(al(ly)?)?|wrong(ly)?|error|didn'?t mean|unintended)\b"
)
_UNNEEDED = re.compile(
    r"\b(no longer|don'?t (really )?need|do not need|not need(ed)?|unneeded"
    r"|changed? (my|our|his|her) mind|not going to (need|use)|unnecessary)\b"
)
_EXACT = {"ordered by mistake": "ordered by mistake", "no longer need": "no longer needed"}
REASON = (
    "The user needs to confirm the order id and the reason (either 'no longer needed' or "
    "'ordered by mistake') for cancellation."
)


@call_check(
    "whole order cancelled",
    tools=(CANCEL,),
    risk=0.45,
    policy="For a pending order, you can take actions to modify its shipping address, payment "
    "method, or product item options, but nothing else.",
)
def wider_cancel(case: Case) -> Objection | None:
    """Fire when the user spoke of cancelling an item, and never of the order."""
    held = {name_of(item) for item in items(order_of(case))}
    spoken = _cancelled(case, held) if len(held) > 1 else None
    if not spoken or spoken >= held:
        return None
    others, only = ", ".join(sorted(held - spoken)), _only(case.facts, spoken)
    if _is_told(case, held - spoken, after=max(only, default=0)):
        return None
    price = _item_price(case, spoken)
    return Objection(
        f"The user spoke of cancelling the {', '.join(sorted(spoken))} only, but this cancels the "
        f"whole order, {others} included. Single items cannot be cancelled: tell the user so, and "
        "cancel the order only if they agree to that.",
        evidence=f"{', '.join(sorted(spoken))}{': ' + price if price else ''}",
        # Without "only" the user often means the order by its item.
        risk=None if only else 0.4 if price else 0.35,
        messages=tuple(only),
    )


@call_check("reason nobody gave", tools=(CANCEL,), risk=0.7, policy=REASON)
def invented_reason(case: Case) -> Objection | None:
    """Fire when the user's words about this order give the other reason."""
    reason = case.named("reason")
    given = _reasons(case)
    if not given or reason in given:
        return None
    other = next(iter(given))
    return Objection(
        f"The user's reason is '{other}', not '{reason}'. Use the reason that the user gave.",
        evidence=other,
        messages=(given[other],),
    )


@call_check("reason not asked", tools=(CANCEL,), risk=0.4, policy=REASON)
def unasked_reason(case: Case) -> Objection | None:
    """Fire when the user's words give no reason at all, and none was put to them."""
    reason = case.named("reason")
    if reasons_in(case.facts.said):
        return None
    agreed = case.agreed
    if agreed is not None and reason in agreed.question.lower:
        return None
    return Objection(
        "The user gave no reason for the cancellation. Ask whether the order is no longer needed "
        "or was ordered by mistake.",
        risk=0.3 if reason in case.facts.told else None,
    )


def reasons_in(lower: str) -> tuple[str, ...]:
    """Return the reasons for a cancellation that a text gives, in the words of the policy."""
    patterns = (("ordered by mistake", _MISTAKE), ("no longer needed", _UNNEEDED))
    return tuple(reason for reason, pattern in patterns if pattern.search(lower))


def _cancelled(case: Case, held: set[str]) -> set[str] | None:
    """Return the products that the user wants cancelled; `None` when they mean the order."""
    order_id = case.named("order_id").lower()
    names = product_names(case)
    spoken: set[str] = set()
    for sentence in case.facts.wishes:
        for found in _CANCEL.finditer(sentence):
            wish = sentence[found.end() :][:90]
            if negated(sentence, found.start()) or "myself" in wish:
                continue
            whole, ids = _WHOLE.search(wish), _ORDER_ID.findall(wish)
            start, end, about = next(products_in(wish, names), (len(wish), 0, ""))
            if about and not (whole and whole.start() < start) and wish[end : end + 6] != " order":
                spoken |= {about} & held
            elif whole and (not ids or order_id in ids):
                return None
    return spoken


def _is_told(case: Case, others: set[str], *, after: int) -> bool:
    """Whether the user was told that the whole order goes, agreed, and asked for no less since."""
    agreed = case.agreed
    if agreed is None or agreed.answer.position <= after:
        return False
    text = agreed.question.lower
    passages = (text[max(0, f.start() - 120) : f.end() + 400] for f in _CANCEL.finditer(text))
    listed = any(all(named_in(passage, name) for name in others) for passage in passages)
    return listed or bool(_ORDER.search(text))


def _only(facts: Facts, spoken: set[str]) -> list[int]:
    """Return where the user wants nothing but these items cancelled, or the rest kept."""
    return [
        line.position
        for line in facts.user_lines
        if "item" in line.lower or any(named_in(line.lower, name) for name in spoken)
        if any(
            _ONLY_ITEM.search(line.lower[max(0, found.start() - 40) : found.end() + 90])
            for found in _CANCEL.finditer(line.lower)
        )
    ]


def _item_price(case: Case, spoken: set[str]) -> str:
    """Return the refund that was announced, where it is that of the items instead of all."""
    held = items(order_of(case))
    agreed = case.agreed
    if agreed is None:
        return ""
    told = {round(amount, 2) for amount in amounts(agreed.question.text)}
    part = round(sum(number_of(i, "price") for i in held if name_of(i) in spoken), 2)
    total = round(sum(number_of(i, "price") for i in held), 2)
    return f"${part:.2f} of ${total:.2f} announced" if part in told and total not in told else ""


def _reasons(case: Case) -> dict[str, int]:
    """Return the reasons that the user gave for this order, each with its position.

    What was last said in the words of the policy replaces what was said before.
    """
    found: dict[str, int] = {}
    for clause in _about(case):
        exact = {v: clause.position for k, v in _EXACT.items() if k in clause.text}
        if len(exact) == 1:
            found = exact
            continue
        for reason in reasons_in(clause.text):
            found.setdefault(reason, clause.position)
    return found


def _about(case: Case) -> Iterator[Clause]:
    """Walk over what the user said about this order, and about no product of another.

    An answer that names nothing is about the order of the question.
    """
    held = {name_of(item) for item in items(order_of(case))}
    order_id = case.named("order_id").lower()
    topic, position = "", -1
    for clause in clauses(case):
        named = _ORDER_ID.findall(clause.text)
        if named or clause.product:
            topic = named[-1] if named else ""
        elif clause.position != position:
            topic = _asked_order(case.facts, clause.position)
        position = clause.position
        mine = not clause.product or clause.product in held
        if order_id in (*named, topic) or (mine and not topic):
            yield clause


def _asked_order(facts: Facts, position: int) -> str:
    """Return the only order that the agent's message before a position names; else empty."""
    named = set(_ORDER_ID.findall(question_before(facts, position)))
    return named.pop() if len(named) == 1 else ""
