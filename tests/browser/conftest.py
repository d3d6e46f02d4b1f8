"""A real Chromium, the one that is installed, and the pages of a run in it."""

from collections.abc import Callable, Generator
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from sidecritic.runs import read_run
from sidecritic.viewer import write_site
from tests.opinions import write_run

# Playwright is installed for these tests alone, so that the types of its objects are not at hand.
Tab = Any
Opens = Callable[..., Tab]


@pytest.fixture(scope="session")
def chromium() -> Generator[Any]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(which, names)), None)
    if program is None:
        pytest.fail(f"none of {', '.join(names)} is installed; run: apt-get install chromium")
    driver: Any = import_module("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def requested() -> list[str]:
    """Return a list that fills with all that the pages ask for."""
    return []


@pytest.fixture
def opens(chromium: Any, requested: list[str]) -> Generator[Opens]:
    """Return what opens a page of a folder, in one profile unless told otherwise."""
    profiles: dict[tuple[bool, str], Any] = {}

    def note(request: Any) -> None:
        requested.append(request.url)

    def open_page(file: Path, *, scripts: bool = True, before: str = "") -> Tab:
        key = (scripts, before)
        if key not in profiles:
            profile = profiles[key] = chromium.new_context(java_script_enabled=scripts)
            profile.on("request", note)
            if before:
                profile.add_init_script(before)
        tab = profiles[key].new_page()
        tab.goto(file.as_uri())
        return tab

    yield open_page
    for profile in profiles.values():
        profile.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the folder of the pages of the run in `tests/opinions.py`."""
    return write_site(read_run(write_run(tmp_path / "run")), tmp_path / "pages").parent
