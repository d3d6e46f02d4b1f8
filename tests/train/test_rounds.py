"""A round of learning whose critic is a fine-tuned model: played, trained, exported, gated."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sidecritic.cli.app import app
from sidecritic.critics.registry import read_registry
from tests.train.conftest import ROOT

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

RECIPE = """
rounds = 1
start = "none"
kind = "lora"
[tasks]
env = "shop"
files = {{shop = "tasks.jsonl"}}
[play]
trials = 2
[mine]
passed = 1.0
[export]
rendering = "brief"
[train]
base = "{base}"
llama_cpp = "{llama_cpp}"
steps = 2
batch = 4
accumulate = 1
layers = 2
validation = 8
evaluate_every = 2
[promotion]
trials = 1
attacks = 1
[promotion.margins]
alarms = 1.0
brier = 1.0
calibration = 1.0
passes = 1.0
tasks = 1
proposals = 1
steered_at_all = 1.0
"""


def answer(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    read: dict[str, Any] = json.loads(result.stdout)
    return read


def test_a_fine_tuned_model_is_gated_like_any_critic(
    smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    llama_cpp = ROOT / ".venv-train" / "llama.cpp"
    Path("recipe.toml").write_text(RECIPE.format(base=smollm2, llama_cpp=llama_cpp))
    answer("tasks", "synth", "--env", "shop", "--number", "48", "--out", "tasks.jsonl")
    learned = answer("learn", "--recipe", "recipe.toml", "--out", "out", "--workers", "1")
    (done,) = learned["rounds"]
    entry = read_registry(Path("out/critics.json")).critics["lora-r1"]
    assert (entry.kind, entry.rendering) == ("lora", "brief")
    assert done["auroc"]["new"]["value"] is not None, "the model was asked, and answered"
    assert {line["judgement"]["status"] for line in _judged()} == {"ok"}


def _judged() -> list[dict[str, Any]]:
    """Return what the model said of the held-back proposals."""
    (file,) = Path("out/held-back/critics").glob("lora_r1*/judged-*.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]
