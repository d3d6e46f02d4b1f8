"""Airline: checked bags and travel insurance."""

import re
from collections.abc import Iterator

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.records import all_words, spoken_of
from sidecritic.english.scope import negated
from sidecritic.english.text import sentences
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_BAGS,
    cabin_of,
    free_bags,
    passengers,
    profile_of,
    reservation_of,
    says,
)
from sidecritic.packs.airline.sources import read_at, said_at
from sidecritic.values import number_of, text_of

BAGS = "Each extra baggage is 50 dollars."
INSURANCE = "The agent should ask if the user wants to buy the travel insurance."

_BAG = re.compile(r"\b(bag|bags|baggage|baggages|luggage|suitcases?|checked)\b")
_UP = "two|three|four|five|six|seven|eight|nine|ten"
_COUNTED = re.compile(
    rf"\b(\d{{1,2}}|an?|another|no|zero|one|{_UP})"
    r"((?: more| extra| additional| free| checked| check-?in| total| pieces? of)*)"
    r" (?:bags?|baggages?|luggages?|suitcases?)\b"
)
_NO_BAGS = re.compile(
    r"\b(don'?t|do not|won'?t|not) (need|want|have|be checking|check|bring|add)\b[^.!?\n]{0,20}"
    r"\b(bags?|baggages?|luggage|suitcases?)\b|\bwithout (any )?(checked )?(bags?|luggage)\b"
)
_NUMBERS = {
    **{"no": 0, "zero": 0, "a": 1, "an": 1, "another": 1, "one": 1},
    **{word: number for number, word in enumerate(_UP.split("|"), 2)},
}
_INSURANCE = re.compile(r"\b(?:travel )?insur")
_TAKEN = re.compile(
    r"\b(yes|add|include|want|buy|purchase|with|like|get|take|need|prefer|opt)\b[^.!?]{0,40}\binsur"
    r"|\binsur\w*\b[^.!?]{0,30}\b(yes|please)\b"
)


@call_check("wrong number of paid bags", tools=(BOOK, UPDATE_BAGS), risk=0.9, policy=BAGS)
def paid_bags(case: Case) -> Objection | None:
    """Fire when the paid bags do not follow from membership, cabin and passengers."""
    arguments = case.arguments
    record = arguments if case.tool == BOOK else reservation_of(case)
    membership = text_of(profile_of(case), "membership")
    cabin = text_of(arguments, "cabin") or cabin_of(case.facts, record)
    free = free_bags(case.facts, membership, cabin, passengers(record))
    if free is None:
        return None
    total, paid = number_of(arguments, "total_baggages"), number_of(arguments, "nonfree_baggages")
    due = max(0, total - free)
    if case.tool == UPDATE_BAGS:
        # Bags that were paid for once stay paid for.
        due = max(due, min(number_of(record, "nonfree_baggages"), total))
    if paid == due:
        return None
    return Objection(
        f"A {membership} member with {passengers(record)} passenger(s) in {cabin} has {free} free "
        f"bags; of {total:g} bags {due:g} are to be paid, not {paid:g}.",
        evidence=f"{total:g} bags, {free} free",
        messages=read_at(case),
    )


@call_check(
    "bags removed",
    tools=(UPDATE_BAGS,),
    risk=0.95,
    policy="The user can add but not remove checked bags.",
)
def bags_removed(case: Case) -> Objection | None:
    """Fire when a reservation would hold fewer bags than before."""
    reservation = reservation_of(case)
    before = number_of(reservation, "total_baggages")
    after = number_of(case.arguments, "total_baggages")
    if not reservation or after >= before:
        return None
    return Objection(
        f"The reservation holds {before:g} bags and the call sets {after:g}. Bags can be added but "
        "not removed: deny it.",
        evidence=f"{before:g} -> {after:g}",
        messages=read_at(case),
    )


