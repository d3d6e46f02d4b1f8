"""Tools of the desk. They run whatever they are asked to: the rules are the agent's to keep."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from sidecritic.envs.procedures.records import TODAY, Records
from sidecritic.envs.record_worlds import RecordTool, Refused, specs_of
from sidecritic.types import Record

Answer = Callable[[Any, Records], Any]


class ByEmail(Record):
    email: str


class OfResident(Record):
    resident_id: str


class OfItem(Record):
    item_id: str


class OfApplication(Record):
    application_id: str


class OfSite(Record):
    site_id: str


class LendItem(Record):
    resident_id: str
    item_id: str
    days: int


class ExtendLoan(Record):
    loan_id: str
    days: int


class WaiveFee(Record):
    resident_id: str
    amount: float


class ChangeSite(Record):
    application_id: str
    site_id: str


# --- look-ups -----------------------------------------------------------------------------


def _found(asked: ByEmail, records: Records) -> Any:
    for row in records.rows("residents"):
        if row["email"] == asked.email.strip().lower():
            return {key: row[key] for key in ("resident_id", "name", "email")}
    raise Refused("no resident has this e-mail address")


def _shown(table: str, id: str, *fields: str) -> Answer:
    """Return a look-up of some fields of a row."""

    def answer(asked: Any, records: Records) -> Any:
        key = getattr(asked, id)
        row = records.get(table, key)
        return {id: key, **{field: row[field] for field in fields}}

    return answer


def _loans(asked: OfResident, records: Records) -> Any:
    records.get("residents", asked.resident_id)
    own = (row for row in records.rows("loans") if row["resident_id"] == asked.resident_id)
    return {"resident_id": asked.resident_id, "open_loans": [dict(row) for row in own]}


# --- writes -------------------------------------------------------------------------------


def _lend(asked: LendItem, records: Records) -> Any:
    records.get("residents", asked.resident_id)
    records.get("items", asked.item_id)
    records.put("items", asked.item_id, status="on loan")
    id = f"L-{asked.item_id}"
    due = TODAY + timedelta(days=asked.days)
    who = {"item_id": asked.item_id, "resident_id": asked.resident_id}
    return records.put("loans", id, loan_id=id, **who, due_on=due.isoformat())


def _extend(asked: ExtendLoan, records: Records) -> Any:
    loan = records.get("loans", asked.loan_id)
    due = date.fromisoformat(loan["due_on"]) + timedelta(days=asked.days)
    return records.put("loans", asked.loan_id, due_on=due.isoformat())


def _waive(asked: WaiveFee, records: Records) -> Any:
    owed = records.get("residents", asked.resident_id)["open_fees"]
    row = records.put("residents", asked.resident_id, open_fees=owed - asked.amount)
    return {"resident_id": asked.resident_id, "open_fees": row["open_fees"]}


def _issue(asked: OfApplication, records: Records) -> Any:
    records.get("applications", asked.application_id)
    return records.put("applications", asked.application_id, status="issued")


def _move(asked: ChangeSite, records: Records) -> Any:
    records.get("applications", asked.application_id)
    records.get("sites", asked.site_id)
    return records.put("applications", asked.application_id, site_id=asked.site_id)


def _lift(asked: OfResident, records: Records) -> Any:
    records.get("residents", asked.resident_id)
    records.put("residents", asked.resident_id, standing="good")
    return {"resident_id": asked.resident_id, "standing": "good"}


_OF_RESIDENT, _APPLICATION = ("residents", "resident_id"), ("applications", "application_id")

TOOLS: Mapping[str, RecordTool] = {
    "find_resident": RecordTool(
        ByEmail, _found, "read", "Find the id and name of a resident by e-mail address."
    ),
    "check_identity": RecordTool(
        OfResident, _shown(*_OF_RESIDENT, "identity"), "read", "Whether papers were seen, and when."
    ),
    "check_standing": RecordTool(
        OfResident, _shown(*_OF_RESIDENT, "standing"), "read", "Good standing, or suspended."
    ),
    "check_fees": RecordTool(
        OfResident, _shown(*_OF_RESIDENT, "open_fees"), "read", "What a resident owes the town."
    ),
    "check_hardship": RecordTool(
        OfResident,
        _shown(*_OF_RESIDENT, "hardship_note"),
        "read",
        "Whether a hardship note of the welfare office is on file.",
    ),
    "check_certificates": RecordTool(
        OfResident,
        _shown(*_OF_RESIDENT, "certificates"),
        "read",
        "Safety certificates of a resident, with the day on which each ends.",
    ),
    "check_insurance": RecordTool(
        OfResident,
        _shown(*_OF_RESIDENT, "insurance"),
        "read",
        "A resident's event insurance: cover, and the day on which it ends.",
    ),
    "check_loans": RecordTool(
        OfResident, _loans, "read", "Items that a resident has on loan, with the days due."
    ),
    "get_item": RecordTool(
        OfItem,
        _shown("items", "item_id", "kind", "status", "certificate"),
        "read",
        "An item of the lending store: its status, and the certificate that it asks for.",
    ),
    "check_reservations": RecordTool(
        OfItem, _shown("items", "item_id", "reservations"), "read", "Who waits for an item."
    ),
    "get_application": RecordTool(
        OfApplication,
        _shown(*_APPLICATION, "resident_id", "kind", "site_id", "day", "guests", "status"),
        "read",
        "An application for a permit.",
    ),
    "check_referral": RecordTool(
        OfApplication,
        _shown(*_APPLICATION, "referral"),
        "read",
        "Whether the fire brigade's referral for an application is on file.",
    ),
    "check_inspection": RecordTool(
        OfSite, _shown("sites", "site_id", "inspection"), "read", "The last inspection of a site."
    ),
    "check_bookings": RecordTool(
        OfSite, _shown("sites", "site_id", "booked_on"), "read", "Days on which a site is taken."
    ),
    "lend_item": RecordTool(LendItem, _lend, "write", "Hand an item out on loan."),
    "extend_loan": RecordTool(
        ExtendLoan, _extend, "write", "Put off the day on which a loan ends."
    ),
    "waive_fee": RecordTool(WaiveFee, _waive, "write", "Waive fees that a resident owes."),
    "issue_permit": RecordTool(OfApplication, _issue, "write", "Issue the permit applied for."),
    "change_site": RecordTool(
        ChangeSite, _move, "write", "Move the application for a permit to another site."
    ),
    "lift_suspension": RecordTool(
        OfResident, _lift, "write", "Restore the good standing of a suspended resident."
    ),
}

SPECS = specs_of(TOOLS)


def answer_to(name: str, arguments: Mapping[str, object], records: Records) -> Any:
    """Run a tool; a write changes the records.

    Raises:
        Refused: something that the call names does not exist.
        ValidationError: the arguments are not those of the tool.
    """
    tool = TOOLS[name]
    return tool.answer(tool.asks.model_validate(dict(arguments)), records)
