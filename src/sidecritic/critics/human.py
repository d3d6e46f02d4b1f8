"""A person at a terminal as the critic.

What is shown was written by users, tools and models: nothing in it reaches the terminal as
anything but visible characters, and every line of it, wrapped ones included, begins with a bar.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from time import perf_counter
from typing import Protocol, TextIO
from unicodedata import east_asian_width

from sidecritic.checks.base import Examiner, Finding
from sidecritic.errors import CriticError, boundary
from sidecritic.types import (
    Approve,
    Assistant,
    Escalate,
    Halt,
    Judgement,
    Message,
    Proposal,
    Revise,
    ToolResult,
    Verdict,
)

MESSAGES = 6
"""Last messages that are shown with a proposal; `more` shows all."""

_CHARACTERS = 800
"""Of one message that is shown unasked; the proposal itself is never shortened."""

_CHOICES = "[a]pprove  [r]evise  [e]scalate  [h]alt  [m]ore  [p]olicy > "


class Input(Protocol):
    """Where lines come from, such as an open text file."""

    def readline(self) -> str:
        """Return the next line with its newline; nothing at the end of the input."""
        ...


class Terminal:
    """One person, who is asked one question at a time."""

    def __init__(self, lines: Input, out: TextIO, *, width: int = 100) -> None:
        self._lines = lines
        self._out = out
        self.width = max(width, 20)
        """Columns that a line may take."""
        self.turn = asyncio.Lock()
        """Held from the first to the last line of one dialogue."""
        self._reading: asyncio.Future[str] | None = None

    def show(self, text: str) -> None:
        """Write `text` as it is.

        Raises:
            CriticError: the terminal takes no more.
        """
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError) as cause:
            raise CriticError(
                f"the person cannot be asked: the terminal is closed ({cause})"
            ) from cause

    async def ask(self, prompt: str) -> str:
        """Return what the person types, without its newline; other tasks run meanwhile.

        Raises:
            CriticError: the input has ended, as by Ctrl-D, or cannot be read.
        """
        self.show(prompt)
        # A question that was cancelled leaves its read behind: the line belongs to the next one.
        reading = self._reading or self._read()
        self._reading = reading
        try:
            line = await asyncio.shield(reading)
        except (OSError, ValueError) as cause:
            self._reading = None
            raise CriticError(f"the person cannot be asked: {cause}") from cause
        self._reading = None
        if not line:
            raise CriticError("the person gave no verdict: the input has ended")
        return line.strip()

    def _read(self) -> "asyncio.Future[str]":
        """Start to read a line in a thread that never keeps the process from ending."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()

        def read() -> None:
            try:
                deliver = partial(future.set_result, self._lines.readline())
            except (OSError, ValueError) as error:
                deliver = partial(future.set_exception, error)
            # The loop may have ended while the person was still typing.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver)

        Thread(target=read, name="terminal", daemon=True).start()
        return future


