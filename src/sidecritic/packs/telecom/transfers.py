"""Telecom: a transfer comes after every remedy of the manual, and where there is none."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.records import identified
from sidecritic.english.acts import wants_human
from sidecritic.english.text import mentions
from sidecritic.packs.telecom.phone import has_signal, is_online, sim_locked
from sidecritic.packs.telecom.records import (
    REFUEL,
    RESUME,
    ROAMING_ON,
    bills,
    contract_ended,
    customer,
    data_limit,
    lines,
    read_lines,
)
from sidecritic.values import JsonObject, number_of, text_of

TRY_ALL = (
    "Make sure you try all the possible ways to resolve the user's issue before transferring to a "
    "human agent."
)
Issue = Literal["service", "data", "mms", "unknown"]

_COMPLAINTS: Mapping[Issue, re.Pattern[str]] = {
    "mms": re.compile(r"\b(mms|picture messag\w*|pictures?|photos?)\b"),
    "service": re.compile(r"\b(no service|no signal|service)\b"),
    "data": re.compile(r"\b(mobile data|internet|data (connection|speed)|slow|speed)\b"),
}
# Narrower than the words for which roaming may be enabled: here a wrong guess sends back.
_ABROAD = re.compile(
    r"\b(abroad|travel+(ing|led|s)|overseas|foreign|outside (of )?(my|the|our)|in france)\b"
)
_MORE_DATA = re.compile(r"\b(refuel\w*|add\w*( more| extra)? data|more data|extra data)\b")

_REMEDIES: Mapping[Issue, Mapping[str, re.Pattern[str]]] = {
    "service": {
        "airplane mode": re.compile(r"airplane"),
        "the SIM card": re.compile(r"\bsim\b"),
        "the APN settings": re.compile(r"\bapn\b"),
    },
    "data": {
        "airplane mode": re.compile(r"airplane"),
        "the mobile data switch": re.compile(r"mobile data|toggle data|data (is )?enabled"),
        "data saver": re.compile(r"data saver"),
        "the VPN": re.compile(r"\bvpn\b"),
        "the network mode": re.compile(r"network mode|preferred network|\b[45]g"),
    },
    "mms": {
        "the network mode": re.compile(r"network mode|preferred network|\b[2345]g"),
        "the APN settings": re.compile(r"\bapn\b"),
        "Wi-Fi calling": re.compile(r"wi-?fi calling"),
        "the storage permission": re.compile(r"storage"),
        "the SMS permission": re.compile(r"\bsms\b"),
    },
    "unknown": {},
}
"""What the manual has the user check, by what they complain of, as either side speaks of it."""

_FOR_SIGNAL: Mapping[str, re.Pattern[str]] = {
    # The status bar and the network status show whether it is on.
    "airplane mode": re.compile(r"airplane|status bar|network status"),
    "the SIM card": re.compile(r"\bsim\b"),
}
"""What MMS need besides: service. The APN settings are among their own remedies."""
_FOR_DATA: Mapping[str, re.Pattern[str]] = {
    "the mobile data switch": re.compile(
        r"toggle data|status bar|network status"
        r"|\bdata\b[^.!?\n]{0,40}\b(on|off|enabled|disabled|switch(ed)?|setting)\b"
        r"|\b(on|off|enabled?|disabled?|switch|toggle)\b[^.!?\n]{0,20}\b(mobile|cellular) data\b"
    ),
}
"""What MMS need besides: mobile data at any speed, so that data saver and VPN do not matter."""


@call_check("transfer with remedies left", hand_overs=True, risk=0.7, policy=TRY_ALL)
def untried_remedies(case: Case) -> Objection | None:
    """Fire on a transfer while the manual knows what else could help.

    Mobile data and MMS have no fault that only a person can repair. Service has two, a locked
    SIM card and an ended contract.
    """
    issue = _issue_of(case.facts)
    if _asked_for_a_person(case.facts) or _only_a_person_can_help(case.facts):
        return None
    left = [*_account_remedies(case.facts, issue), *_phone_remedies(case.facts, issue)]
    if not left:
        return None
    # A locked SIM card is not known before somebody has looked at it.
    sure = issue != "service" or ("bill" in left[0] and mentions(_words(case.facts), "sim"))
    return Objection(
        f"Before a transfer, go through what is left: {'; '.join(left)}.",
        evidence=f"{issue}: {', '.join(left)}",
        risk=None if sure else 0.4,
    )


def _issue_of(facts: Facts) -> Issue:
    """Return what the user complains of, by their first words about it."""
    for line in facts.user_lines:
        for issue, pattern in _COMPLAINTS.items():
            if pattern.search(line.lower):
                return issue
    return "unknown"


def _asked_for_a_person(facts: Facts) -> bool:
    """Whether the user asked for a person before the agent had offered one."""
    first = next((line for line in facts.lines if wants_human(line.lower)), None)
    return first is not None and first.who == "user"


early_transfer = CallCheck(
    "transfer of an unknown customer",
    hand_overs=True,
    risk=0.7,
    policy=TRY_ALL,
    examine=identified(
        lambda facts: customer(facts) or _asked_for_a_person(facts),
        "Look them up, and try to solve their problem,",
    ),
)


def _only_a_person_can_help(facts: Facts) -> bool:
    ended = any(contract_ended(facts, line) for line in lines(facts).values())
    return ended or sim_locked(facts) is not None


def _account_remedies(facts: Facts, issue: Issue) -> Iterator[str]:
    """Walk over what the agent's own tools could still do."""
    late = [bill.id for bill in bills(facts).values() if bill.status == "overdue"]
    if issue == "service" and late:
        yield f"bill {late[0]} is overdue: send a payment request"
    if issue not in ("data", "mms"):
        return
    if not any(_is_meant(facts, one) for one in read_lines(facts).values()):
        yield "look up the user's line (status, data usage, roaming)"
    line = next((one for one in lines(facts).values() if _is_meant(facts, one)), None)
    if line is not None:
        yield from _line_remedies(facts, issue, line)


