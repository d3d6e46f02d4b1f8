"""The pack for UserBench: elicit first, answer what was asked for, once, and not needlessly dear.

It knows what the agent knows: the user's words, the options that searches returned, and what
was said. It cannot tell whether an option fits a preference that the user hinted at; that is for
a critic that understands language.
"""

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, cast

from sidecritic.checks.base import Objection, Pack, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject, number_of, object_of, text_of, texts_of

_TOOL = "interact_with_env"
_ID = re.compile(r"[ACFHR]\d+")

_NAMES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "A": re.compile(r"\b(apartment|flat)"),
        "C": re.compile(r"\b(car|cars|vehicle)\b"),
        "F": re.compile(r"\b(fly|flight|airline|plane)"),
        "H": re.compile(r"\bhotel"),
        "R": re.compile(r"\b(restaurant|dinner|lunch|eat|dine)"),
    }
)
"""How an aspect is named in words, by the letter of its options."""
_CALLED: Mapping[str, str] = MappingProxyType(
    {"A": "apartment", "C": "rental car", "F": "flight", "H": "hotel", "R": "restaurant"}
)

ASK_FIRST = "Find out what the user prefers for an aspect before you answer for it."
AS_ASKED = "Recommend nothing for what the user did not ask for."
ONCE = "You have one recommendation for each aspect, and it is final."
BY_ID = "Recommend an option by its id, and nothing else."
CHEAPEST = "Among the options that satisfy every preference, recommend the cheapest."


class Interaction(NamedTuple):
    choice: str
    content: str
    result: str


def interactions(facts: Facts) -> Iterator[Interaction]:
    """Walk over what has been done so far, words without a call included."""
    for done in facts.done:
        if done.call.name == _TOOL and not done.is_error:
            choice = text_of(done.arguments, "choice")
            yield Interaction(choice, text_of(done.arguments, "content"), done.text)
    for line in facts.agent_lines:
        yield Interaction("action", line.text, "")


def options(facts: Facts) -> dict[str, JsonObject]:
    """Return the options that searches have returned, by id."""
    found: dict[str, JsonObject] = {}
    for each in interactions(facts):
        for line in each.result.splitlines() if each.choice == "search" else ():
            option = _parsed(line)
            if text_of(option, "id"):
                found[text_of(option, "id")] = option
    return found


def _parsed(line: str) -> JsonObject:
    if not line.startswith("{"):
        return {}
    try:
        return cast("JsonObject", json.loads(line))
    except ValueError:
        return {}


def _answer(call: ToolCall) -> str:
    """Return what a call answers; empty when it is another interaction."""
    arguments = call.arguments or {}
    content = text_of(arguments, "content").removeprefix("[answer]").strip()
    return content if text_of(arguments, "choice") == "answer" else ""


def _letter(call: ToolCall) -> str:
    answer = _answer(call)
    return answer[0] if _ID.fullmatch(answer) else ""


@call_check("not an id", risk=0.9, tools=[_TOOL], policy=BY_ID)
def not_an_id(case: Case) -> Objection | None:
    """Fire on an answer that is anything but one id."""
    answer = _answer(case.call)
    if not answer or _ID.fullmatch(answer):
        return None
    return Objection("Answer with one id of an option, such as H12, and nothing else.", answer[:80])


@call_check("nothing asked", risk=0.9, tools=[_TOOL], policy=ASK_FIRST)
def nothing_asked(case: Case) -> Objection | None:
    """Fire on an answer for an aspect that the user was never asked about."""
    letter = _letter(case.call)
    said = [each.content.lower() for each in interactions(case.facts) if each.choice == "action"]
    if not letter or any(_NAMES[letter].search(text) for text in said):
        return None
    feedback = (
        f"The user has not been asked what matters about the {_CALLED[letter]}. Ask about one "
        "particular preference after the other before this answer, which is final."
    )
    return Objection(feedback, risk=0.55 if said else None)


