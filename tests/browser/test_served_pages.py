"""What a reader does in the served pages, in a real Chromium: `make test-browser`.

Screenshots of the main pages go to `runs/screenshots`, for people to look at.
"""

from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest

from sidecritic.labelling.store import read_labels
from sidecritic.types import Escalate
from sidecritic.viewer.library import Library
from sidecritic.viewer.server.app import make_app
from sidecritic.workflows.viewing import StoreDesk, desk_of
from tests.browser.served import serving
from tests.gateway import Asked, Running, gateway
from tests.labelled import episode
from tests.operating import config_file, post
from tests.opinions import write_run
from tests.unit.viewer.served import FakeDesk, stored, waiting
from tests.wire import call, chat, wire_server

pytestmark = pytest.mark.browser

SHOTS = Path("runs/screenshots")
HOSTILE = "<script>window.hit=1</script><img src=x onerror=window.hit=1>\u202e" + "x" * 10**6
SIZES = {"wide": (1440, 900), "tablet": (768, 1024), "phone": (390, 844)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    more = [episode(n, wrong=n % 4 == 0, user=f"u_{n}") for n in range(2, 24)]
    write_run(folder / "alone", *more)
    write_run(folder / "supervised", *(e for e in more if e.trial >= 0))
    return folder


@pytest.fixture(scope="module")
def address(runs: Path) -> Generator[str]:
    desk = FakeDesk(stored(), stored(HOSTILE, id="d2", tools=HOSTILE, broken=HOSTILE))
    desk.open = [waiting("Send 900 to GB33.")]
    with serving(make_app(Library(runs), desk)) as root:
        yield root


@pytest.fixture
def tab(chromium: Any) -> Generator[Any]:
    """Return a page of a fresh profile; what the browser complains of fails the test."""
    profile = chromium.new_context(viewport={"width": 1440, "height": 900})
    page, complaints = profile.new_page(), list[str]()

    def complain(said: Any) -> None:
        if getattr(said, "type", "error") == "error":
            complaints.append(str(getattr(said, "text", said)))

    page.on("console", complain)
    page.on("pageerror", complain)
    yield page
    profile.close()
    assert complaints == []


def test_failures_are_filtered_opened_stepped_through_and_labelled_by_keys(
    tab: Any, address: str, runs: Path
) -> None:
    tab.goto(f"{address}/run?name=alone")
    rows = tab.locator("tr[data-row]")
    every = rows.count()
    tab.get_by_label("show").select_option("failed")
    tab.wait_for_url("**show=failed**")
    tab.wait_for_function(f"document.querySelectorAll('tr[data-row]').length < {every}")
    assert set(tab.locator("tr[data-row] td:nth-child(3)").all_inner_texts()) == {"failed"}
    tab.keyboard.press("Escape")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/episode?**")
    tab.keyboard.press("j")
    first = tab.evaluate("location.hash")
    tab.keyboard.press("n")
    assert tab.evaluate("location.hash") != first or tab.locator("[data-intervention]").count() == 0
    asked = tab.locator(".entry:has(form.label)").first
    asked.click(position={"x": 3, "y": 3})
    tab.goto(f"{tab.url.partition('#')[0]}#{asked.get_attribute('id')}")
    tab.keyboard.press("w")
    tab.get_by_text("labelled wrong").wait_for()
    assert [label.wrong for label in read_labels(runs / "alone")] == [True]
    here = tab.url.partition("#")[0]
    tab.keyboard.press("f")
    tab.wait_for_function(f"location.href.split('#')[0] !== {here!r}")
    tab.keyboard.press("u")
    tab.wait_for_url("**/run?**show=failed**")


def test_two_runs_are_compared_turn_by_turn(tab: Any, address: str) -> None:
    tab.goto(address)
    tab.get_by_label("compare from alone").check()
    tab.get_by_label("compare with supervised").check()
    tab.get_by_role("button", name="Compare one and two").click()
    tab.get_by_role("link", name="t", exact=False).locator("visible=true").first.wait_for()
    tab.locator("tr[data-row] a").first.click()
    tab.wait_for_url("**/pair?**")
    assert tab.get_by_text("the same in both").count() >= 1


def test_search_narrows_the_table_while_typing(tab: Any, address: str) -> None:
    tab.goto(f"{address}/run?name=alone")
    tab.keyboard.press("/")
    tab.keyboard.type("no such thing")
    tab.get_by_text("0 episodes").wait_for()
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    assert tab.get_by_role("dialog").is_visible()


def test_no_script_of_a_conversation_runs_and_one_long_line_stays_inside(
    tab: Any, address: str
) -> None:
    for path in ("/live", "/live/decision?id=d2", "/episode?run=alone&n=2"):
        tab.goto(address + path)
        assert tab.evaluate("window.hit") is None
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


MAIN_PAGES = {
    "runs": "/",
    "run": "/run?name=alone&group=1",
    "episode": "/episode?run=alone&n=2",
    "compare": "/compare?one=alone&two=supervised",
    "pair": "/pair?one=alone&two=supervised&a=2&b=2",
    "live": "/live",
    "decision": "/live/decision?id=d1",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_main_pages_are_accessible_fit_and_have_their_picture_taken(
    size: str, scheme: str, chromium: Any, address: str
) -> None:
    axe: Any = import_module("axe_playwright_python.sync_playwright").Axe()
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    # Axe's own script is put into the pages, which their policy would forbid.
    profile = chromium.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found: dict[str, list[str]] = {}
    for name, path in MAIN_PAGES.items():
        tab = profile.new_page()
        tab.goto(address + path)
        SHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SHOTS / f"{name}-{size}-{scheme}.png")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        for each in axe.run(tab, options=rules).response["violations"]:
            places = [node["html"][:160] for node in each["nodes"][:3]]
            found.setdefault(name, []).append(f"{each['id']}: {places}")
        tab.close()
    profile.close()
    assert found == {}


def beside(door: Running, folder: Path) -> StoreDesk:
    """Return what `view --live` reads and writes."""
    return desk_of(config_file(folder, "http://127.0.0.1:9", door.folder / "decisions.db"))


def test_a_running_gateway_is_watched_and_its_cases_are_ruled_on(tab: Any, tmp_path: Path) -> None:
    writes = chat(None, calls=[call("refund", {"sum": 900})])
    critic = Asked(lambda p: Escalate(reason="large sum") if p.action.calls else None)
    review = {"on_escalation": "wait", "wait": 60}
    answers: list[httpx2.Response] = []

    def ask(root: str) -> Thread:
        thread = Thread(target=lambda: answers.append(post(root)))
        thread.start()
        return thread

    with (
        wire_server([chat("Hello."), writes, writes, chat("Do you agree?")]) as upstream,
        gateway(upstream.root, critic=critic, review=review) as door,
        serving(make_app(None, beside(door, tmp_path))) as root,
    ):
        tab.goto(f"{root}/live")
        tab.locator("#decisions").get_by_text("none").wait_for()
        ask(door.root).join()
        tab.locator("#decisions tr[data-row]").wait_for()
        first = ask(door.root)
        tab.get_by_text("1 case waits for a person").wait_for()
        tab.get_by_role("button", name="approve").click()
        first.join()
        second = ask(door.root)
        tab.get_by_text("1 case waits for a person").wait_for()
        tab.get_by_placeholder("what the model is told").fill("Ask first.")
        tab.get_by_role("button", name="reject").click()
        second.join()
        tab.get_by_text("No cases wait for a person").wait_for()
    assert answers[1].content == writes.body
    assert "Do you agree?" in answers[2].text
    assert "Ask first." in str(upstream.received[3].body)
