"""What a reader can do in the pages of a run, from disk, in a browser: `make test-browser`."""

from pathlib import Path
from typing import Any

import pytest

from sidecritic.labelling.label_files import read_labels_file
from sidecritic.runs import TRAJECTORIES_FILE, read_run
from sidecritic.viewer import write_site
from tests.browser.conftest import Opens, Tab
from tests.opinions import ADVICE, CALL, FIRST, OPINIONS, READER

pytestmark = pytest.mark.browser

FIRST_PAGE, SECOND_PAGE, INDEX = "episode-00001.html", "episode-00002.html", "index.html"


def box(tab: Tab, turn: int = 0, attempt: int = 0) -> Any:
    return tab.get_by_role("group", name=f"your label of turn {turn}, attempt {attempt}")


def press(tab: Tab, word: str, *, attempt: int = 0) -> None:
    box(tab, attempt=attempt).get_by_role("button", name=word, exact=True).click()


def pressed(tab: Tab, *, attempt: int = 0) -> list[str]:
    found: list[str] = box(tab, attempt=attempt).locator("[aria-pressed=true]").all_inner_texts()
    return found


def status(tab: Tab) -> str:
    said: str = tab.get_by_role("status").inner_text()
    return said


def downloaded(tab: Tab) -> tuple[str, str]:
    """Return the name and the text of the file that the page gives."""
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="Download labels (JSONL)").click()
    file = waiting.value
    return file.suggested_filename, Path(file.path()).read_bytes().decode()


def label_all(opens: Opens, site: Path) -> None:
    """Label the run of `tests/opinions.py` as its file says."""
    second = opens(site / SECOND_PAGE)
    press(second, "right", attempt=1)
    press(second, "wrong")
    box(second).get_by_label("which call is wrong").select_option(label="2: put")
    first = opens(site / FIRST_PAGE)
    press(first, "wrong")
    box(first).get_by_label("what would have been right").fill(ADVICE)
    first.get_by_label("your name").fill(READER)


def test_the_pages_give_the_very_file_that_labels_are_read_from(
    opens: Opens, site: Path, tmp_path: Path
) -> None:
    label_all(opens, site)

    assert downloaded(opens(site / FIRST_PAGE)) == ("opinions-run-episode-00001.jsonl", FIRST)
    name, text = downloaded(opens(site / INDEX))

    assert (name, text) == ("opinions-run.jsonl", OPINIONS)
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert [opinion.call_id for opinion in read_labels_file(file).opinions] == [None, CALL, None]


def test_the_list_of_episodes_counts_the_labels_of_each(opens: Opens, site: Path) -> None:
    label_all(opens, site)
    index = opens(site / INDEX)
    assert index.locator("td.count").all_inner_texts() == ["1", "2"]
    assert status(index) == "labelled: 3 in this run"


def test_a_label_is_kept_over_a_reload_and_can_be_changed_and_taken_back(
    opens: Opens, site: Path
) -> None:
    tab = opens(site / SECOND_PAGE)
    assert status(tab) == "labelled: 0 of 2 actions"
    assert tab.get_by_role("button", name="Download").is_disabled()
    press(tab, "wrong")
    box(tab).get_by_label("which call is wrong").select_option(label="2: put")
    box(tab).get_by_label("what would have been right").fill("Ask.")
    tab.reload()
    assert (pressed(tab), status(tab)) == (["wrong"], "labelled: 1 of 2 actions")
    assert box(tab).get_by_label("what would have been right").input_value() == "Ask."
    assert box(tab).locator("option:checked").inner_text() == "2: put"

    press(tab, "right")
    assert pressed(tab) == ["right"]
    assert not box(tab).get_by_label("what would have been right").is_visible()
    assert downloaded(tab)[1].count("Ask.") == 0
    press(tab, "right")
    tab.reload()
    assert (pressed(tab), status(tab)) == ([], "labelled: 0 of 2 actions")


