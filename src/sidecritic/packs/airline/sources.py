"""Airline: in which messages of the history the grounds of a finding are."""

import re
from collections.abc import Iterable

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.sources import shown_at
from sidecritic.packs.airline.flights import DIRECT, ONE_STOP, Leg
from sidecritic.packs.airline.records import PROFILE, RESERVATION
from sidecritic.values import JsonObject, text_of


def read(case: Case) -> JsonObject:
    """Return the reservation of a call, or else the profile of its user, as the agent read it."""
    return RESERVATION.seen(case) or PROFILE.seen(case)


def read_at(case: Case) -> tuple[int, ...]:
    """Return where the agent read it."""
    return shown_at(case.facts, read(case))


def status_read_at(facts: Facts, legs: Iterable[Leg]) -> tuple[int, ...]:
    """Return where the agent read the status of flights."""
    numbers = {leg.number for leg in legs}
    return tuple(
        done.position
        for done in facts.done
        if not done.is_error and text_of(done.arguments, "flight_number") in numbers
    )


def searched_at(facts: Facts) -> tuple[int, ...]:
    """Return where the agent searched for flights."""
    return tuple(done.position for done in facts.done if done.call.name in (DIRECT, ONE_STOP))


def said_at(facts: Facts, words: re.Pattern[str]) -> tuple[int, ...]:
    """Return the user's last message that holds the words."""
    lines = (line.position for line in reversed(facts.user_lines) if words.search(line.lower))
    return tuple(lines)[:1]
