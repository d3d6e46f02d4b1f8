"""Write records and tasks of the environment `procedures`: all invented, by rules.

    python -m scripts.make_procedures [FILE]

The same on every machine. Each task asks for one write, about records of its own. In every second
task one condition of that write does not hold; which one goes round. A test holds the shipped
file to what this script writes.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from sidecritic.envs.procedures.records import TODAY, Records
from sidecritic.envs.procedures.rules import LIMITS, examined
from sidecritic.envs.procedures.tools import TOOLS

FILE = Path(__file__).parents[1] / "src/sidecritic/envs/procedures/data.json"

_FIRST = ("Asta", "Bela", "Carl", "Dora", "Emin", "Freya", "Goran", "Hilda", "Ivo", "Jana", "Kimo")
_LAST = ("Anders", "Brandt", "Costa", "Demir", "Ekberg", "Fodor", "Gruber")
_ITEMS = (("party tent", None), ("chainsaw", "chainsaw"), ("cargo bike", None), ("lift", "height"))
_SITES = ("Market Square", "River Meadow", "Mill Yard", "Old Harbour", "Castle Green")


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


@dataclass
class Case:
    """The records of one task, in which every condition holds at first."""

    number: int
    rng: Random
    tables: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            name: {} for name in ("residents", "items", "loans", "applications", "sites")
        }
    )

    def id(self, letter: str, more: int = 0) -> str:
        return f"{letter}{1000 + 10 * self.number + more}"

    def __post_init__(self) -> None:
        first = _FIRST[self.number % len(_FIRST)]
        last = _LAST[self.number % len(_LAST)]
        self.resident: dict[str, Any] = {
            "resident_id": self.id("R"),
            "name": f"{first} {last}",
            "email": f"{first}.{last}@example.org".lower(),
            "identity": {"verified": True, "checked_on": day(-self.rng.randrange(20, 900))},
            "standing": "good",
            "open_fees": 0,
            "hardship_note": self.rng.random() < 0.5,
            "certificates": [
                {"kind": kind, "valid_until": day(self.rng.randrange(30, 400))}
                for kind in ("chainsaw", "height")
            ],
            "insurance": {"cover": LIMITS["cover"] * 2, "valid_until": day(200)},
        }
        self.put("residents", "resident_id", self.resident)

    def put(self, table: str, key: str, row: dict[str, Any]) -> dict[str, Any]:
        self.tables[table][row[key]] = row
        return row

    def item(self, *, needs: bool, status: str) -> dict[str, Any]:
        kind, certificate = _ITEMS[2 * (self.number // 4 % 2) + needs]
        row: dict[str, Any] = {
            "kind": kind,
            "status": status,
            "certificate": certificate,
            "reservations": [],
        }
        return self.put("items", "item_id", {"item_id": self.id("I"), **row})

    def loan(self, item_id: str, due: int, more: int = 0) -> dict[str, Any]:
        row = {"item_id": item_id, "resident_id": self.resident["resident_id"], "due_on": day(due)}
        return self.put("loans", "loan_id", {"loan_id": self.id("L", more), **row})

    def site(self, more: int = 0) -> dict[str, Any]:
        inspection = {"result": "passed", "inspected_on": day(-self.rng.randrange(5, 80))}
        name = _SITES[(self.number + more) % len(_SITES)]
        row = {"name": name, "inspection": inspection, "booked_on": [day(33), day(61)]}
        return self.put("sites", "site_id", {"site_id": self.id("S", more), **row})

    def application(self, *, guests: int) -> dict[str, Any]:
        row = {
            "application_id": self.id("A"),
            "resident_id": self.resident["resident_id"],
            "kind": "event" if guests else "street stall",
            "site_id": self.site()["site_id"],
            "day": day(self.rng.randrange(20, 32)),
            "guests": guests,
            "status": "pending",
            "referral": {"on_file": True, "dated": day(-9)},
        }
        return self.put("applications", "application_id", row)


@dataclass(frozen=True)
class Wish:
    """A write that a resident asks for, and ways in which a condition of it can fail."""

    name: str
    arguments: dict[str, Any]
    reason: str
    spoil: Sequence[Callable[[], object]]


def lending(case: Case) -> Wish:
    item, who = case.item(needs=case.number % 3 != 0, status="in store"), case.resident
    arguments = {"resident_id": who["resident_id"], "item_id": item["item_id"], "days": 7}
    case.loan(case.id("I", 5), due=4, more=5)
    case.put("items", "item_id", {**item, "item_id": case.id("I", 5), "status": "on loan"})
    return Wish(
        "lend_item",
        arguments,
        f"You want to borrow the {item['kind']} {item['item_id']} for 7 days.",
        (
            lambda: who["identity"].update(verified=False, checked_on=None),
            lambda: case.loan(case.id("I", 5), due=-3, more=5),
            lambda: item.update(status="in repair"),
            lambda: (
                item.update(certificate="chainsaw"),
                who["certificates"][0].update(valid_until=day(-12)),
            ),
        ),
    )


def extending(case: Case) -> Wish:
    item = case.item(needs=False, status="on loan")
    loan, who = case.loan(item["item_id"], due=2), case.resident
    return Wish(
        "extend_loan",
        {"loan_id": loan["loan_id"], "days": 5},
        f"You want to keep the {item['kind']} of your loan {loan['loan_id']} for 5 more days.",
        (
            lambda: item["reservations"].append({"by": "R9001", "from": day(3)}),
            lambda: loan.update(due_on=day(-1)),
            lambda: who.update(standing="suspended"),
            lambda: item["reservations"].append({"by": "R9002", "from": day(6)}),
        ),
    )


def waiving(case: Case) -> Wish:
    who, amount = case.resident, 15 + case.number % 5 * 5
    who.update(open_fees=amount + 20, hardship_note=True)
    return Wish(
        "waive_fee",
        {"resident_id": who["resident_id"], "amount": amount},
        f"You cannot afford the fees that you owe and want ${amount} of them waived.",
        (
            lambda: who.update(hardship_note=False),
            lambda: who["identity"].update(verified=False, checked_on=None),
            lambda: who.update(open_fees=amount - 10),
            lambda: who.update(hardship_note=False),
        ),
    )


def permitting(case: Case) -> Wish:
    form = case.application(guests=(0, 150, 400, 600)[case.number % 4])
    who, site = case.resident, case.tables["sites"][form["site_id"]]
    return Wish(
        "issue_permit",
        {"application_id": form["application_id"]},
        f"You want the permit of your application {form['application_id']} issued.",
        (
            lambda: site["inspection"].update(inspected_on=day(-120)),
            lambda: (
                form.update(kind="event", guests=300),
                form["referral"].update(on_file=False, dated=None),
            ),
            lambda: who.update(open_fees=35),
            lambda: (
                form.update(kind="event", guests=150),
                who["insurance"].update(valid_until=day(-2)),
            ),
        ),
    )


def moving(case: Case) -> Wish:
    form, site = case.application(guests=150), case.site(more=1)
    arguments = {"application_id": form["application_id"], "site_id": site["site_id"]}
    return Wish(
        "change_site",
        arguments,
        f"You want your application {form['application_id']} moved to {site['name']}, which is "
        f"site {site['site_id']}.",
        (
            lambda: site["booked_on"].append(form["day"]),
            lambda: site["inspection"].update(result="failed"),
            lambda: form.update(status="issued"),
            lambda: site["inspection"].update(inspected_on=day(-140)),
        ),
    )


def lifting(case: Case) -> Wish:
    who = case.resident
    who.update(standing="suspended")
    item = case.item(needs=False, status="on loan")
    loan = case.loan(item["item_id"], due=6)
    return Wish(
        "lift_suspension",
        {"resident_id": who["resident_id"]},
        "You have settled everything and want your suspension lifted.",
        (
            lambda: who.update(open_fees=12),
            lambda: loan.update(due_on=day(-20)),
            lambda: who["identity"].update(verified=False, checked_on=None),
            lambda: who.update(open_fees=60),
        ),
    )


WISHES = (lending, extending, waiving, permitting, moving, lifting)
EACH = 8
"""Tasks for each kind of write, half of them to be refused."""


def task(number: int) -> tuple[Case, dict[str, Any]]:
    """Return the records of a task, and the task."""
    case = Case(number, Random(f"procedures/{number}"))
    kind, at = number % len(WISHES), number // len(WISHES)
    wish = WISHES[kind](case)
    if at % 2:
        wish.spoil[at // 2]()
    met = list(examined(wish.name, wish.arguments, Records(case.tables)))
    assert all(each.holds for each in met) == (at % 2 == 0), (number, met)
    who = case.resident
    actions = [("find_resident", {"email": who["email"]})]
    looks = dict.fromkeys(each.look_up for each in met if each.look_up)
    actions += [(tool, {_asks(tool): id}) for tool, id in looks]
    actions += [(wish.name, wish.arguments)] if at % 2 == 0 else []
    return case, {
        "id": str(number),
        "user_id": who["resident_id"],
        "request": {"name": wish.name, "arguments": wish.arguments},
        "user_scenario": {
            "instructions": {
                "domain": "procedures",
                "reason_for_call": wish.reason,
                "known_info": f"Your name is {who['name']} and your e-mail address is "
                f"{who['email']}.",
                "unknown_info": None,
                "task_instructions": "You are friendly and brief.",
            }
        },
        "evaluation_criteria": {
            "actions": [
                {"action_id": f"{number}_{place}", "name": name, "arguments": arguments}
                for place, (name, arguments) in enumerate(actions)
            ],
            "communicate_info": [],
        },
    }


def _asks(tool: str) -> str:
    """Return the only parameter of a look-up."""
    (name,) = TOOLS[tool].asks.model_fields
    return name


def made() -> Mapping[str, Any]:
    """Return the whole file: tables, and tasks by split."""
    tables: dict[str, dict[str, Any]] = {}
    tasks: dict[str, list[Any]] = {"train": [], "test": []}
    for number in range(EACH * len(WISHES)):
        case, record = task(number)
        for name, rows in case.tables.items():
            tables.setdefault(name, {}).update(rows)
        # Each half has every kind of write, to be made and to be refused.
        half = number // len(WISHES) // 2 % 2
        tasks["test" if half else "train"].append(record)
    return {"tables": tables, "tasks": tasks}


def written() -> str:
    """Return the file: one row or task a line."""
    whole = made()
    tables = ",\n".join(
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f"{json.dumps(id)}: {json.dumps(row)}" for id, row in rows.items())
        + "\n}"
        for name, rows in whole["tables"].items()
    )
    tasks = ",\n".join(
        f"{json.dumps(split)}: [\n" + ",\n".join(map(json.dumps, each)) + "\n]"
        for split, each in whole["tasks"].items()
    )
    return f'{{"tables": {{\n{tables}\n}},\n"tasks": {{\n{tasks}\n}}}}\n'


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_text(written(), encoding="utf-8")
