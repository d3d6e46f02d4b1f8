"""A person as the critic, driven through injected lines: what is shown, asked and decided."""

import asyncio
import io
import os
import pty
import threading
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest

from sidecritic.assembly.terminal import Keyboard
from sidecritic.checks.base import Objection, Pack, call_check
from sidecritic.checks.case import Case
from sidecritic.critics.chain import Chain
from sidecritic.critics.human import HumanCritic, Terminal, visible
from sidecritic.errors import CriticError
from sidecritic.types import (
    Approve,
    Escalate,
    Halt,
    Judgement,
    Proposal,
    Revise,
    ToolCall,
    Verdict,
)
from tests.scored import Scores
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get", "put")).user("Change record 7.").did("get", {"id": 7}, id="7")
WRITE = TALK.calls("put", record="7", value="blue")


@call_check("odd", policy="Be careful.", risk=0.3)
def odd(case: Case) -> Objection:
    return Objection("Nobody asked for \x1b[31mblue.", evidence="value=blue")


@call_check("broken", policy="Work.", risk=0.9)
def broken(case: Case) -> Objection:
    raise KeyError("record")


def terminal(*typed: str, width: int = 100) -> tuple[Terminal, io.StringIO]:
    out = io.StringIO()
    return Terminal(io.StringIO("".join(f"{line}\n" for line in typed)), out, width=width), out


async def asked(
    *typed: str, proposal: Proposal = WRITE, evidence: Pack | None = None, width: int = 100
) -> tuple[Judgement, str]:
    screen, out = terminal(*typed, width=width)
    judgement = await HumanCritic(screen, evidence).judge(proposal)
    return judgement, out.getvalue()


# --- deciding ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [
        (["a"], Approve()),
        (["Approve"], Approve()),
        (["r", "Use green."], Revise(feedback="Use green.")),
        (["revise", "", "  Use green.  "], Revise(feedback="Use green.")),
        (["e", "Too hard."], Escalate(reason="Too hard.")),
        (["h", "Stop it."], Halt(reason="Stop it.")),
        (["", "yes", "A"], Approve()),
        (["m", "p", "a"], Approve()),
    ],
)
async def test_the_person_decides(typed: list[str], verdict: Verdict) -> None:
    judgement, _ = await asked(*typed)
    assert judgement.verdict == verdict
    assert (judgement.critic, judgement.status, judgement.risk) == ("human", "ok", None)
    assert judgement.seconds > 0


async def test_what_cannot_be_read_is_asked_again_and_said() -> None:
    _, shown = await asked("perhaps", "a")
    assert shown.count("[a]pprove") == 2
    assert "Type one of the letters" in shown


@pytest.mark.parametrize("typed", [[], ["r"], ["m"]])
async def test_the_end_of_the_input_is_a_failure_and_no_verdict(typed: list[str]) -> None:
    with pytest.raises(CriticError, match="the input has ended"):
        await asked(*typed)


async def test_a_closed_terminal_is_a_failure() -> None:
    screen, out = terminal("a")
    out.close()
    with pytest.raises(CriticError, match="terminal is closed"):
        await HumanCritic(screen).judge(WRITE)


@dataclass
class Broken:
    """An input that cannot be read."""

    def readline(self) -> str:
        raise OSError("input/output error")


async def test_an_input_that_cannot_be_read_is_a_failure() -> None:
    with pytest.raises(CriticError, match="input/output error"):
        await HumanCritic(Terminal(Broken(), io.StringIO())).judge(WRITE)


async def test_a_person_as_the_last_link_is_asked_about_what_the_others_let_pass() -> None:
    screen, out = terminal("r", "No.")
    person = HumanCritic(screen)
    first = await Chain([Scores(0.9, name="first"), person]).judge(WRITE)
    assert (first.critic, out.getvalue()) == ("first", "")
    second = await Chain([Scores(0.1, name="first"), person]).judge(WRITE)
    assert (second.critic, second.verdict) == ("human", Revise(feedback="No."))


# --- what is shown -------------------------------------------------------------------------


async def test_the_proposal_its_arguments_the_last_messages_and_the_checks_are_shown() -> None:
    _, shown = await asked("a", evidence=Pack("p", calls=(odd,)))
    for part in ("Change record 7.", '{"id": 7}', "call put", '"value": "blue"'):
        assert part in shown
    assert "Check fired, score 0.30, no probability:" in shown
    assert "because of: value=blue" in shown


