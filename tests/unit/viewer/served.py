"""The viewer's server without a socket, and what its pages are read by."""

from collections.abc import Sequence
from typing import Any

import httpx2

from sidecritic.errors import ConfigError, StoreError
from sidecritic.types import Assistant, Judgement, Proposal, Revise, ToolCall, User
from sidecritic.viewer.server.desk import Row, Standing

HERE = "http://127.0.0.1:8788"


async def got(app: Any, path: str, **more: Any) -> httpx2.Response:
    """Ask for a page as a browser of this machine does."""
    return await sent(app, "GET", path, **more)


async def posted(app: Any, path: str, fields: dict[str, str], **more: Any) -> httpx2.Response:
    """Send a form as a page of the viewer does."""
    headers = {"Origin": HERE, **more.pop("headers", {})}
    return await sent(app, "POST", path, data=fields, headers=headers, **more)


async def sent(
    app: Any, method: str, path: str, *, base: str = HERE, **more: Any
) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
        return await client.request(method, path, **more)


def stored(text: str = "Refund it.", **more: Any) -> dict[str, Any]:
    """Return a decision as the store of a gateway has it."""
    call = ToolCall(id="c1", name="refund", arguments={"id": "7"}, raw='{"id": "7"}')
    proposal = Proposal(
        task_id="t",
        turn=0,
        attempt=0,
        action=Assistant(calls=(call,)),
        history=(User(text=text),),
        policy="",
        tools=(),
    )
    judgement = Judgement(verdict=Revise(feedback="Ask first."), critic="llm", risk=0.9)
    content = {
        "proposal": proposal.model_dump(mode="json"),
        "judgement": judgement.model_dump(mode="json"),
    }
    row = {
        **{"id": "d1", "at": 1.7e9, "route": "desk", "mode": "enforce", "tools": "refund"},
        **{"verdict": "revise", "status": "ok", "risk": 0.9, "fate": "refused", "broken": ""},
        **{"label": "", "label_note": "", "content": content},
    }
    return row | more


class FakeDesk:
    """A gateway's store in memory."""

    def __init__(self, *decisions: dict[str, Any], broken: bool = False) -> None:
        self.rows = {row["id"]: row for row in decisions}
        self.ruled: list[tuple[str, bool, str]] = []
        self.open: list[Row] = []
        self._broken = broken

    def counts(self) -> Sequence[Row]:
        if self._broken:
            raise StoreError("the decision store failed (OperationalError)")
        objections = sum(row["verdict"] != "approve" for row in self.rows.values())
        count = {"proposals": len(self.rows), "objections": objections, "critic_failures": 0}
        return [{"route": "desk", "mode": "enforce", **count}]

    def decisions(self, *, show: str, limit: int) -> Sequence[Row]:
        rows = [r for r in self.rows.values() if show != "objected" or r["verdict"] != "approve"]
        return rows[:limit]

    def decision(self, id: str) -> Row:
        if id not in self.rows:
            raise ConfigError(f"no decision {id!r}")
        return self.rows[id]

    def label(self, id: str, label: str, note: str) -> None:
        self.rows[id] |= {"label": label, "label_note": note}

    def cases(self) -> Sequence[Row]:
        return self.open

    def rule(self, id: str, *, approve: bool, feedback: str) -> None:
        self.ruled.append((id, approve, feedback))
        self.open = [case for case in self.open if case["id"] != id]

    def standing(self) -> Sequence[Standing]:
        return [Standing("stay in shadow: too few labels", ("p = unknown",))]


def waiting(text: str = "Send 900.") -> Row:
    """Return a case that waits for a person."""
    action = Assistant(text=text).model_dump(mode="json")
    case = {"id": "k1", "decision": "d1", "route": "desk", "reason": "unsure"}
    return {**case, "expires": 4e9, "content": action}