@call_check("not asked for", risk=0.9, tools=[_TOOL], policy=AS_ASKED)
def not_asked_for(case: Case) -> Objection | None:
    """Fire on an answer for an aspect that neither the user nor a search knows of."""
    letter = _letter(case.call)
    searched = any(id_[0] == letter for id_ in options(case.facts))
    if not letter or searched or _NAMES[letter].search(case.facts.said):
        return None
    called = _CALLED[letter]
    return Objection(f"The user did not ask for a {called}. Answer for what was asked for only.")


@call_check("answered already", risk=0.95, tools=[_TOOL], policy=ONCE)
def answered_already(case: Case) -> Objection | None:
    """Fire on a second answer for the same aspect."""
    letter = _letter(case.call)
    for each in interactions(case.facts):
        if letter and each.choice == "answer" and each.content.strip().startswith(letter):
            return Objection(
                f"The {_CALLED[letter]} was recommended already, and that is final. Go on with "
                "what is left.",
                each.content,
            )
    return None


@call_check("option never shown", risk=0.95, tools=[_TOOL], policy=BY_ID)
def never_shown(case: Case) -> Objection | None:
    """Fire on an id that no search has returned."""
    answer, shown = _answer(case.call), options(case.facts)
    if not _letter(case.call) or answer in shown:
        return None
    searched = any(id_[0] == answer[0] for id_ in shown)
    advice = "Take one of the options shown." if searched else "Search for its options first."
    return Objection(f"{answer} is no option that a search has returned. {advice}", answer)


@call_check("dearer than its equal", risk=0.7, tools=[_TOOL], policy=CHEAPEST)
def dearer_than_its_equal(case: Case) -> Objection | None:
    """Fire when an option shown costs less and is at least as good in everything listed."""
    answer, shown = _answer(case.call), options(case.facts)
    if answer not in shown:
        return None
    for id_, other in shown.items():
        if id_[0] == answer[0] and _is_better_buy(other, shown[answer]):
            return Objection(
                f"{id_} costs less than {answer} and has everything that it has. Recommend it "
                "instead, unless the user said something against it.",
                f"{id_} {_cost(other):g}, {answer} {_cost(shown[answer]):g}",
            )
    return None


def _cost(option: JsonObject) -> float:
    cost = option.get("cost")
    if isinstance(cost, list):
        return min((float(each) for each in cost if isinstance(each, int | float)), default=0.0)
    return number_of(option, "cost")


def _is_better_buy(other: JsonObject, option: JsonObject) -> bool:
    """Whether `other` is cheaper, of the same kind, and nowhere worse."""
    same = ("room", "categories", "cuisine", "company")
    if not 0 < _cost(other) < _cost(option) or any(other.get(k) != option.get(k) for k in same):
        return False
    more = all(number_of(other, k) >= number_of(option, k) for k in ("rating", "seats", "capacity"))
    tagged = all(
        set(texts_of(other, key)) >= set(texts_of(option, key)) for key in ("amenities", "tags")
    )
    return more and tagged and _is_same_way(other, option) and _offers_as_much(other, option)


def _is_same_way(other: JsonObject, option: JsonObject) -> bool:
    """Whether a flight goes between the same places, with no more stops and no longer."""
    mine, its = texts_of(option, "path"), texts_of(other, "path")
    if (mine[:1], mine[-1:]) != (its[:1], its[-1:]) or len(its) > len(mine):
        return False
    return _hours(other) <= _hours(option)


def _hours(option: JsonObject) -> float:
    time = option.get("time")
    parts = time if isinstance(time, list) else []
    return sum(each for each in parts if isinstance(each, int | float))


def _offers_as_much(other: JsonObject, option: JsonObject) -> bool:
    """Whether each service and waiver of the option is to be had there for no more."""
    for key in ("service", "insurance"):
        theirs = object_of(other, key)
        for name, price in object_of(option, key).items():
            if isinstance(price, int | float):
                offered = theirs.get(name)
                if not isinstance(offered, int | float) or offered > price:
                    return False
    return True


USERBENCH = Pack.of("userbench", vars())
USERBENCH_MULTI = Pack(
    "userbench:multi", calls=tuple(c for c in USERBENCH.calls if c is not answered_already)
)
