"""A library's desk: its policy, its tools and short conversations of its agent."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

POLICY = "1. Renew a loan only if nobody has reserved the book.\n2. Say only what was done."
PROMPT = "Signed in: Noor Aziz, card L-204. Today is 3 March 2026."


def function(name: str, effect: str | None = None, **properties: str) -> Json:
    """A tool in OpenAI's form, with its effect where one is given."""
    schema = {"type": "object", "properties": {k: {"type": v} for k, v in properties.items()}}
    tool: Json = {"type": "function", "function": {"name": name, "parameters": schema}}
    return tool if effect is None else {**tool, "effect": effect}


TOOLS = [
    function("list_loans", "read", card="string"),
    function("renew_loan", "write", loan="string"),
    function("pay_fine", "write", card="string", cents="integer"),
]


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def says(text: str) -> Json:
    return {"role": "assistant", "content": text}


def calls(*made: tuple[str, str, Json]) -> Json:
    """A turn of calls, each with its id, name and arguments."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": id, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
            for id, n, a in made
        ],
    }


def result(id: str, value: object) -> Json:
    return {"role": "tool", "tool_call_id": id, "content": json.dumps(value)}


def label(message: int, verdict: str, call: str | None = None, why: str = "") -> Json:
    return {"message": message, "call": call, "label": verdict, "why": why}


def renewal(name: str = "renewal", *, loan: str = "B-7", verdict: str = "right") -> Json:
    """A conversation in which a loan is looked up, renewed and confirmed."""
    return {
        "id": name,
        "domain": "library",
        "task": name,
        "actor": "desk-model",
        "messages": [
            {"role": "system", "content": PROMPT},
            user("Please renew my loan B-7."),
            calls(("c1", "list_loans", {"card": "L-204"})),
            result("c1", [{"loan": "B-7", "reserved": False}, {"loan": "B-9", "reserved": True}]),
            calls(("c2", "renew_loan", {"loan": loan})),
            result("c2", {"loan": loan, "due": "2026-04-01"}),
            says("Your loan B-7 is renewed. Good-bye!"),
        ],
        "labels": [
            label(2, "right", "c1"),
            label(4, verdict, "c2", "" if verdict == "right" else "the user named B-7"),
            label(6, verdict),
        ],
    }


def batch(name: str = "batch") -> Json:
    """A conversation whose agent renews the right loan and a wrong one in one turn."""
    return {
        "id": name,
        "domain": "library:night",
        "task": "two",
        "messages": [
            {"role": "system", "content": PROMPT},
            user("Renew B-7."),
            calls(("c1", "renew_loan", {"loan": "B-7"}), ("c2", "renew_loan", {"loan": "B-9"})),
            result("c1", "ok"),
            result("c2", "reserved"),
            says("B-7 is renewed."),
        ],
        "labels": [label(2, "right", "c1"), label(2, "wrong", "c2", "nobody asked for B-9")],
    }


def written(file: Path, *lines: Json) -> Path:
    """Write lines of JSON."""
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file