def _added_bags(case: Case) -> str:
    before = number_of(reservation_of(case), "total_baggages")
    added = number_of(case.arguments, "total_baggages") - before
    return f"adds {added:g} checked bag(s)" if added > 0 else ""


unwanted_bags = CallCheck(
    "bags nobody wants",
    tools=(BOOK, UPDATE_BAGS),
    risk=0.6,
    policy="Do not add checked bags that the user does not need.",
    examine=spoken_of(_added_bags, _BAG, "Ask how many are needed, or add none."),
)


@call_check(
    "another number of bags than wanted",
    tools=(BOOK, UPDATE_BAGS),
    risk=0.6,
    policy="Do not add checked bags that the user does not need.",
)
def other_bags(case: Case) -> Objection | None:
    """Fire when no number of bags that was spoken of fits the call."""
    total = number_of(case.arguments, "total_baggages")
    before = number_of(reservation_of(case), "total_baggages")
    if case.tool == UPDATE_BAGS and not reservation_of(case):
        return None
    people = passengers(case.arguments) or passengers(reservation_of(case)) or 1
    spoken = _spoken_counts(case)
    if not spoken:
        return None
    fitting = {n for each in spoken for n in (each, each + before, each * people)}
    if total in fitting:
        return None
    return Objection(
        f"The call sets {total:g} checked bag(s) ({total - before:g} more than now), but "
        f"{' or '.join(str(n) for n in sorted(spoken))} were spoken of. Set what the user wants.",
        evidence=f"{sorted(spoken)} vs {before:g} -> {total:g}",
        messages=said_at(case.facts, _COUNTED),
    )


def _insurance(case: Case) -> str:
    chosen = case.named("insurance")
    asked = chosen and says(case.facts, INSURANCE.lower().rstrip("."))
    return f"books insurance: {chosen}" if asked else ""


insurance_not_asked = CallCheck(
    "insurance never asked about",
    tools=(BOOK,),
    risk=0.4,
    policy=INSURANCE,
    examine=spoken_of(
        _insurance,
        _INSURANCE,
        "Ask whether the user wants it, for 30 dollars per passenger, before you book.",
        by=all_words,
        risk=lambda case: 0.6 if case.named("insurance") == "yes" else None,
    ),
)


@call_check("insurance against the wish", tools=(BOOK,), risk=0.75, policy=INSURANCE)
def insurance_unwanted(case: Case) -> Objection | None:
    """Fire when the user declined the insurance that is booked, or wanted what is not."""
    chosen = case.named("insurance")
    wanted = _insurance_wish(case.facts)
    if not wanted or not chosen or wanted == chosen:
        return None
    return Objection(
        f"The call books insurance: {chosen}, but the user's words mean {wanted}. Book what they "
        "want.",
        evidence=f"wanted {wanted}",
        messages=said_at(case.facts, _INSURANCE),
    )


def _spoken_counts(case: Case) -> frozenset[int]:
    """Return the numbers of bags that the user named last, and that were agreed to."""
    agreed = case.agreed
    asked = frozenset(_counts(agreed.question.lower)) if agreed is not None else frozenset[int]()
    for line in reversed(case.facts.user_lines):
        named = frozenset(_counts(line.lower))
        if named:
            return named | asked
    return frozenset()


def _counts(lower: str) -> Iterator[int]:
    for found in _COUNTED.finditer(lower):
        yield int(found[1]) if found[1].isdigit() else _NUMBERS[found[1]]
    if _NO_BAGS.search(lower):
        yield 0


def _insurance_wish(facts: Facts) -> str:
    """Return `yes` or `no` as the user said last; empty when they said neither."""
    for line in reversed(facts.user_lines):
        for sentence in reversed(sentences(line.lower)):
            if not _INSURANCE.search(sentence) or sentence.rstrip().endswith("?"):
                continue
            if any(negated(sentence, found.start()) for found in _INSURANCE.finditer(sentence)):
                return "no"
            if _TAKEN.search(sentence):
                return "yes"
    return ""
