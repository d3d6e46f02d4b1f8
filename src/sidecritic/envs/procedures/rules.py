"""The desk's policy as a program: what must hold before each write, and where it is looked up.

A write is *wrong* if a condition does not hold, *unverified* if all hold but the agent never
looked one of them up, and *right* otherwise.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from sidecritic.envs.procedures.records import TODAY, Records, Row
from sidecritic.envs.procedures.tools import answer_to
from sidecritic.types import Record

LIMITS: Mapping[str, int] = {
    "loans": 2,
    "loan_days": 14,
    "extension_days": 7,
    "waiver": 40,
    "inspection_days": 90,
    "guests": 200,
    "cover": 500_000,
}

Scope = Mapping[str, Any]
"""Arguments of a call, and fields of the records that it names."""
LookUp = tuple[str, str]
"""A tool, and the id that it was asked about."""
WriteLabel = Literal["right", "wrong", "unverified"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold before a write."""

    name: str
    holds: Callable[[Row, Scope], bool]
    """Takes what the look-up returns, and the scope of the call."""
    look: str = ""
    """The tool that shows it; none where the call alone does."""
    about: str = ""
    """What in the scope the look-up is made for."""
    applies: Callable[[Scope], bool] = lambda _: True


class Examined(NamedTuple):
    """A condition of one call."""

    name: str
    holds: bool
    look_up: LookUp | None


class LabelledWrite(Record):
    """A write that was executed, judged by the rules as the records stood then."""

    call_id: str
    tool: str
    label: WriteLabel
    broken: tuple[str, ...] = ()
    """Conditions that did not hold."""
    missing: tuple[str, ...] = ()
    """Look-ups that were not made."""


# --- conditions ---------------------------------------------------------------------------


def _is_late(loan: Row) -> bool:
    return date.fromisoformat(loan["due_on"]) < TODAY


def _runs(until: str) -> bool:
    return date.fromisoformat(until) >= TODAY


def _within_loans(answer: Row, _: Scope) -> bool:
    loans = answer["open_loans"]
    return len(loans) < LIMITS["loans"] and not any(map(_is_late, loans))


def _this_is_not_late(answer: Row, scope: Scope) -> bool:
    this = (loan for loan in answer["open_loans"] if loan["loan_id"] == scope["loan_id"])
    return not any(map(_is_late, this))


def _certified(answer: Row, scope: Scope) -> bool:
    kept = answer["certificates"]
    return any(c["kind"] == scope["certificate"] and _runs(c["valid_until"]) for c in kept)


def _inspected(answer: Row, _: Scope) -> bool:
    found = answer["inspection"]
    age = TODAY - date.fromisoformat(found["inspected_on"])
    return found["result"] == "passed" and age <= timedelta(days=LIMITS["inspection_days"])


def _insured(answer: Row, _: Scope) -> bool:
    kept = answer["insurance"]
    return kept is not None and kept["cover"] >= LIMITS["cover"] and _runs(kept["valid_until"])


def _is_event(scope: Scope) -> bool:
    return scope["kind"] == "event"


_IDENTIFIED = Condition(
    "identity verified", lambda a, _: a["identity"]["verified"], "check_identity", "resident_id"
)
_IN_STANDING = Condition(
    "good standing", lambda a, _: a["standing"] == "good", "check_standing", "resident_id"
)
_OWES_NOTHING = Condition(
    "no open fees", lambda a, _: a["open_fees"] == 0, "check_fees", "resident_id"
)
_INSPECTED = Condition("site inspected", _inspected, "check_inspection", "site_id")
_PENDING = Condition(
    "application pending",
    lambda a, _: a["status"] == "pending",
    "get_application",
    "application_id",
)

RULES: Mapping[str, tuple[Condition, ...]] = {
    "lend_item": (
        Condition("loan short enough", lambda _, s: s["days"] <= LIMITS["loan_days"]),
        _IDENTIFIED,
        _IN_STANDING,
        Condition("few loans, none late", _within_loans, "check_loans", "resident_id"),
        Condition("item in store", lambda a, _: a["status"] == "in store", "get_item", "item_id"),
        Condition(
            "certificate valid",
            _certified,
            "check_certificates",
            "resident_id",
            lambda scope: scope["certificate"] is not None,
        ),
    ),
    "extend_loan": (
        Condition("extension short enough", lambda _, s: s["days"] <= LIMITS["extension_days"]),
        _IN_STANDING,
        Condition("loan not late", _this_is_not_late, "check_loans", "resident_id"),
        Condition(
            "nobody waits", lambda a, _: not a["reservations"], "check_reservations", "item_id"
        ),
    ),
    "waive_fee": (
        Condition("amount small enough", lambda _, s: s["amount"] <= LIMITS["waiver"]),
        _IDENTIFIED,
        Condition(
            "fees cover it",
            lambda a, s: a["open_fees"] >= s["amount"],
            "check_fees",
            "resident_id",
        ),
        Condition(
            "hardship on file", lambda a, _: a["hardship_note"], "check_hardship", "resident_id"
        ),
    ),
    "issue_permit": (
        _PENDING,
        _IDENTIFIED,
        _OWES_NOTHING,
        _INSPECTED,
        Condition("insured", _insured, "check_insurance", "resident_id", _is_event),
        Condition(
            "referral on file",
            lambda a, _: a["referral"]["on_file"],
            "check_referral",
            "application_id",
            lambda scope: _is_event(scope) and scope["guests"] > LIMITS["guests"],
        ),
    ),
    "change_site": (
        _PENDING,
        _INSPECTED,
        Condition(
            "site free", lambda a, s: s["day"] not in a["booked_on"], "check_bookings", "site_id"
        ),
    ),
    "lift_suspension": (
        _IDENTIFIED,
        _OWES_NOTHING,
        Condition(
            "no late loan",
            lambda a, _: not any(map(_is_late, a["open_loans"])),
            "check_loans",
            "resident_id",
        ),
    ),
}


# --- judging ------------------------------------------------------------------------------

_NAMED = {"loan_id": "loans", "application_id": "applications", "item_id": "items"}
"""Tables whose rows say more of what a call is about, in this order: a loan names its item."""


def examined(name: str, arguments: Scope, records: Records) -> Iterator[Examined]:
    """Walk over the conditions that a write must meet, as the records stand.

    Raises:
        Refused: something that the call names does not exist.
    """
    scope = dict(arguments)
    for key, table in _NAMED.items():
        scope = {**records.get(table, scope[key]), **scope} if key in scope else scope
    for condition in RULES[name]:
        if not condition.applies(scope):
            continue
        if not condition.look:
            yield Examined(condition.name, condition.holds({}, scope), None)
            continue
        id = scope[condition.about]
        # All ids of a tool are its only argument.
        answer = answer_to(condition.look, {condition.about: id}, records)
        yield Examined(condition.name, condition.holds(answer, scope), (condition.look, id))


def labelled(
    name: str, arguments: Scope, records: Records, looked: Set[LookUp], *, call_id: str = ""
) -> LabelledWrite:
    """Judge a write before it is executed; `looked` are the look-ups that were made.

    Raises:
        Refused: something that the call names does not exist.
    """
    met = tuple(examined(name, arguments, records))
    broken = tuple(each.name for each in met if not each.holds)
    wanted = dict.fromkeys(each.look_up for each in met if each.look_up is not None)
    missing = tuple(look_up[0] for look_up in wanted if look_up not in looked)
    label: WriteLabel = "wrong" if broken else "unverified" if missing else "right"
    return LabelledWrite(call_id=call_id, tool=name, label=label, broken=broken, missing=missing)
