"""A vet's appointment desk: an agent of one's own, of no benchmark, and the servers it needs.

files(folder)                        policy.md and tools.json
with wire_server(desk_model) ...     the agent's model: books what it was asked for
with wire_server(judge) ...          the critic's: refuses bookings that nobody confirmed
"""

import json
from pathlib import Path

from sidecritic.critics.prompt import APPROVE, REFUSE
from tests.wire import Json, Received, Reply, call, chat

POLICY = """\
# Rules of the appointment desk of a vet's practice
1. Find the owner by phone number before anything else.
2. Before you book or cancel a visit, say which one and wait for a clear yes.
3. Only slots that a search returned are booked.
4. Bleeding, poison, trouble breathing: hand over to a nurse at once.
"""


def _tool(name: str, description: str, *needed: str) -> Json:
    schema = {
        "type": "object",
        "properties": {key: {"type": "string"} for key in needed},
        "required": list(needed),
    }
    inner = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": inner}


TOOLS = [
    _tool("find_owner", "Find an owner by phone number.", "phone"),
    _tool("free_slots", "Slots between two days.", "fromDay", "toDay"),
    _tool("book_visit", "Book a slot for a pet.", "petId", "slotId"),
    _tool("cancel_visit", "Cancel a visit.", "visitId"),
    _tool("transfer_to_nurse", "Hand the chat over to a nurse.", "summary"),
]

PROGRAM = """\
import json, sys
from openai import OpenAI

tools = json.load(open(sys.argv[1]))
rules = "You are the desk of the practice. It is Monday, 1 June 2026."
client = OpenAI()
for asked in sys.argv[2:]:
    messages = [{"role": "system", "content": rules}, {"role": "user", "content": asked}]
    answer = client.chat.completions.create(model="desk", messages=messages, tools=tools)
    said = answer.choices[0].message
    print(json.dumps([call.function.name for call in said.tool_calls or []] or said.content))
"""
"""An agent's program: OpenAI's SDK as it is, its address and key from the environment."""


def chats() -> str:
    """Return two chat logs, one of a booking that nobody confirmed."""
    lines: list[str] = []
    for asked, label in (("Book a visit for Rex.", "wrong"), ("Yes, book slot S-9.", "right")):
        booking = call("book_visit", {"petId": "P-1", "slotId": "S-9"}, id="c1")
        said = {"role": "assistant", "content": None, "tool_calls": [booking]}
        talk = {
            "id": label,
            "messages": [{"role": "user", "content": asked}, said],
            "labels": [{"message": 1, "call": "c1", "label": label}],
        }
        lines.append(f"{json.dumps(talk)}\n")
    return "".join(lines)


def files(folder: Path) -> tuple[Path, Path, Path]:
    """Write policy, tools and program, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    policy, tools, program = folder / "policy.md", folder / "tools.json", folder / "agent.py"
    policy.write_text(POLICY)
    tools.write_text(json.dumps(TOOLS))
    program.write_text(PROGRAM)
    return policy, tools, program


def models(received: Received) -> Reply:
    """Answer as one server that serves the agent's model and the critic's."""
    return desk_model(received) if received.body["model"] == "desk" else judge(received)


def desk_model(received: Received) -> Reply:
    """Answer as the agent's model: book at once when asked to, else greet."""
    asked = str(received.body["messages"][-1]["content"])
    if "book" in asked.lower():
        return chat(None, calls=[call("book_visit", {"petId": "P-1", "slotId": "S-9"})])
    return chat("Good morning! What can I do for you and your pet?")


def judge(received: Received) -> Reply:
    """Answer as the critic's model: refuse a booking that follows on no yes."""
    form = _form(received)
    text = "\n".join(str(each["content"]) for each in received.body["messages"])
    if form == "ToolAnswers":
        return chat(json.dumps({"tools": _TOLD}))
    trajectory, _, case = text.rpartition("## CASE")
    refused = '"book_visit"' in case and "Yes, book" not in trajectory
    if form:
        return chat(json.dumps({"verdict": REFUSE if refused else APPROVE, "confidence": 97}))
    word, other = (REFUSE, APPROVE) if refused else (APPROVE, REFUSE)
    top = [{"token": word, "logprob": -0.03}, {"token": other, "logprob": -3.5}]
    return chat(word, logprobs=[{**top[0], "top_logprobs": top}])


_TOLD = [
    {"name": "free_slots", "effect": "read", "confirmed": False},
    {"name": "book_visit", "effect": "write", "confirmed": True},
    {"name": "cancel_visit", "effect": "write", "confirmed": True},
]


def _form(received: Received) -> str:
    wanted: Json = received.body.get("response_format") or {"type": ""}
    schema: Json = wanted.get("json_schema") or {"name": ""}
    return str(schema["name"] or wanted["type"])
