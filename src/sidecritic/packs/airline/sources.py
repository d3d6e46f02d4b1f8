"""Airline: in which messages of the history the grounds of a finding are."""

import re
from collections.abc import Iterable

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.packs.airline.flights import DIRECT, ONE_STOP, Leg
from sidecritic.values import text_of


def read_at(case: Case) -> tuple[int, ...]:
    """Return where the agent last read the reservation and the profile of a call."""
    found: dict[str, int] = {}
    arguments = case.arguments
    wanted = {key: text_of(arguments, key) for key in ("reservation_id", "user_id")}
    for done in case.facts.done:
        for key, value in wanted.items():
            if value and not done.is_error and text_of(done.arguments, key) == value:
                found[key] = done.position
    return tuple(sorted(set(found.values())))


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


def said_at(facts: Facts, words: str | re.Pattern[str]) -> tuple[int, ...]:
    """Return the user's last message that holds the words."""
    for line in reversed(facts.user_lines):
        held = words in line.lower if isinstance(words, str) else words.search(line.lower)
        if held:
            return (line.position,)
    return ()
