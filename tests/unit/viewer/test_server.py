"""The served pages: what they show, whom they answer, and that hostile text stays text."""

from pathlib import Path
from typing import Any

import pytest

from sidecritic.labelling.store import read_labels
from sidecritic.viewer.library import Library
from sidecritic.viewer.server.app import make_app
from sidecritic.viewer.server.guard import COOKIE, POLICY
from tests.opinions import ODD, write_run
from tests.unit.viewer.served import FakeDesk, got, posted, sent, stored, waiting

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x1b[31m\0"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path / "one")
    write_run(tmp_path / "two")
    return tmp_path


@pytest.fixture
def app(runs: Path) -> Any:
    return make_app(Library(runs), FakeDesk(stored(HOSTILE)))


PAGES = (
    "/",
    "/run?name=one",
    "/run?name=one&group=1&show=failed&q=x&sort=task&down=1&page=7",
    "/episode?run=one&n=1",
    "/episode?run=one&n=2&show=passed",
    "/compare?one=one&two=two",
    "/compare?one=one&two=two&show=gained",
    "/pair?one=one&two=two&a=2&b=2",
    "/live",
    "/live?show=objected",
    "/live/decision?id=d1",
)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_there_with_its_policy_and_without_scripts_of_others(
    path: str, app: Any
) -> None:
    page = await got(app, path)
    assert page.status_code == 200, page.text
    assert page.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "<script>" not in page.text
    assert " style=" not in page.text and " onclick" not in page.text
    assert not {"\u202e", "\x1b", "\0"} & set(page.text)


async def test_hostile_text_is_shown_and_never_markup(runs: Path) -> None:
    desk = FakeDesk(stored(HOSTILE, tools=HOSTILE, broken=HOSTILE, label_note=HOSTILE))
    desk.open = [waiting(HOSTILE)]
    app = make_app(Library(runs), desk)
    for path in ("/live", "/live/decision?id=d1", "/episode?run=one&n=2"):
        text = (await got(app, path)).text
        assert "<script>alert" not in text and "<img src=x" not in text
    text = (await got(app, "/live/decision?id=d1")).text
    assert "&lt;script&gt;alert(1)" in text and "Ask first." in text


@pytest.mark.parametrize(
    "path",
    ["/run?name=../two", "/episode?run=one&n=99", "/episode?run=one&n=x", "/live/decision?id=q"],
)
async def test_what_is_not_there_is_said(path: str, app: Any) -> None:
    page = await got(app, path)
    assert page.status_code == 404
    assert "That did not work" in page.text


async def test_a_store_that_fails_is_a_page_that_says_so(runs: Path) -> None:
    page = await got(make_app(None, FakeDesk(broken=True)), "/live")
    assert (page.status_code, "decision store failed" in page.text) == (503, True)


async def test_a_label_goes_into_the_runs_own_file(app: Any, runs: Path) -> None:
    fields = {"run": "one", "n": "2", "turn": "0", "attempt": "0", "anchor": "t0a0"}
    said = fields | {"label": "wrong", "note": "nobody asked"}
    answer = await posted(app, "/label", said)
    assert (answer.status_code, answer.headers["location"]) == (303, "/episode?run=one&n=2#t0a0")
    part = await posted(app, "/label", said | {"label": "right"}, headers={"HX-Request": "true"})
    assert part.status_code == 200 and 'class="right" aria-pressed="true"' in part.text
    (label,) = read_labels(runs / "one")
    assert (label.trajectory, label.attempt, label.wrong) == (ODD, 0, False)
    assert "labelled right" in (await got(app, "/episode?run=one&n=2")).text


async def test_a_label_of_an_action_of_one_call_is_shown_again(app: Any) -> None:
    fields = {"run": "one", "n": "1", "turn": "0", "attempt": "0", "label": "wrong"}
    part = await posted(app, "/label", fields, headers={"HX-Request": "true"})
    assert "labelled wrong" in part.text


@pytest.mark.parametrize(
    "wrong", [{"label": "maybe"}, {"turn": "9"}, {"n": "-1"}, {"run": "x"}, {"attempt": ""}]
)
async def test_a_label_of_nothing_is_refused_and_nothing_is_written(
    wrong: dict[str, str], app: Any, runs: Path
) -> None:
    fields = {"run": "one", "n": "2", "turn": "0", "attempt": "0", "label": "right"}
    assert (await posted(app, "/label", fields | wrong)).status_code == 404
    assert read_labels(runs / "one") == ()


async def test_a_case_is_ruled_on_and_a_rejection_says_why(runs: Path) -> None:
    desk = FakeDesk(stored())
    desk.open = [waiting()]
    app = make_app(Library(runs), desk)
    assert "1 case waits" in (await got(app, "/live")).text
    assert (await posted(app, "/live/rule", {"id": "k1", "ruling": "reject"})).status_code == 404
    await posted(app, "/live/rule", {"id": "k1", "ruling": "reject", "feedback": "Ask first."})
    assert desk.ruled == [("k1", False, "Ask first.")]
    assert "No cases wait" in (await got(app, "/live")).text


async def test_a_decision_is_labelled_and_the_label_taken_back(runs: Path) -> None:
    desk = FakeDesk(stored())
    app = make_app(None, desk)
    await posted(app, "/live/label", {"id": "d1", "label": "wrong", "note": "no"})
    assert (desk.rows["d1"]["label"], desk.rows["d1"]["label_note"]) == ("wrong", "no")
    await posted(app, "/live/label", {"id": "d1", "label": ""})
    assert desk.rows["d1"]["label"] == ""
    assert (await got(app, "/")).headers["location"] == "/live"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9"])
async def test_a_form_of_another_site_is_refused(origin: str, app: Any, runs: Path) -> None:
    fields = {"run": "one", "n": "2", "turn": "0", "attempt": "0", "label": "right"}
    answer = await posted(app, "/label", fields, headers={"Origin": origin})
    assert answer.status_code == 403
    crossed = {"Sec-Fetch-Site": "cross-site"}
    assert (await sent(app, "POST", "/label", data=fields, headers=crossed)).status_code == 403
    assert read_labels(runs / "one") == ()


async def test_a_name_that_is_not_this_machines_is_not_answered(app: Any) -> None:
    for base in ("http://evil.example:8788", "http://127.0.0.1.evil.example"):
        assert (await got(app, "/", base=base)).status_code == 403
    for base in ("http://localhost:8788", "http://[::1]:8788"):
        assert (await got(app, "/", base=base)).status_code == 200


async def test_elsewhere_a_token_is_asked_for_and_kept_in_a_cookie(runs: Path) -> None:
    app = make_app(Library(runs), token="s3cret")
    far = "http://10.0.0.7:8788"
    assert (await got(app, "/run?name=one", base=far)).status_code == 401
    assert (await got(app, "/?token=wrong", base=far)).status_code == 401
    first = await got(app, "/run?name=one&token=s3cret", base=far)
    assert (first.status_code, first.headers["location"]) == (303, "/run?name=one")
    assert "httponly" in first.headers["set-cookie"].lower()
    kept = {"Cookie": f"{COOKIE}=s3cret"}
    assert (await got(app, "/run?name=one", base=far, headers=kept)).status_code == 200
    away = await got(app, "//evil.example/?token=s3cret", base=far)
    assert not away.headers["location"].startswith("//")


async def test_a_form_has_an_end(app: Any) -> None:
    answer = await posted(app, "/label", {"note": "x" * 100_000})
    assert answer.status_code == 404 and "64000 bytes" in answer.text
