"""A minute of hostile text at the checks of every shipped pack: `make test-fuzz`.

    FUZZ_SECONDS=60 pytest tests/fuzz_checks.py

Pumps repeat what the patterns themselves look for, in every place of a proposal. A verdict takes
time that grows as the text does and no more than `MOST_SECONDS`, and no check fails. Not collected
by name: it takes as long as it is told to.
"""

import json
import os
import re
from collections.abc import Iterator
from importlib import import_module
from math import log
from pkgutil import walk_packages
from random import Random
from time import monotonic, process_time
from typing import cast

import pytest
from pydantic import JsonValue

import sidecritic.checks
import sidecritic.english
import sidecritic.packs
from sidecritic.assembly.packs import default_pack
from sidecritic.checks.base import Pack
from sidecritic.checks.structural import STRUCTURAL
from sidecritic.english.lexicon import Intent
from sidecritic.packs.registry import shipped
from sidecritic.types import (
    Assistant,
    Message,
    Proposal,
    System,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SIZES = (12_000, 25_000, 50_000, 100_000)
MOST_SECONDS = 0.25
"""CPU of one verdict."""
NOISE = 0.04
"""CPU below which no exponent is fitted."""
EXPONENT = 1.2

WRITES = sorted(
    {tool for pack in shipped().values() for check in pack.calls for tool in check.tools}
)
KEYS = {
    "find_user_id_by_email": "email",
    "get_order_details": "order_id",
    "get_user_details": "user_id",
    "get_product_details": "product_id",
    "get_reservation_details": "reservation_id",
    "get_flight_status": "flight_number",
    "search_direct_flight": "origin",
    "get_order": "order_id",
    "get_customer_by_phone": "phone_number",
    "get_details_by_id": "line_id",
    "get_bills_for_customer": "bill_id",
    "get_data_usage": "line_id",
}
READS = tuple(KEYS)
TOOLS = (
    *(ToolSpec(name=name, effect="read") for name in READS),
    *(ToolSpec(name=name, effect="write") for name in WRITES),
    ToolSpec(name="transfer_to_human_agents"),
)
CALLED = [
    "order_id",
    "reservation_id",
    "user_id",
    "customer_id",
    "line_id",
    "bill_id",
    "product_id",
    "item_id",
]
PLAIN = (
    "cancel, ",
    "1,",
    "1",
    "$1",
    " ",
    "\t",
    "\n",
    "[",
    "{",
    "*",
    "-",
    "#",
    "a-",
    "a_",
    ".",
    "? ",
)
LINES = ("- a: b\n", "order id: #W1\n", "1.50 ", "yes ", "no ", '"', "\u2019", "\u00e9", "$1,1,1")


def literals() -> tuple[str, ...]:
    """Return the words of all patterns in the modules of the checks."""
    found: set[str] = set()
    for package in (sidecritic.checks, sidecritic.english, sidecritic.packs):
        for each in walk_packages(package.__path__, f"{package.__name__}."):
            module = import_module(each.name)
            for pattern in patterns(vars(module)):
                found.update(re.findall(r"[a-z$#][a-z']+(?: [a-z']+)*", pattern))
    return tuple(sorted(found))


def patterns(value: object) -> Iterator[str]:
    """Walk over the patterns that a value of a module holds."""
    if isinstance(value, re.Pattern):
        yield cast("re.Pattern[str]", value).pattern
    elif isinstance(value, Intent):
        yield from (*value.past, value.spoken.pattern)
    elif isinstance(value, dict | tuple | list):
        held = cast("dict[object, object] | list[object]", value)
        for part in held.values() if isinstance(held, dict) else held:
            yield from patterns(part)


WORDS = literals()


def pumped(rng: Random) -> str:
    """Return what is repeated: words of the patterns, joined by what may stand between them."""
    if rng.random() < 0.3:
        return rng.choice((*PLAIN, *LINES))
    words = rng.choices((*WORDS, *PLAIN), k=rng.randint(1, 3))
    return rng.choice(" ,.\n-'").join(words) + rng.choice((" ", ", ", ". ", "\n", "", "? "))


def filled(pump: str, size: int) -> str:
    return (pump * (size // len(pump) + 1))[:size]


def record(text: str, key: str) -> JsonValue:
    entry: JsonValue = {
        **{"name": text[:40], "item_id": "1000001", "product_id": "W1000001", "price": 1.25},
        **{"options": {"a": text, "size": text[:12]}, "available": True},
    }
    return {
        **{
            key: "W1000001",
            "user_id": "u_1",
            "customer_id": "C1",
            "phone_number": text[:12],
            "status": text[:60],
        },
        **{"items": [entry], "variants": {"1000002": entry}, "address": {"address1": text}},
        **{"flights": [{"flight_number": "HAT1", "date": text[:20], "price": 1}]},
        **{"passengers": [{"first_name": text[:50]}], "created_at": text[:30], "insurance": text},
        **{"payment_methods": {"card_1": {"source": text}}, "payment_history": [{"amount": 1}]},
    }


def history(slot: str, pump: str, size: int) -> Iterator[Message]:
    text = filled(pump, size)
    yield System(text="Rules.")
    yield User(
        text=f"Please cancel order #W1000001 {text if slot == 'user' else ''} and return it."
    )
    for number, tool in enumerate(READS):
        key, word = KEYS[tool], pump[:40]
        shown = record(text if slot == "record" else word, key)
        raw = text if slot == "result" else json.dumps(shown)
        if slot == "list":
            raw = json.dumps([shown] * (size // (600 * len(READS)) + 1))
        call = ToolCall(id=f"c{number}", name=tool, arguments={key: "W1000001"}, raw="{}")
        yield Assistant(calls=(call,))
        one = slot in ("result", "record") and number % 4
        yield ToolResult(
            call_id=call.id, name=tool, text=json.dumps(record(word, key)) if one else raw
        )
    for number in range(size // 240 if slot == "talk" else 2):
        part = filled(pump, 120) if slot == "talk" else "Shall I proceed? (yes/no)"
        yield Assistant(text=part if number % 2 else f"{part} Shall I proceed?")
        yield User(text=filled(pump, 120) if slot == "talk" else "Yes.")
    for number in range(size // 200 if slot == "writes" else 1):
        tool = WRITES[number % len(WRITES)]
        call = ToolCall(id=f"w{number}", name=tool, arguments={"order_id": pump[:60]}, raw="{}")
        yield Assistant(calls=(call,))
        yield ToolResult(call_id=call.id, name=tool, text=json.dumps(record(pump[:20], "order_id")))
    yield Assistant(text=f"{text if slot == 'agent' else 'I will.'} Do you confirm (yes/no)?")
    yield User(text=f"Yes, go ahead. {text if slot == 'answer' else ''}")


def proposal(slot: str, pump: str, size: int, tool: str) -> Proposal:
    text = filled(pump, size)
    given: JsonValue = text if slot == "arguments" else pump[:60]
    arguments: dict[str, JsonValue] = dict.fromkeys(CALLED, "W1000001")
    arguments |= {"reason": given, "address1": given, "payment_method_id": given, "amount": given}
    arguments |= {"item_ids": ["1000001", given], "new_item_ids": ["1000002"], "cabin": given}
    arguments |= {"flights": [{"flight_number": given, "date": "2024-05-20"}], "gb_amount": 1.5}
    if slot == "many arguments":
        arguments["item_ids"] = [f"{pump[:8]}{at}" for at in range(size // 20)]
    call = ToolCall(id="p", name=tool, arguments=arguments, raw=json.dumps(arguments))
    words = Assistant(
        text=f"{text if slot == 'draft' else ''} That is done, $12.34. Have a great day!"
    )
    return Proposal(
        task_id="t",
        turn=0,
        attempt=0,
        action=Assistant(calls=(call,)) if tool else words,
        history=tuple(history(slot, pump, size)),
        policy="",
        tools=TOOLS,
    )


SLOTS = (
    *("user", "answer", "agent", "draft", "result", "record", "list", "talk", "writes"),
    *("arguments", "many arguments"),
)


def seconds(pack: Pack, made: Proposal) -> float:
    """Return the CPU time of a verdict, the least of two; no check may fail."""
    taken: list[float] = []
    for _ in range(2):
        started = process_time()
        found = pack.findings(made)
        taken.append(process_time() - started)
        assert not [(f.check, f.evidence) for f in found if f.check.endswith(" failed")]
        if taken[0] < NOISE:
            break
    return min(taken)


def exponent(times: list[float]) -> float:
    """Return the slope of time over size, both as logarithms, by least squares."""
    xs, ys = [log(size) for size in SIZES], [log(max(time, 1e-4)) for time in times]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum(
        (a - x) ** 2 for a in xs
    )


def draws(rng: Random) -> Iterator[tuple[str, str]]:
    for pump in (*PLAIN, *LINES):
        for slot in SLOTS:
            yield slot, pump
    while True:
        yield rng.choice(SLOTS), pumped(rng)


def test_time_grows_as_the_text_does_and_no_check_fails() -> None:
    rng, until = Random(int(os.environ.get("FUZZ_SEED", "1"))), monotonic() + SECONDS
    packs = [STRUCTURAL, *map(default_pack, shipped().values())]
    for slot, pump in draws(rng):
        if monotonic() > until:
            break
        pack = rng.choice(packs)
        mine = sorted({tool for check in pack.calls for tool in check.tools})
        tool = "" if slot == "draft" else rng.choice([*mine, "transfer_to_human_agents", "", "put"])
        case = f"{pack.name}, {slot}, {tool or 'words'}: {pump!r}"
        last = seconds(pack, proposal(slot, pump, SIZES[-1], tool))
        assert last <= MOST_SECONDS, f"{last:.2f} s: {case}"
        if last > NOISE:
            times = [
                *(seconds(pack, proposal(slot, pump, size, tool)) for size in SIZES[:-1]),
                last,
            ]
            assert exponent(times) <= EXPONENT, f"{times}: {case}"


ODD: tuple[JsonValue, ...] = (
    None,
    True,
    -1,
    1.5,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": None},
    10**400,
)
RAW = ("[" * 1000, '{"a":' * 1000, "NaN", "[NaN]", '{"price": Infinity}', '{"amount": 1e999}', "{")


@pytest.mark.parametrize("pack", [STRUCTURAL, *shipped().values()], ids=lambda pack: pack.name)
def test_whatever_the_types_no_check_fails(pack: Pack) -> None:
    rng = Random(2)
    base = json.loads(json.dumps(record("x", "order_id")))
    for tool in (*sorted({t for check in pack.calls for t in check.tools}), "put", ""):
        for _ in range(60):
            odd = {
                key: rng.choice([value, *ODD]) for key, value in base.items() if rng.random() < 0.8
            }
            results = [json.dumps(odd), rng.choice(RAW), json.dumps([odd, rng.choice(ODD)])]
            talk: list[Message] = [
                User(text=rng.choice(["", "$" + "9" * 400, "1" * 400 + ".00", "x"]))
            ]
            for number, text in enumerate(results):
                name = rng.choice((*READS, *WRITES))
                given = {key: rng.choice(ODD) for key in CALLED if rng.random() < 0.5}
                call = ToolCall(id=f"{number}", name=name, arguments=given, raw="")
                talk += [
                    Assistant(calls=(call,)),
                    ToolResult(call_id=call.id, name=name, text=text),
                ]
            talk += [Assistant(text="Shall I proceed? $" + "9" * 400), User(text="Yes.")]
            made = proposal("", "x", 1, tool)
            if tool:
                [call] = made.action.calls
                given = {k: rng.choice([v, *ODD]) for k, v in (call.arguments or {}).items()}
                given |= {"passengers": rng.choice(ODD), "payment_methods": rng.choice(ODD)}
                arguments = {k: v for k, v in given.items() if rng.random() < 0.8}
                call = call.model_copy(update={"arguments": rng.choice([arguments, None])})
                made = made.model_copy(update={"action": Assistant(calls=(call,))})
            else:
                text = f"Refunded ${'9' * 400} and {'1' * 400}.00, it has been cancelled."
                made = made.model_copy(update={"action": Assistant(text=text)})
            found = pack.findings(made.model_copy(update={"history": tuple(talk)}))
            assert not [(f.check, f.evidence) for f in found if f.check.endswith(" failed")]