def _is_meant(facts: Facts, line: JsonObject) -> bool:
    return text_of(line, "phone_number") in facts.said


def _line_remedies(facts: Facts, issue: Issue, line: JsonObject) -> Iterator[str]:
    """Walk over what is left for the line that the user means."""
    done = {write.call.name for write in facts.writes}
    # Without service there are no MMS.
    suspended = issue == "mms" and text_of(line, "status").lower() == "suspended"
    if suspended and RESUME not in done:
        yield "the line is suspended: have the overdue bills paid, and resume it"
    if _ABROAD.search(facts.said):
        if line.get("roaming_enabled") is False and ROAMING_ON not in done:
            yield "the user is abroad and the line is not roaming enabled: enable it"
        if "roaming" not in facts.told:
            yield "have the user check that data roaming is on"
    if REFUEL not in done and not _MORE_DATA.search(facts.told):
        yield from _usage_remedies(facts, line)


def _usage_remedies(facts: Facts, line: JsonObject) -> Iterator[str]:
    limit = data_limit(facts, line)
    used = number_of(line, "data_used_gb")
    if not limit:
        yield "check the data usage against the plan's limit"
    elif used >= limit + number_of(line, "data_refueling_gb"):
        yield f"{used:g} of {limit:g} GB are used up: offer to refuel data or to change the plan"


def _phone_remedies(facts: Facts, issue: Issue) -> Iterator[str]:
    """Walk over what the user was never asked to check, and did not mention."""
    words = _words(facts)
    for name, pattern in {**_prerequisites(facts, issue), **_REMEDIES[issue]}.items():
        if not pattern.search(words):
            yield f"have the user check {name}"


def _prerequisites(facts: Facts, issue: Issue) -> Mapping[str, re.Pattern[str]]:
    """Return what repairs that on which MMS depend, as far as it is not known to work."""
    if issue != "mms" or is_online(facts):
        return {}
    return _FOR_DATA if has_signal(facts) else {**_FOR_SIGNAL, **_FOR_DATA}


def _words(facts: Facts) -> str:
    return f"{facts.told}\n{facts.said}"
