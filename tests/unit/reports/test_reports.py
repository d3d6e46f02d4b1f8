"""What a report shows, and what nobody can make it show."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sidecritic.reports import to_markdown, to_tables
from sidecritic.reports.text import code, escaped, plain
from sidecritic.scoring import Comparison, Scores, compare, score
from sidecritic.scoring.comparison import Side
from sidecritic.trace import Ended, Failed
from sidecritic.types import Fault, Revise
from tests.parties import call, calling
from tests.rounds import graded, judged, proposed, trajectory

PUT = calling(call())


def printed(result: Scores | Comparison) -> str:
    console = Console(width=200, file=StringIO(), force_terminal=False)
    with console.capture() as captured:
        for renderable in to_tables(result):
            console.print(renderable)
    return captured.get()


def failing(message: str) -> Scores:
    failed = Failed(where="actor", error="ModelError", message=message)
    return score([trajectory(events=[failed], end=Ended(reason="error"))])


def test_a_report_says_what_was_simulated_and_where_it_comes_from() -> None:
    report = to_markdown(score([trajectory()], command="sidecritic eval --env desk"))
    assert report.startswith("# Run: desk (*simulated actor, simulated user*)")
    assert "| task set | desk 1 |" in report
    assert "`sidecritic eval --env desk`" in report


def test_a_report_of_real_parties_does_not_say_simulated() -> None:
    scores = score([trajectory(simulated=())])
    assert "imulated actor" not in to_markdown(scores)
    assert "imulated actor" not in printed(scores)


def test_an_unfinished_run_and_left_out_tasks_are_said() -> None:
    played = [trajectory("a", 0), trajectory("a", 1), trajectory("b", 0)]
    report = to_markdown(score(played, planned=8))
    assert "not complete: 3 of 8 episodes" in report
    assert "leaves out 1 tasks" in report


def test_a_report_names_every_task_and_a_comparison_those_that_changed() -> None:
    before = Side([trajectory("a", end=graded(False)), trajectory("b"), trajectory("c")])
    after = Side([trajectory("a"), trajectory("b", end=graded(False)), trajectory("c")])
    alone, compared = score(before.trajectories), compare(before, after)
    assert [(t.task, t.passed, t.trials) for t in alone.by_task] == [
        ("a", 0, 1), ("b", 1, 1), ("c", 1, 1),
    ]  # fmt: skip
    assert "| a | desk | 0 of 1 | 0.000 |" in to_markdown(alone)
    assert [(t.task, t.baseline, t.supervised) for t in compared.by_task] == [
        ("a", 0, 1), ("b", 1, 0), ("c", 1, 1),
    ]  # fmt: skip
    report = to_markdown(compared)
    assert report.index("| b | desk | 1 → 0 of 1 |") < report.index("| a | desk | 0 → 1 of 1 |")
    assert "| c | desk" not in report
    assert "Worse when supervised: desk b." in printed(compared)
    assert "Better when supervised: desk a." in printed(compared)


def test_a_line_names_ten_tasks_and_the_report_all() -> None:
    before = Side([trajectory(f"t{n:02}", end=graded(False)) for n in range(30)])
    after = Side([trajectory(f"t{n:02}") for n in range(30)])
    assert "desk t09 and 20 more." in " ".join(printed(compare(before, after)).split())
    assert to_markdown(compare(before, after)).count("0 → 1 of 1") == 30


def test_a_comparison_shows_both_runs_their_difference_and_the_interventions() -> None:
    fault = Fault(kind="wrong_item", step=0)
    refused = [proposed(PUT, faults=[fault]), judged(Revise(feedback="no"), category="item check")]
    before = Side([trajectory("a", end=graded(False)), trajectory("b")])
    after = Side([trajectory("a", events=refused), trajectory("b")])
    for shown in (to_markdown(compare(before, after)), printed(compare(before, after))):
        assert "50.0 %" in shown
        assert "100.0 %" in shown
        assert "+50.0" in shown
    assert "item check" in to_markdown(compare(before, after))


def test_warnings_about_comparability_are_shown() -> None:
    other = trajectory().model_copy(update={"versions": {"task set": "desk 2"}})
    report = to_markdown(compare(Side([trajectory()]), Side([other])))
    assert "Take care: different task set of desk" in report


HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "<img src=x onerror=alert(1)>",
    "| a | b |\n# Passed",
    "[click](javascript:alert(1))",
    "\u202egnp.exe",
    "[bold red]trust me[/]",
    "`code` **bold** https://evil.example",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    report, shown = to_markdown(failing(text)), printed(failing(text))
    for output in (report, shown):
        assert not any(bad in output for bad in ("\x1b", "\x07", "\u202e"))
    for active in ("<img", "\n# Passed", "[click]", "**bold**", "://evil"):
        assert active not in report
    assert "[bold red]trust me" in shown if "trust" in text else True


@given(st.text(max_size=400))
def test_plain_text_is_one_line_that_a_terminal_cannot_act_on(text: str) -> None:
    line = plain(text)
    assert line.isprintable()
    assert len(line) <= 301


@given(st.text(alphabet="|`<>*[]()#\n\r\\&", max_size=60))
def test_escaped_text_never_leaves_its_table_cell(text: str) -> None:
    cell = escaped(text)
    assert "<" not in cell
    assert "\n" not in cell
    assert all(cell[at - 1] == "\\" for at, each in enumerate(cell) if each == "|")
    assert code(text).count("`") == 2
    assert "|" not in code(text)


def test_long_text_is_cut() -> None:
    assert len(plain("x" * 10_000_000)) == 301
