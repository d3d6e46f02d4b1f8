"""`report`: what the page holds, and that every kind of run makes one."""

from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sidecritic.reports.sections import comparison_sections
from sidecritic.reports.text import plain
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord
from sidecritic.trace import Ended, Executed, Judged, Observed, Proposed, Trajectory, to_line
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Fault,
    Judgement,
    Observation,
    Outcome,
    Revise,
    Task,
    ToolCall,
    User,
)
from sidecritic.workflows.evaluation import compare_runs
from tests.unit.cli.commands import answer, complaint

HOSTILE = "<script>alert(1)</script>|$x^2$\x1b[31m\u202e&quot;"
Table = list[list[str]]


class _Tables(HTMLParser):
    """Collects the tables of a page, cell by cell, and what might load or run something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.active: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag in ("script", "link", "img", "iframe") or any(n.startswith("on") for n in given):
            self.active.append(tag)
        match tag:
            case "table":
                self.tables.append([])
            case "tr":
                self.tables[-1].append([])
            case "td" | "th":
                self.tables[-1][-1].append("")
                self._inside = True
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.tables[-1][-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ")


def episode(
    task: str, *, passed: bool = True, wrong: bool = False, refused: bool = False, trial: int = 0
) -> Trajectory:
    """Return an episode of one call: right or wrong, approved or sent back and then changed."""
    call = ToolCall(id="c", name=HOSTILE, arguments={"at": task}, raw='{"at": 1}')
    action = Assistant(calls=(call,))
    faults = (Fault(kind=HOSTILE, step=0),) if wrong else ()
    drafted = Completion(message=action, finish="tool_calls", model="acts", faults=faults)
    verdict = Revise(feedback=HOSTILE, calls=("c",)) if refused else Approve()
    judged = Judgement(verdict=verdict, critic="c", risk=0.9 if refused else 0.1, category=HOSTILE)
    outcome = Outcome(reward=float(passed), passed=passed)
    return Trajectory(
        id=f"{task}-{trial}",
        task=Task(id=task, env="shop", split="train"),
        trial=trial,
        actor=HOSTILE,
        critic=HOSTILE,
        simulated=("actor",),
        events=(
            Observed(observation=Observation(messages=(User(text=HOSTILE),))),
            Proposed(turn=0, attempt=0, completion=drafted),
            Judged(turn=0, attempt=0, judgement=judged),
            Executed(turn=0, action=action, source="actor", approved=not refused),
            Ended(reason="env_done", outcome=outcome),
        ),
    )


def written(directory: Path, episodes: Iterable[Trajectory]) -> Path:
    directory.mkdir(parents=True)
    record = RunRecord(
        command=f"sidecritic eval {HOSTILE}",
        settings={"actor": HOSTILE},
        episodes=1,
        versions={},
        briefings={},
    )
    (directory / RUN_FILE).write_text(record.model_dump_json())
    (directory / TRAJECTORIES_FILE).write_text("".join(map(to_line, episodes)))
    return directory


def reported(out: Path, *words: str) -> str:
    """Return the page of a report, which is checked to load and run nothing."""
    files = answer("report", *words, "--out", str(out))
    page = Path(files["page"]).read_text()
    found = _Tables(page)
    assert found.active == []
    assert "default-src 'none'" in page
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert Path(files["markdown"]).read_text().startswith("# ")
    return page


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Yield the two runs of the demo."""
    prefix = tmp_path_factory.mktemp("demo") / "d"
    answer("demo", "--out", str(prefix))
    yield Path(f"{prefix}-baseline"), Path(f"{prefix}-supervised")


def test_the_page_has_the_tables_of_compare_number_for_number(
    demo: tuple[Path, Path], tmp_path: Path
) -> None:
    page = reported(tmp_path / "r.html", *map(str, demo))
    tables = _Tables(page).tables
    for section in comparison_sections(compare_runs(*demo)):
        rows = [list(section.header), *([plain(c) for c in row] for row in section.rows)]
        assert rows in tables, section.title


def test_the_same_runs_give_the_same_page(demo: tuple[Path, Path], tmp_path: Path) -> None:
    once = reported(tmp_path / "a.html", *map(str, demo))
    assert once == reported(tmp_path / "b.html", *map(str, demo))


def test_a_replay_takes_the_place_of_the_run_s_own_verdicts(
    demo: tuple[Path, Path], tmp_path: Path
) -> None:
    baseline, judged = str(demo[0]), str(tmp_path / "judged.jsonl")
    answer("replay", baseline, "--critic", "policy", "--out", judged, "--workers", "1")
    page = reported(tmp_path / "r.html", "--judged", judged, "--of", baseline)
    assert "Verdicts of policy over 80 recorded runs" in page
    assert page.count("<svg") == 4


def test_a_run_without_failures_has_no_curves_and_says_why(tmp_path: Path) -> None:
    run = written(tmp_path / "run", (episode(str(at)) for at in range(12)))
    page = reported(tmp_path / "r.html", str(run))
    assert "0 wrong and 12 right proposals (n = 12)" in page
    assert "resampling is degenerate" in page


def test_a_run_of_one_episode_says_that_it_says_little(tmp_path: Path) -> None:
    run = written(tmp_path / "run", [episode("1", wrong=True, refused=True)])
    page = reported(tmp_path / "r.html", str(run))
    assert "1 graded task; the intervals of so few are degenerate" in page


def test_ten_thousand_episodes_make_a_report(tmp_path: Path) -> None:
    episodes = (
        episode(
            str(at // 4), passed=at % 3 > 0, wrong=at % 3 == 0, refused=at % 5 == 0, trial=at % 4
        )
        for at in range(10_000)
    )
    run = written(tmp_path / "run", episodes)
    page = reported(tmp_path / "r.html", str(run))
    assert "10000 episodes of 2500 tasks" in page
    assert len(page) < 2_000_000


def test_hostile_names_are_text(tmp_path: Path) -> None:
    base = written(tmp_path / "<b>$a$", [episode(HOSTILE, passed=False, wrong=True)])
    run = written(
        tmp_path / HOSTILE.replace("/", "-"), [episode(HOSTILE, refused=True, wrong=True)]
    )
    page = reported(tmp_path / "r.html", str(base), str(run))
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_nothing_to_report_is_said() -> None:
    assert "there is nothing to report" in complaint("report")


def test_the_page_must_be_html(tmp_path: Path) -> None:
    assert "ends in .html" in complaint("report", str(tmp_path), "--out", "r.md")