@dataclass(frozen=True, slots=True)
class HumanCritic:
    """Ask a person about every proposal."""

    terminal: Terminal
    evidence: Examiner | None = None
    """What fires against a proposal is shown with it."""
    name: str = "human"

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return what the person decides; nothing else has a say.

        Raises:
            CriticError: the input has ended, or the terminal is closed.
        """
        page = _Page(self.terminal.width)
        checks = await self._checks(proposal, page)
        async with self.terminal.turn:
            started = perf_counter()
            self.terminal.show("\n".join([*page.question(proposal), *checks]))
            verdict = await self._decide(proposal, page)
        return Judgement(verdict=verdict, critic=self.name, seconds=perf_counter() - started)

    async def _checks(self, proposal: Proposal, page: "_Page") -> list[str]:
        try:
            with boundary(CriticError, "the checks"):
                findings = await self.evidence.examined(proposal) if self.evidence else ()
        except CriticError as error:
            # The person is asked all the same, and told that the checks are missing.
            return ["Checks failed:", *page.barred(str(error)), ""]
        return [*(line for finding in findings for line in page.finding(finding)), ""]

    async def _decide(self, proposal: Proposal, page: "_Page") -> Verdict:
        while True:
            match (await self.terminal.ask(_CHOICES)).lower():
                case "a" | "approve":
                    return Approve()
                case "r" | "revise":
                    return Revise(feedback=await self._said("What should the agent do instead?"))
                case "e" | "escalate":
                    return Escalate(reason=await self._said("Why must a person take over?"))
                case "h" | "halt":
                    return Halt(reason=await self._said("Why must it stop?"))
                case "m" | "more":
                    self.terminal.show("\n".join([*page.conversation(proposal.history), ""]))
                case "p" | "policy":
                    self.terminal.show("\n".join([*page.barred(proposal.policy), ""]))
                case _:
                    self.terminal.show("Type one of the letters in brackets.\n")

    async def _said(self, question: str) -> str:
        while not (said := await self.terminal.ask(f"{question} > ")):
            pass
        return said


# --- what is shown -------------------------------------------------------------------------


def visible(text: str) -> str:
    """Return the text with invisible characters spelled out; newlines stay."""
    text = text.replace("\t", "    ")
    shown = (c if c.isprintable() or c == "\n" else f"\\u{{{ord(c):x}}}" for c in text)
    return "".join(shown)


@dataclass(frozen=True, slots=True)
class _Page:
    """Lines for a terminal of some width."""

    width: int

    def question(self, proposal: Proposal) -> Iterable[str]:
        yield ""
        yield f"--- turn {proposal.turn + 1}, attempt {proposal.attempt + 1} of the task"
        yield from self.barred(proposal.task_id)
        last = proposal.history[-MESSAGES:]
        if earlier := len(proposal.history) - len(last):
            yield f"({earlier} earlier messages: m shows them)"
        yield from self.conversation(last, limit=_CHARACTERS)
        yield "The agent wants to:"
        yield from self._action(proposal.action)

    def finding(self, finding: Finding) -> Iterable[str]:
        if finding.feedback:
            yield f"Check fired, score {finding.risk:.2f}, no probability:"
        yield from self.barred(f"{finding.check}: {finding.feedback}")
        if finding.evidence:
            yield from self.barred(f"because of: {finding.evidence}")

    def conversation(
        self, messages: Sequence[Message], *, limit: int | None = None
    ) -> Iterable[str]:
        for message in messages:
            if isinstance(message, Assistant):
                yield from ("agent:", *self._action(message, limit))
            elif isinstance(message, ToolResult):
                yield "tool result, an error:" if message.is_error else "tool result:"
                yield from self.barred(f"{message.name}: {message.text}", limit)
            else:
                yield from (f"{message.role}:", *self.barred(message.text, limit))

    def _action(self, action: Assistant, limit: int | None = None) -> Iterable[str]:
        if action.text or not action.calls:
            yield from self.barred(action.text or "(nothing)", limit)
        for call in action.calls:
            if call.arguments is None:
                said = f"with arguments that are not a JSON object: {call.raw}"
            else:
                said = json.dumps(call.arguments, indent=2, ensure_ascii=False)
            yield from self.barred(f"call {call.name} {said}", limit)

    def barred(self, text: str, limit: int | None = None) -> Iterable[str]:
        cut = max(len(text) - limit, 0) if limit is not None else 0
        for line in visible(text[: len(text) - cut]).split("\n"):
            yield from (f"{_BAR}{part}" for part in _wrapped(line, self.width - len(_BAR)))
        if cut:
            yield f"({cut} more characters: m shows them)"


_BAR = "  | "


def _wrapped(line: str, width: int) -> Iterable[str]:
    """Yield the line in parts; a terminal that wrapped it would begin one without a bar."""
    start = columns = 0
    for at, character in enumerate(line):
        wide = 2 if east_asian_width(character) in "WF" else 1
        if columns + wide > width:
            yield line[start:at]
            start, columns = at, 0
        columns += wide
    yield line[start:]
