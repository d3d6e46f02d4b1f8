"""Folders to type commands in: a bare one, and one in which rounds have been learned."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.commands import Json, answer
from tests.unit.cli.learned import LEARN, MARGINS, RECIPE, timeless


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, without API keys."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder in which two rounds have been learned, into `out`."""
    folder = tmp_path_factory.mktemp("learned")
    before = Path.cwd()
    os.chdir(folder)
    try:
        Path("recipe.toml").write_text(RECIPE)
        Path("margins.toml").write_text(MARGINS)
        answer("tasks", "synth", "--env", "shop", "--number", "24", "--out", "tasks.jsonl")
        Path("answer.json").write_text(json.dumps(timeless(answer(*LEARN))))
    finally:
        os.chdir(before)
    yield folder


@pytest.fixture
def here(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Json:
    """Work in a copy of that folder, and return what was learned in it."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return json.loads(Path("answer.json").read_text())


@pytest.fixture
def fresh(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that has recipe and tasks and nothing else."""
    for name in ("recipe.toml", "tasks.jsonl"):
        shutil.copy(finished / name, tmp_path)
    monkeypatch.chdir(tmp_path)