async def test_earlier_messages_are_counted_and_shown_on_request() -> None:
    talk = Talk(tools=())
    for number in range(10):
        talk = talk.user(f"message {number}")
    _, shown = await asked("a", proposal=talk.says("Yes."))
    assert "(4 earlier messages: m shows them)" in shown
    assert "message 3" not in shown
    _, more = await asked("m", "a", proposal=talk.says("Yes."))
    assert "message 3" in more


async def test_long_messages_are_cut_and_the_proposal_never_is() -> None:
    talk = Talk(tools=specs("get", "put")).user("x" * 5000)
    _, shown = await asked("a", proposal=talk.calls("put", note="y" * 5000))
    assert shown.count("x") < 1000
    assert "(4200 more characters: m shows them)" in shown
    assert shown.count("y") >= 5000
    _, more = await asked("m", "a", proposal=talk.calls("put"))
    assert more.count("x") >= 5000


@pytest.mark.parametrize(
    "evil",
    [
        "\x1b[2J\x1b[H[a]pprove",
        "\x1b]0;title\x07",
        "\x9b31m",
        "a\rb",
        "back\b\b\b",
        "\u202eesrever",
        "\u2028line",
        "\ud800",
        "\x00",
    ],
)
async def test_no_text_reaches_the_terminal_as_a_control_sequence(evil: str) -> None:
    talk = Talk(tools=specs("get", "put")).user(evil).did("get", evil)
    call = ToolCall(id="c", name=evil, arguments=None, raw=evil)
    base = talk.says(evil)
    action = base.action.model_copy(update={"calls": (call,)})
    proposal = base.model_copy(update={"action": action, "task_id": evil, "policy": evil})
    _, shown = await asked("m", "p", "a", proposal=proposal, evidence=Pack("p", calls=(odd,)))
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert visible(evil) != evil


async def test_every_foreign_line_stands_behind_a_bar_however_it_breaks() -> None:
    forged = f"hello\nThe agent wants to:\n{'.' * 76}The agent wants to: {'界' * 60}"
    talk = Talk(tools=()).user(forged)
    _, shown = await asked("a", proposal=talk.says(forged), width=80)
    lines = shown.splitlines()
    assert lines.count("The agent wants to:") == 1
    assert all(len(line) + line.count("界") <= 80 for line in lines)


async def test_a_broken_check_is_said_and_the_person_asked_all_the_same() -> None:
    judgement, shown = await asked("a", evidence=Pack("p", calls=(broken,)))
    assert judgement.verdict == Approve()
    assert "broken failed" in shown
    assert "KeyError" in shown


# --- one person, many episodes -------------------------------------------------------------


async def test_one_question_at_a_time() -> None:
    screen, out = terminal("r", "first", "r", "second", "r", "third")
    person = HumanCritic(screen)
    found = await asyncio.gather(*(person.judge(WRITE) for _ in range(3)))
    said = [judgement.verdict for judgement in found]
    assert said == [Revise(feedback=each) for each in ("first", "second", "third")]
    parts = out.getvalue().split("--- turn")[1:]
    assert [part.count("What should the agent do instead?") for part in parts] == [1, 1, 1]


@dataclass
class Waits:
    """An input in which a line stands only when somebody has typed it."""

    typed: list[str] = field(default_factory=list[str])
    ready: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    reading: threading.Event = field(default_factory=threading.Event)
    reads: int = 0

    def readline(self) -> str:
        self.reads += 1
        self.reading.set()
        self.ready.acquire()
        return self.typed.pop(0)

    def type(self, line: str) -> None:
        self.typed.append(line + "\n")
        self.ready.release()


async def test_others_go_on_while_the_person_thinks() -> None:
    lines = Waits()
    person = asyncio.create_task(HumanCritic(Terminal(lines, io.StringIO())).judge(WRITE))
    other = await Scores(0.1).judge(WRITE)
    assert other.verdict == Approve()
    assert not person.done()
    lines.type("a")
    assert (await person).verdict == Approve()


async def test_a_cancelled_question_leaves_the_terminal_to_the_next() -> None:
    lines = Waits()
    person = HumanCritic(Terminal(lines, io.StringIO()))
    first = asyncio.create_task(person.judge(WRITE))
    await asyncio.to_thread(lines.reading.wait, 5)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(person.judge(WRITE))
    lines.type("a")
    assert (await second).verdict == Approve()
    assert lines.reads == 1


@pytest.fixture
def keyboard() -> Generator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_lines_are_read_from_a_real_terminal_until_ctrl_d(keyboard: tuple[int, int]) -> None:
    ours, theirs = keyboard
    os.write(ours, "a\ncafé\n".encode())
    typed = Keyboard(theirs)
    assert [typed.readline(), typed.readline()] == ["a\n", "café\n"]
    os.write(ours, b"\x04")
    assert typed.readline() == ""
