"""A run as one file, opened from disk in a real Chromium."""

from pathlib import Path
from typing import Any

import pytest

from sidecritic.viewer import write_bundle
from tests.browser.conftest import Opens
from tests.labelled import episode
from tests.opinions import write_run

pytestmark = pytest.mark.browser


def test_a_bundle_is_searched_and_read_without_asking_for_anything(
    tmp_path: Path, opens: Opens, requested: list[str]
) -> None:
    more = [episode(n, wrong=n % 2 == 0, user=f"u_{n}") for n in range(2, 12)]
    file = write_bundle(write_run(tmp_path / "run", *more), tmp_path / "run.html")
    tab = opens(file)
    complaints: list[str] = []

    def note(said: Any) -> None:
        complaints.append(said.text)

    tab.on("console", note)
    tab.get_by_label("show").select_option("sent back")
    tab.get_by_text("1 episodes").wait_for()
    tab.get_by_label("search").fill("Ask first.")
    tab.get_by_text("1 episodes").wait_for()
    tab.locator("tr[data-row]:visible a").click()
    assert "Ask first." in tab.locator("#episode").inner_text()
    assert tab.locator("#episode form").count() == 0
    assert complaints == []
    assert requested == [file.as_uri()]
