"""`recipes/local.toml` on a real llama.cpp server: actor, user and critic are one small model."""

from pathlib import Path

import pytest
from benchmarks.llama_server import MODEL, ROOT
from typer.testing import CliRunner

from sidecritic.cli.app import app
from sidecritic.scoring.grid import Grid

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("llama")]


def test_the_local_recipe_plays_every_cell_on_a_real_model(base_url: str, tmp_path: Path) -> None:
    words = ["--yes", "--limit", "1", "--max-turns", "2", "--base-url", base_url, "--json"]
    cast = ["--actor", f"openai:{MODEL}", "--user", f"openai:{MODEL}", "--out", str(tmp_path)]
    recipe = str(ROOT / "recipes" / "local.toml")
    result = CliRunner().invoke(app, ["experiment", recipe, *words, *cast])
    grid = Grid.model_validate_json(result.stdout)
    assert len(grid.rows) == 4
    assert grid.episodes == grid.planned == 4
    assert grid.simulated == ()
    used = [row.scores.roles["actor"].input_tokens for row in grid.rows]
    assert all(tokens > 0 for tokens in used)
