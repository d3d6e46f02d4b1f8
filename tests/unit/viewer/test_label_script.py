"""Labels from the pages of a run: what they offer, and what becomes of the file they give."""

import json
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sidecritic.cli.app import app
from sidecritic.labelling.store import read_labels
from sidecritic.runs import read_run
from sidecritic.viewer import write_site
from tests.labelled import episode
from tests.opinions import ADVICE, CALL, ODD, OPINIONS, write_run


class Page(HTMLParser):
    """The parts of a page that have to do with labels."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def policy(self) -> str:
        return str(
            next(a["content"] for a in self.named("meta") if "Security" in str(a.get("http-equiv")))
        )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


def pages_of(run: Path) -> list[Page]:
    index = write_site(read_run(run), run / "view")
    return [Page(index), *map(Page, sorted(index.parent.glob("episode-*.html")))]


def command(words: str) -> None:
    done = CliRunner().invoke(app, ["datagen", *words.split()])
    assert done.exit_code == 0, done.output


def test_every_proposal_can_be_labelled_once_and_nothing_else_can(run: Path) -> None:
    index, *episodes = pages_of(run)
    asked = [
        [(box["data-turn"], box["data-attempt"]) for box in page.named("fieldset")]
        for page in episodes
    ]
    assert asked == [[("0", "0")], [("0", "0"), ("0", "1")]]
    assert index.named("fieldset") == []


def test_only_a_batch_asks_which_of_its_calls_is_wrong(run: Path) -> None:
    _, first, second = pages_of(run)
    assert first.named("option") == []
    values = [str(option["value"]) for option in second.named("option")]
    assert [value and json.loads(value) for value in values] == ["", "c1", CALL]


def test_an_id_reaches_the_script_as_it_is(run: Path) -> None:
    index, _, second = pages_of(run)
    (main,) = second.named("main")
    assert json.loads(str(main["data-trajectory"])) == ODD
    rows = [row for row in index.named("tr") if "data-trajectory" in row]
    assert [json.loads(str(row["data-trajectory"])) for row in rows] == ["t0", ODD]
    assert rows[1]["data-episode"] == main["data-episode"]


def test_what_a_browser_keeps_is_about_this_episode_and_no_other(run: Path, tmp_path: Path) -> None:
    same = write_run(tmp_path / "copy")
    changed = tmp_path / "changed"
    text = (run / "trajectories.jsonl").read_text()
    write_run(changed)
    (changed / "trajectories.jsonl").write_text(text.replace("Shall I", "May I"))
    first, copied, other = (
        [page.named("main")[0]["data-episode"] for page in pages_of(each)[1:]]
        for each in (run, same, changed)
    )
    assert first == copied
    assert (first[0] == other[0], first[1] == other[1]) == (True, False)


def test_a_page_runs_one_script_which_holds_nothing_of_the_run(run: Path) -> None:
    pages = pages_of(run)
    scripts = {"".join(page.scripts) for page in pages}
    (script,) = scripts
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    for page in pages:
        assert len(page.named("script")) == 1
        assert f"script-src 'sha256-{allowed}'" in page.policy()
        assert "default-src 'none'" in page.policy()
        assert "unsafe-inline" not in page.policy().split("script-src")[1]
        attributes = {name for _, found in page.tags for name in found}
        assert not {name for name in attributes if name.startswith("on")}
    for danger in ("<!--", "</script", "innerHTML", "insertAdjacent", "document.write", "eval("):
        assert danger not in script
    for sends in ("fetch", "XMLHttp", "sendBeacon", "WebSocket", "import(", "http"):
        assert sends not in script


def test_without_a_script_no_control_is_seen(run: Path) -> None:
    for page in pages_of(run):
        assert all("hidden" in box for box in page.named("fieldset"))
        (bar,) = page.named("footer")
        assert "hidden" in bar


def test_of_an_episode_that_was_played_again_the_later_is_labelled(tmp_path: Path) -> None:
    again = episode(0, wrong=False, user="ana_ruiz_1001", words="Once more.")
    index, first, _, third = pages_of(write_run(tmp_path / "run", again))
    assert (len(first.named("fieldset")), len(third.named("fieldset"))) == (0, 1)
    rows = [json.loads(str(r["data-trajectory"])) for r in index.named("tr") if len(r)]
    assert rows == [ODD, "t0"]


def test_the_file_of_the_pages_becomes_labels_and_rows(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parent)
    Path("opinions-run.jsonl").write_text(OPINIONS, encoding="utf-8")

    command("label run --sources human --human opinions-run.jsonl")

    labels = read_labels(run)
    assert [(each.trajectory, each.attempt, each.call_id, each.wrong) for each in labels] == [
        ("t0", 0, "c1", True),
        (ODD, 0, CALL, True),
        (ODD, 1, None, False),
    ]
    assert {(each.source, each.weight, each.evidence) for each in labels} == {("human", 1.0, "jo")}
    assert labels[0].feedback == ADVICE

    command("export run --out data --balance none --held-out drop --test 0 --validation 0")
    rows = [json.loads(line) for line in Path("data/verdict/train.jsonl").read_text().splitlines()]
    found = {
        (r["provenance"]["trajectory"], r["provenance"]["attempt"]): (
            r["wrong"], r["weight"], r["provenance"]["source"], r["provenance"]["call_id"],
        )
        for r in rows
    }  # fmt: skip
    assert found == {
        ("t0", 0): (True, 1.0, "human", "c1"),
        (ODD, 0): (True, 1.0, "human", CALL),
        (ODD, 1): (False, 1.0, "human", None),
    }
    (row,) = map(json.loads, Path("data/feedback/train.jsonl").read_text().splitlines())
    assert ADVICE in json.loads(row["completion"][0]["content"])["feedback"]
