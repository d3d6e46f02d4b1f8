"""The limits of the house: what CONTRIBUTING and AGENTS.md promise a reader."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sidecritic"
SOURCES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted(p for p in (ROOT / "tests").rglob("*.py") if "node_modules" not in p.parts)


def test_the_sources_are_found() -> None:
    assert len(SOURCES) > 100
    assert len(TESTS) > 100


@pytest.mark.parametrize("files", [SOURCES, TESTS], ids=["src", "tests"])
def test_no_file_is_longer_than_400_lines(files: list[Path]) -> None:
    lengths = {str(p.relative_to(ROOT)): p.read_text("utf-8").count("\n") for p in files}
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in lengths.items() if n > 50} == {}


@pytest.mark.parametrize("files", [SOURCES, TESTS], ids=["src", "tests"])
def test_no_folder_holds_more_than_20_files(files: list[Path]) -> None:
    folders: dict[str, int] = {}
    for path in files:
        if path.name != "__init__.py":
            name = str(path.parent.relative_to(ROOT))
            folders[name] = folders.get(name, 0) + 1
    assert {name: n for name, n in folders.items() if n > 20} == {}


def test_what_knows_no_domain_stays_small() -> None:
    rooms = ("checks", "english", "values.py")
    files = [file for file in SOURCES if file.relative_to(SOURCE).parts[0] in rooms]
    assert 0 < sum(file.read_text("utf-8").count("\n") for file in files) <= 4_500
