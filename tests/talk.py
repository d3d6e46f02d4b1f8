"""Conversations for tests of critics, written line by line."""

import json
from dataclasses import dataclass, replace

from pydantic import JsonValue

from sidecritic.checks.base import Finding, Pack
from sidecritic.critics.base import THRESHOLD
from sidecritic.critics.policy import noisy_or
from sidecritic.trace import SUPERVISOR
from sidecritic.types import (
    Assistant,
    Message,
    Proposal,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)


@dataclass(frozen=True)
class Talk:
    """A conversation so far; every method returns a longer one, or a proposal that ends it."""

    tools: tuple[ToolSpec, ...]
    history: tuple[Message, ...] = ()
    policy: str = ""
    """The rules of the run, of which checks read their numbers."""

    def user(self, text: str) -> "Talk":
        return self._with(User(text=text))

    def agent(self, text: str) -> "Talk":
        return self._with(Assistant(text=text))

    def did(self, name: str, result: JsonValue, /, **args: JsonValue) -> "Talk":
        return self._executed(name, result, args)

    def failed(self, name: str, result: JsonValue, /, **args: JsonValue) -> "Talk":
        return self._executed(name, result, args, is_error=True)

    def refused(self, name: str, **args: JsonValue) -> "Talk":
        return self.failed(name, f"{SUPERVISOR} This call was not executed. No.", **args)

    def refused_words(self, text: str) -> "Talk":
        return self._with(Assistant(text=text), User(text=f"{SUPERVISOR} Not sent. No."))

    def calls(self, name: str, /, **args: JsonValue) -> Proposal:
        return self._proposal(Assistant(calls=(self._call(name, args),)))

    def says(self, text: str) -> Proposal:
        return self._proposal(Assistant(text=text))

    def _executed(
        self, name: str, result: JsonValue, args: dict[str, JsonValue], *, is_error: bool = False
    ) -> "Talk":
        made = self._call(name, args)
        text = result if isinstance(result, str) else json.dumps(result)
        answer = ToolResult(call_id=made.id, name=name, text=text, is_error=is_error)
        return self._with(Assistant(calls=(made,)), answer)

    def _with(self, *messages: Message) -> "Talk":
        return replace(self, history=(*self.history, *messages))

    def _call(self, name: str, args: dict[str, JsonValue]) -> ToolCall:
        raw = json.dumps(args)
        return ToolCall(id=f"c{len(self.history)}", name=name, arguments=args, raw=raw)

    def _proposal(self, action: Assistant) -> Proposal:
        return Proposal(
            task_id="t",
            turn=0,
            attempt=0,
            action=action,
            history=self.history,
            policy=self.policy,
            tools=self.tools,
        )


def specs(reads: str, writes: str) -> tuple[ToolSpec, ...]:
    """Return tools by name; `transfer_to_human_agents` is always among them."""
    return (
        *(ToolSpec(name=name, effect="read") for name in reads.split()),
        *(ToolSpec(name=name, effect="write") for name in writes.split()),
        ToolSpec(name="transfer_to_human_agents"),
    )


def sent_back(pack: Pack, proposal: Proposal) -> bool:
    """Whether what a pack holds against a proposal is enough to refuse it."""
    against = (finding.risk for finding in pack.findings(proposal))
    return noisy_or(against) >= THRESHOLD


def fired(pack: Pack, proposal: Proposal) -> dict[str, Finding]:
    """Return what a pack holds against a proposal, by the name of the check."""
    return {finding.check: finding for finding in pack.findings(proposal)}
