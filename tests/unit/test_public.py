"""What a user may rely on: names, import cost, and every snippet in the documentation."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import sidecritic
from tests.gateway import gateway, refuses
from tests.unit.docs import pages

ROOT = pages.ROOT
DOCUMENTS = [page for page in pages.PAGES if pages.snippets(page)]
GATEWAY = "http://127.0.0.1:8787"
"""Where the pages say that it is; there is one for snippets that ask it."""


def test_the_public_names_exist_and_are_sorted() -> None:
    assert sidecritic.__all__ == sorted(sidecritic.__all__)
    assert all(hasattr(sidecritic, name) for name in sidecritic.__all__)


def test_importing_the_package_pulls_in_no_model_library() -> None:
    heavy = "openai anthropic tau2 numpy pandas torch transformers ray rich typer stamina httpx"
    code = f"import sys, sidecritic; print(sorted(set({heavy.split()!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def snippets(document: Path) -> list[str]:
    return [each.text for each in pages.snippets(document) if each.language == "python"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_python_snippet_of_the_documentation_runs(document: Path, tmp_path: Path) -> None:
    for code in snippets(document):
        with ExitStack() as stack:
            if GATEWAY in code:
                critic = refuses("cancel")
                door = stack.enter_context(gateway("http://x", critic=critic, decisions=True))
                code = code.replace(GATEWAY, door.root)
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", code],
                cwd=tmp_path,
                capture_output=True,
                text=True,
            )
        assert done.returncode == 0, done.stderr


def test_the_readme_shows_the_library_at_work() -> None:
    (example, *_) = snippets(ROOT / "README.md")
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) <= 16
