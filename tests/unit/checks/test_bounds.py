"""What is read is bounded, and a check that fails costs itself."""

import threading
from dataclasses import replace

from sidecritic.checks.base import MOST_INLINE, ExamineCall, Objection, Pack, call_check, objections
from sidecritic.checks.case import Case
from sidecritic.checks.facts import MOST_CHARACTERS, MOST_MESSAGES, Facts
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get", "put")).user("Change it.")


@call_check("where", policy="Be somewhere.", risk=0.6)
def where(case: Case) -> Objection:
    return Objection(threading.current_thread().name)


def test_a_long_message_loses_its_middle_and_that_is_said() -> None:
    proposal = TALK.user("begin" + " x" * MOST_CHARACTERS + " end").calls("put")
    facts = Facts.of(proposal)
    assert facts.answer is not None
    assert len(facts.answer.text) <= MOST_CHARACTERS + 1
    assert facts.answer.text.startswith("begin")
    assert facts.answer.text.endswith("end")
    [note] = Pack("p").findings(proposal)
    assert (note.flag.name, note.risk, note.evidence) == ("not read in full", 0.0, "cut: 1")
    assert not objections([note])


def test_of_a_long_talk_begin_and_end_are_read() -> None:
    talk = TALK
    for number in range(MOST_MESSAGES):
        talk = talk.user(f"message {number}")
    facts = Facts.of(talk.calls("put"))
    assert len(facts.lines) == MOST_MESSAGES
    assert (facts.lines[0].position, facts.lines[-1].position) == (0, MOST_MESSAGES)
    assert facts.notes == (("not read in full", "1 messages left out"),)


async def test_long_proposals_are_read_in_a_thread_and_short_ones_of_our_own_checks_here() -> None:
    here = threading.current_thread().name
    short = TALK.calls("put")
    long = TALK.user("x").did("get", "y " * MOST_INLINE).calls("put")
    ours = replace(where, examine=_as_of("sidecritic.packs.mine"))
    read = [await Pack("p", calls=(check,)).examined(short) for check in (ours, where)]
    assert [findings[0].feedback == here for findings in read] == [True, False]
    [found] = await Pack("p", calls=(ours,)).examined(long)
    assert found.feedback != here


def _as_of(module: str) -> ExamineCall:
    def examine(case: Case) -> Objection | None:
        return where.examine(case)

    examine.__module__ = module
    return examine
