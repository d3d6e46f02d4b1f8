"""Rows of episodes: read once, read on, and never lost over one bad line."""

from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.trace import to_line
from sidecritic.viewer.library import Library
from sidecritic.viewer.listing import Asked, asked_of, chosen, listing
from tests.labelled import episode
from tests.opinions import write_run


def test_a_row_says_what_a_table_of_episodes_shows(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "one")
    (run,) = Library(tmp_path / "runs").runs()
    first, second = run.rows()
    assert (run.title, first.number, second.number) == ("one", 1, 2)
    assert (first.result, second.result, second.sent_back) == ("failed", "passed", 1)
    assert run.trajectory(second).id == second.id


def test_a_run_that_grows_is_read_on_and_one_played_anew_from_the_start(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run")
    (run,) = Library(directory).runs()
    assert len(run.rows()) == 2
    file = directory / "trajectories.jsonl"
    more = to_line(episode(7, wrong=False, user="ben_ito_1002"))
    with file.open("a") as lines:
        lines.write(more[:50])
    assert len(run.rows()) == 2
    with file.open("a") as lines:
        lines.write(more[50:])
    assert [row.number for row in run.rows()] == [1, 2, 3]
    file.write_text(more)
    assert [run.trajectory(row).id for row in run.rows()] == [episode(7, wrong=False, user="u").id]


def test_a_line_that_cannot_be_read_is_said_and_costs_itself_only(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run")
    file = directory / "trajectories.jsonl"
    file.write_bytes(b"{\xff}\n\n" + file.read_bytes())
    (run,) = Library(directory).runs()
    assert (len(run.rows()), run.problems) == (2, ["line 1 cannot be read"])


def test_a_name_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    write_run(tmp_path / "secret")
    write_run(tmp_path / "runs" / "one")
    library = Library(tmp_path / "runs")
    for name in ("../secret", str(tmp_path / "secret"), "one/../../secret", ""):
        with pytest.raises(ConfigError, match="no run"):
            library.run(name)
    with pytest.raises(ConfigError, match="no folder"):
        Library(tmp_path / "nowhere")


def test_rows_are_chosen_sorted_and_paged(tmp_path: Path) -> None:
    more = [episode(n, wrong=n % 3 == 0, user=f"u_{n}") for n in range(2, 230)]
    (run,) = Library(write_run(tmp_path / "run", *more)).runs()
    rows = run.rows()
    failed = chosen(rows, Asked(show="failed"))
    assert failed and all(row.result == "failed" for row in failed)
    assert [row.number for row in chosen(rows, Asked(down=True))][:2] == [230, 229]
    named = chosen(rows, Asked(search=f"{rows[30].id.upper()} {rows[30].env}"))
    assert [row.id for row in named] == [rows[30].id]
    assert chosen(rows, Asked(show="sent back")) == [rows[1]]
    page = listing(rows, Asked(page=3))
    assert (page.pages, page.found, len(page.groups[0].rows)) == (3, 230, 30)
    by_task = listing(rows, Asked(grouped=True))
    assert len({group.task for group in by_task.groups}) == len(by_task.groups)


@pytest.mark.parametrize("page", ["0", "-1", "9" * 30, "٣", "x", ""])
def test_an_address_that_is_not_understood_asks_for_what_is_usual(page: str) -> None:
    asked = asked_of({"page": page, "show": "<script>", "sort": "__class__", "q": " a "})
    assert (asked.show, asked.sort, asked.search) == ("all", "number", "a")
    assert listing([], asked).pages == 1
    assert asked_of({}).address() == ""