def test_the_keyboard_is_enough(opens: Opens, site: Path) -> None:
    tab = opens(site / FIRST_PAGE)
    box(tab).get_by_role("button", name="right", exact=True).focus()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    tab.keyboard.press("Tab")
    tab.keyboard.type("Ask first.")
    assert pressed(tab) == ["wrong"]
    assert '"feedback":"Ask first."' in downloaded(tab)[1]


def test_two_open_pages_agree(opens: Opens, site: Path) -> None:
    one, other, index = opens(site / FIRST_PAGE), opens(site / FIRST_PAGE), opens(site / INDEX)
    press(one, "wrong")
    other.locator("fieldset [aria-pressed=true]").wait_for()
    index.get_by_text("labelled: 1 in this run").wait_for()
    assert pressed(other) == ["wrong"]


def test_an_episode_that_is_another_by_now_has_no_labels(
    opens: Opens, site: Path, tmp_path: Path
) -> None:
    label_all(opens, site)
    file = tmp_path / "run" / TRAJECTORIES_FILE
    file.write_text(file.read_text().replace("Shall I", "May I"))
    write_site(read_run(tmp_path / "run"), site)

    assert downloaded(opens(site / INDEX))[1] == FIRST
    assert status(opens(site / SECOND_PAGE)) == "labelled: 0 of 2 actions"


NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied') }})"
FULL = "Storage.prototype.setItem = () => { throw new Error('full') }"


@pytest.mark.parametrize("trouble", [NO_STORAGE, FULL])
def test_where_the_browser_keeps_nothing_labels_last_as_long_as_the_page(
    opens: Opens, site: Path, trouble: str
) -> None:
    tab = opens(site / FIRST_PAGE, before=trouble)
    press(tab, "wrong")
    box(tab).get_by_label("what would have been right").fill(ADVICE)
    tab.get_by_label("your name").fill(READER)
    assert tab.get_by_text("This browser keeps nothing").is_visible()
    assert downloaded(tab)[1] == FIRST
    assert downloaded(tab)[1] == FIRST


def test_what_others_left_in_the_browser_does_no_harm(opens: Opens, site: Path) -> None:
    digest = opens(site / FIRST_PAGE).locator("main").get_attribute("data-episode")
    tab = opens(
        site / FIRST_PAGE,
        before=f"""
        localStorage.setItem("other", "1");
        localStorage.setItem("sidecritic/label/0/0/0", '{{"wrong": true}}');
        localStorage.setItem("sidecritic/label/{digest}/0/0", "no JSON");
        """,
    )
    assert status(tab) == "labelled: 0 of 1 actions"
    press(tab, "right")
    assert downloaded(tab)[1].count("\n") == 1


def test_without_scripts_the_pages_are_read_as_before(opens: Opens, site: Path) -> None:
    for name in (FIRST_PAGE, INDEX):
        tab = opens(site / name, scripts=False)
        assert (
            tab.locator("button:visible, fieldset:visible, footer:visible, input:visible").count()
            == 0
        )
        assert tab.get_by_role("heading", level=1).is_visible()


def test_nothing_is_asked_of_a_network(opens: Opens, site: Path, requested: list[str]) -> None:
    label_all(opens, site)
    downloaded(opens(site / INDEX))
    assert {url.split(":")[0] for url in requested} <= {"file", "blob"}


INTRUDES = """async () => {
    const refused = [];
    const all = new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => {
            if (refused.push(event.effectiveDirective) === 4) done();
        });
        setTimeout(done, 5000);
    });
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    const image = document.createElement("img");
    image.src = "http://127.0.0.1:9/";
    document.body.append(script, image);
    document.body.setAttribute("onclick", "window.ran = true");
    document.body.click();
    fetch("http://127.0.0.1:9/").catch(() => null);
    await all;
    return [window.ran === true, ...refused.sort()];
}"""


def test_what_got_into_a_page_in_spite_of_all_could_neither_run_nor_tell(
    opens: Opens, site: Path
) -> None:
    found: list[object] = opens(site / SECOND_PAGE).evaluate(INTRUDES)
    assert found == [False, "connect-src", "img-src", "script-src-attr", "script-src-elem"]
