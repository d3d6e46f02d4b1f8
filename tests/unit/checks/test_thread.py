"""A check that never returns costs its own verdict: not those behind it, nor the process's end."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from sidecritic.checks.base import Objection, Pack, call_check
from sidecritic.checks.facts import Facts
from sidecritic.checks.thread import MOST_STUCK, CheckThread
from sidecritic.critics.policy import PolicyCritic
from sidecritic.errors import CriticError, CriticTimeout
from sidecritic.packs.shop import SHOP
from sidecritic.supervisor import judge_in_time
from sidecritic.types import ToolCall
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get", "put")).user("Change it.")


@contextmanager
def hanging() -> Generator[threading.Event]:
    """Yield what a check may wait for; it happens when the test is over."""
    over = threading.Event()
    try:
        yield over
    finally:
        over.set()


def waits(over: threading.Event) -> str:
    over.wait()
    return "late"


async def test_what_waits_behind_a_check_that_hangs_gets_a_thread_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "sidecritic.checks")
    checks = CheckThread(patience=0.05)
    with hanging() as over:
        first = asyncio.create_task(checks.run(waits, over))
        later = [asyncio.create_task(checks.run(len, "abc")) for _ in range(3)]
        assert await asyncio.gather(*later) == [3, 3, 3]
        assert checks.stuck == 1
        (said,) = caplog.messages
        assert said.startswith("a check does not return: it is at test_thread.py:")
        over.set()
        assert await first == "late"


async def test_a_process_has_few_threads_that_hang() -> None:
    checks = CheckThread(patience=0.02)
    with hanging() as over:
        tasks = [asyncio.create_task(checks.run(waits, over)) for _ in range(MOST_STUCK + 1)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(CriticError, match=f"{MOST_STUCK + 1} have never returned"):
            await done.pop()
        for task in tasks:
            task.cancel()
        assert checks.stuck == MOST_STUCK


async def test_a_check_that_raises_or_exits_costs_itself() -> None:
    checks = CheckThread()

    def ends(text: str) -> None:
        raise SystemExit(text)

    with pytest.raises(CriticError, match="ValueError"):
        await checks.run(int, "x")
    with pytest.raises(CriticError, match="ends the process"):
        await checks.run(ends, "x")
    assert await checks.run(len, "ab") == 2


async def test_an_operators_check_that_hangs_holds_up_no_loop() -> None:
    with hanging() as over:

        @call_check("hangs", policy="Never.", risk=0.9)
        def hangs(facts: Facts, call: ToolCall) -> Objection | None:
            over.wait()
            return None

        pack = Pack.of("mine", hangs)
        assert (pack.is_foreign, SHOP.is_foreign) == (True, False)
        with pytest.raises(CriticTimeout):
            await judge_in_time(PolicyCritic(pack), TALK.calls("put"), 0.05)


ENDS = """
import asyncio, threading
from sidecritic import Case, Objection, Pack, PolicyCritic, Proposal, call_check
from sidecritic.supervisor import judge_in_time
from sidecritic.types import Assistant, ToolCall

@call_check("hangs", policy="Never.", risk=0.9)
def hangs(case: Case) -> Objection | None:
    threading.Event().wait()

call = ToolCall(id="c", name="put", arguments={}, raw="{}")
asked = Proposal(
    task_id="", turn=0, attempt=0, action=Assistant(calls=(call,)), history=(), policy="", tools=()
)
try:
    asyncio.run(judge_in_time(PolicyCritic(Pack.of("mine", hangs)), asked, 0.1))
except Exception as error:
    print(type(error).__name__)
"""


def test_a_process_ends_though_a_check_of_it_does_not() -> None:
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "CriticTimeout"), done.stderr
