"""No number of a policy stands in code: change it in the text, and the verdict follows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import JsonValue

import sidecritic
from sidecritic.checks.base import Pack
from sidecritic.checks.facts import Facts
from sidecritic.checks.terms import Unstated, find_now, number_in, policy_text, spellings, term
from sidecritic.critics.policy import PolicyCritic
from sidecritic.packs.airline.pack import AIRLINE
from sidecritic.packs.shop import SHOP
from sidecritic.packs.telecom.pack import TELECOM
from sidecritic.types import Proposal
from tests.talk import Talk, fired, specs
from tests.unit.packs import rules
from tests.unit.packs import test_shop as shop
from tests.unit.packs.airline import test_pack as airline
from tests.unit.packs.airline.test_pack import BAGS, BOOK, CANCEL, CERTIFICATE, Call, but, pays
from tests.unit.packs.telecom import test_pack as telecom

SOURCE = Path(sidecritic.__file__).parent


class Change(NamedTuple):
    """A value of a policy, another one, and which of them makes a check fire on a proposal."""

    check: str
    pack: Pack
    old: str
    new: str
    proposal: Proposal
    before: bool

    def under(self, policy: str) -> Proposal:
        return self.proposal.model_copy(update={"policy": policy})


def call(talk: Talk, made: Call) -> Proposal:
    return talk.calls(made[0], **made[1])


def booked(**changes: JsonValue) -> Proposal:
    return call(airline.talk("Book HAT002."), but(BOOK, **changes))


def paying(amount: int, **changes: JsonValue) -> Proposal:
    return booked(payment_methods=pays(("credit_card_4421486", amount)), **changes)


def mixed(*kinds: str) -> Proposal:
    return booked(payment_methods=pays(*((f"{kind}_{n}", 10) for n, kind in enumerate(kinds))))


def bags(level: str, cabin: str, total: int) -> Proposal:
    """Return a call that sets bags for two people, all of them free."""
    profile: dict[str, JsonValue] = {**airline.USER, "membership": level}
    talk = airline.talk("More bags.", cabin=cabin)
    talk = talk.did("get_user_details", profile, user_id="mia_li_3668")
    return call(talk, but(BAGS, total_baggages=total))


def allowed(level: str, cabin: str, each: int) -> Change:
    spoken = cabin.replace("_", " ")
    # The text of one level ends where that of the next one begins.
    pattern = rf"(is a {level} member:.*?)\d (free checked bags? for each {spoken} passenger)"
    found = re.search(pattern, rules.AIRLINE, re.DOTALL)
    assert found is not None
    changed = f"{found[1]}{each + 1} {found[2]}"
    proposal = bags(level, cabin, 2 * each + 1)
    return Change("wrong number of paid bags", AIRLINE, found[0], changed, proposal, True)


FREE = {
    "regular": {"basic_economy": 0, "economy": 1, "business": 2},
    "silver": {"basic_economy": 1, "economy": 2, "business": 3},
    "gold": {"basic_economy": 2, "economy": 3, "business": 4},
}
SIX = booked(passengers=airline.ADULTS)
SICK = airline.talk(airline.SICK, created_at="2024-05-14T01:00:00")
LATE = airline.talk(airline.DELAY)
GONE = airline.talk("You cancelled my flight! I want a compensation.").did(
    "get_flight_status", "cancelled", flight_number="HAT001", date="2024-05-20"
)
TWO_HUNDRED = but(CERTIFICATE, amount=200)
FLOWN = call(
    airline.talk(
        airline.SICK, insurance="yes", flights=[airline.flight("HAT001", "2024-05-16", "A", "B", 1)]
    ),
    CANCEL,
)
ENDED = telecom.PAID.did(
    "get_details_by_id", telecom.line(contract_end_date="2025-02-28"), id="L1002"
).calls("resume_line", **telecom.ON_LINE)
REFUEL = telecom.refueling().calls("refuel_data", **telecom.REFUEL)
OLD_ORDER = shop.talk(delivered_on="2025-05-20").calls("refund_items", **shop.REFUND)

CHANGES = [
    Change("too many passengers", AIRLINE, "most five passengers", "most 6 passengers", SIX, True),
    *(
        Change("too many payment methods", AIRLINE, f"most one {kind}", f"most two {kind}s", *case)
        for kind, case in (
            ("travel certificate", (mixed("certificate", "certificate"), True)),
            ("credit card", (mixed("credit_card", "credit_card"), True)),
        )
    ),
    Change(
        "too many payment methods",
        AIRLINE,
        "at most three\n  gift cards",
        "at most 2 gift cards",
        mixed("gift_card", "gift_card", "gift_card"),
        False,
    ),
    Change(
        "price does not add up",
        AIRLINE,
        "baggage is 50 dollars",
        "baggage is 65 dollars",
        paying(235, total_baggages=4, nonfree_baggages=1),
        True,
    ),
    Change(
        "price does not add up",
        AIRLINE,
        "insurance is 30 dollars",
        "insurance is $12.50",
        paying(200, insurance="yes"),
        False,
    ),
    *(allowed(level, cabin, each) for level, row in FREE.items() for cabin, each in row.items()),
    Change(
        "cancellation without grounds",
        AIRLINE,
        "last 24 hrs",
        "last 48 hrs",
        call(SICK, CANCEL),
        True,
    ),
    Change(
        "cancellation without grounds",
        AIRLINE,
        "time is 2024-05-15 15",
        "time is 2024-05-14 15",
        call(SICK, CANCEL),
        True,
    ),
    Change("flown already", AIRLINE, "is 2024-05-15", "is 2024-05-17", FLOWN, False),
    Change("wrong compensation", AIRLINE, "being $50", "being $100", call(LATE, TWO_HUNDRED), True),
    Change(
        "wrong compensation", AIRLINE, "being $100", "being $80", call(GONE, TWO_HUNDRED), False
    ),
    Change("more data than allowed", TELECOM, "is 2GB", "is 1 GB", REFUEL, False),
    Change("contract ended", TELECOM, "is 2025-02-25", "is 2025-03-01", ENDED, False),
    Change("too late", SHOP, "than 30 days", "than ten days", OLD_ORDER, False),
    Change("too late", SHOP, "Today is 2025-06-15", "Today is 2025-06-30", OLD_ORDER, False),
]
POLICIES = {AIRLINE.name: rules.AIRLINE, TELECOM.name: rules.TELECOM, SHOP.name: shop.POLICY}
IDS = [f"{change.check}: {change.new[-40:]}" for change in CHANGES]


@pytest.mark.parametrize("change", CHANGES, ids=IDS)
def test_the_verdict_follows_a_number_of_the_policy(change: Change) -> None:
    policy = POLICIES[change.pack.name]
    assert policy.count(change.old) == 1
    changed = policy.replace(change.old, change.new)
    assert (change.check in fired(change.pack, change.under(policy))) is change.before
    assert (change.check in fired(change.pack, change.under(changed))) is not change.before


@pytest.mark.parametrize("change", CHANGES, ids=IDS)
async def test_a_number_that_the_policy_does_not_state_is_not_judged_by(change: Change) -> None:
    silent = change.under("Be kind. Nothing is forbidden, and no number is named.")
    note = fired(change.pack, silent)[f"{change.check} not judged"]
    assert note.risk == 0
    assert note.evidence.startswith("the policy ")
    judgement = await PolicyCritic(change.pack).judge(silent)
    assert not any(flag.name == change.check for flag in judgement.flags)


TALK = Talk(tools=specs("get", "put")).user("Hello.")


def facts(policy: str) -> Facts:
    return Facts.of(TALK.says("Good day.").model_copy(update={"policy": policy}))


@pytest.mark.parametrize(
    ("policy", "number"),
    [
        ("Bags cost $1,250.50 each.", 1250.5),
        ("Bags cost\n**twelve** dollars.", 12),
        ("Bags cost no money.", 0),
    ],
)
def test_numbers_are_read_in_digits_and_words(policy: str, number: float) -> None:
    assert term("the price", r"bags cost \$?#").of(facts(policy)) == number


def test_a_number_that_is_not_there_is_named() -> None:
    with pytest.raises(Unstated, match="does not state the price of a bag"):
        term("the price of a bag", "bags cost #").of(facts("Bags are free."))


def test_the_time_is_read_with_and_without_a_clock_and_nonsense_is_passed_over() -> None:
    stated = find_now(facts("Today is 2025-13-40. Today is 2025-06-15."))
    assert stated is not None and f"{stated}" == "2025-06-15 00:00:00"
    clock = find_now(facts("The current time is 2025-06-15 08:30 EST."))
    assert clock is not None and clock.hour == 8
    assert find_now(facts("It is late.")) is None


def test_how_a_number_is_written_is_how_it_is_read() -> None:
    for number in (1.0, 2.0, 12.0, 1.5, 40.0):
        assert {number_in(spelt) for spelt in spellings(number)} == {number}


def test_a_policy_is_read_to_a_bound() -> None:
    assert len(policy_text(facts("a" * 1_000_000))) < 300_000


HARMLESS = {
    *("-1", "0", "1", "2"),
    # Bounds on what is read, on what is shown as evidence, and on look-ups.
    *(
        "3",
        "4",
        "5",
        "6",
        "8",
        "10",
        "12",
        "20",
        "40",
        "64",
        "80",
        "90",
        "100",
        "120",
        "160",
        "256",
    ),
    *("400", "500", "2000", "20000", "60000", "200000"),
}


def numbers_in(path: Path) -> Iterator[tuple[str, int]]:
    """Walk over the numbers of a file with their lines, risks and shares of risks left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                if not 0 < value < 1:
                    yield f"{value:g}", node.lineno
            case ast.Constant(value=str() as text):
                for found in re.findall(
                    r"\d{4}-\d\d-\d\d|\$\d+|\b\d+ (?:dollars|hours|days)\b", text
                ):
                    yield found, node.lineno
            case _:
                pass


@pytest.mark.parametrize("pack", ["airline", "retail", "telecom"])
def test_no_date_amount_or_limit_of_a_policy_is_written_in_a_pack(pack: str) -> None:
    found = [
        (path.name, line, number)
        for path in sorted((SOURCE / "packs" / pack).glob("*.py"))
        for number, line in numbers_in(path)
        if number not in HARMLESS
    ]
    assert found == []
