"""What the pages tell to type is typed here, in their order, in one folder, offline."""

import re
import sys
from pathlib import Path

import pytest

from tests.unit.cli.commands import run
from tests.unit.docs.pages import PAGES, ROOT, Command, typed
from tests.unit.docs.walks import ADDED, ELSEWHERE, WALKED_BY_A_PROCESS, WALKS, Walk, models
from tests.wire import WireServer, wire_server


def elsewhere(command: Command) -> str:
    """Return why a command is not run here; nothing for one that is."""
    words = tuple(w for w in command.words if not w.partition("=")[0].isupper() or "=" not in w)
    words = (Path(words[0]).name, *words[1:])
    return next((why for first, why in ELSEWHERE.items() if words[: len(first)] == first), "")


def test_every_page_with_a_command_to_run_is_walked() -> None:
    walked = {*WALKED_BY_A_PROCESS, *(page for walk in WALKS for page in walk.pages)}
    left = {
        str(command)
        for page in PAGES
        for command in typed(page)
        if str(page.relative_to(ROOT)) not in walked and not elsewhere(command)
    }
    assert left == set(), "give the page a Walk, or its command a line in ELSEWHERE, with a reason"


def test_each_exception_is_one_that_some_page_needs() -> None:
    needed = {elsewhere(command) for page in PAGES for command in typed(page)}
    assert set(ELSEWHERE.values()) <= needed


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.pages[0])
def test_a_page_is_typed_from_top_to_bottom(
    walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    walk.begin(tmp_path)
    commands = [command for page in walk.pages for command in typed(ROOT / page)]
    with wire_server(models) as server:
        for command in commands:
            if command.words[0] == "export":
                monkeypatch.setenv(*command.words[1].split("=", 1))
            elif not elsewhere(command):
                for act in (act for part, act in walk.before.items() if part in str(command)):
                    act(tmp_path)
                done = run(*here(command, walk, server))
                allowed = (0, 1) if any(part in str(command) for part in walk.fails) else (0,)
                assert done.exit_code in allowed, f"{command}\n{done.output}"
                assert not re.search(r"[1-9]\d* critic failures", done.output), done.output


def here(command: Command, walk: Walk, server: WireServer) -> list[str]:
    """Return the words of a command with files for globs, this machine's servers, and haste."""
    words = [found for word in command.words[1:] for found in globbed(word)]
    line = " ".join(words)
    return words + [
        word.format(url=server.base_url, limit=walk.limit)
        for part, more in ADDED.items()
        if re.search(part, line)
        for word in more
    ]


def globbed(word: str) -> list[str]:
    """Return the files that a shell puts in the place of a pattern."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]
