"""Fine-tuning for real, on a model of random weights: `make test-train`."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sidecritic.assembly.held_out import held_out_of
from sidecritic.errors import ConfigError, TrainingError
from sidecritic.training.lora import run as run_of
from sidecritic.training.lora.curve import best, read_curve
from sidecritic.training.lora.export import export, load_tuned
from sidecritic.training.lora.packages import needed
from sidecritic.training.lora.recipe import Preferences, Recipe
from sidecritic.training.lora.result import Result, read_result
from sidecritic.training.lora.verdicts import risks
from sidecritic.training.lora.watch import Say, quality
from tests.verdict_rows import row, write_data

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]


def recipe(base: Path, data: Path, **other: object) -> Recipe:
    usual: dict[str, object] = {
        "base": str(base),
        "data": str(data),
        "validation": 12,
        "steps": 12,
        "batch": 4,
        "accumulate": 1,
        "learning_rate": 0.02,
        "dtype": "float32",
        "evaluate_every": 3,
        "patience": 9,
        "threads": 1,
    }
    return Recipe.model_validate({**usual, **other})


def silent(text: str) -> None: ...


def tune(recipe: Recipe, out: Path, *, say: Say) -> Result:
    return run_of.tune(recipe, out, say=say, tests_of=held_out_of)


def to_toml(recipe: Recipe, file: Path) -> Path:
    found = recipe.model_dump(exclude_none=True, exclude={"dpo"})
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in found.items()))
    return file


def command(config: Path, out: Path) -> list[str]:
    return [
        "-m", "sidecritic", "train", "--kind", "lora",
        "--config", str(config), "--out", str(out), "--json",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("set") / "data")


@pytest.fixture(scope="module")
def run(tiny: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("run") / "out"
    return out, tune(recipe(tiny, data), out, say=silent)


def test_a_rule_of_one_word_is_learned(run: tuple[Path, Result]) -> None:
    out, result = run
    held = [row(number, "validation") for number in range(12)]
    model, tokenizer = load_tuned(out)
    risk = risks(model, tokenizer, [each.prompt for each in held])
    assert min(r for r, each in zip(risk, held, strict=True) if each.wrong) > 0.9
    assert max(r for r, each in zip(risk, held, strict=True) if not each.wrong) < 0.1
    with model.disable_adapter():
        untuned = risks(model, tokenizer, [each.prompt for each in held])
    assert max(untuned) < 0.9 or min(untuned) > 0.1, "it is not the base that knows it"
    assert result == read_result(out)
    assert result.peak_memory_mb > 100
    assert [point.step for point in read_curve(out / "curve.jsonl")] == [0, 3, 6, 9, 12]


def test_what_is_kept_is_what_was_validated(run: tuple[Path, Result]) -> None:
    out, result = run
    model, tokenizer = load_tuned(out)
    held = [row(number, "validation") for number in range(12)]
    assert quality(model, tokenizer, held).auroc == pytest.approx(result.auroc)
    assert best(read_curve(out / "curve.jsonl")).step == result.step


def test_a_finished_fine_tune_is_read_and_not_repeated(
    run: tuple[Path, Result], tiny: Path, data: Path
) -> None:
    out, result = run
    assert tune(recipe(tiny, data), out, say=pytest.fail) == result
    with pytest.raises(ConfigError, match="another recipe or data set"):
        tune(recipe(tiny, data, seed=1), out, say=silent)


def test_the_same_seed_gives_the_same_curve(
    run: tuple[Path, Result], tiny: Path, data: Path, tmp_path: Path
) -> None:
    out, _ = run
    tune(recipe(tiny, data), tmp_path / "again", say=silent)
    one, other = (read_curve(folder / "curve.jsonl") for folder in (out, tmp_path / "again"))
    assert [(p.step, p.auroc, p.loss) for p in one] == [(p.step, p.auroc, p.loss) for p in other]


def test_training_stops_when_nothing_gets_better(tiny: Path, data: Path, tmp_path: Path) -> None:
    still = recipe(tiny, data, learning_rate=1e-12, patience=2, steps=30)
    result = tune(still, tmp_path / "out", say=silent)
    assert (result.stopped_early, result.steps) == (True, 6)


def test_a_killed_fine_tune_goes_on_and_ends_like_one_that_was_not(
    run: tuple[Path, Result], tiny: Path, data: Path, tmp_path: Path
) -> None:
    config, out = to_toml(recipe(tiny, data), tmp_path / "r.toml"), tmp_path / "out"
    process = subprocess.Popen([sys.executable, *command(config, out)])
    deadline = time.monotonic() + 240
    while not list(out.glob("checkpoints/checkpoint-3/trainer_state.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # a real process is killed at a real moment
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "result.json").exists()
    half = out / "checkpoints" / "checkpoint-99"
    half.mkdir()  # as a kill in the middle of a save leaves it
    result = tune(recipe(tiny, data), out, say=silent)
    assert not half.exists()
    whole = read_curve(run[0] / "curve.jsonl")
    again = read_curve(out / "curve.jsonl")
    assert [p.step for p in again] == [p.step for p in whole]
    losses = [p.log_loss for p in whole]
    assert [p.log_loss for p in again] == pytest.approx(losses, rel=1e-3, abs=1e-6)
    assert result.auroc == run[1].auroc


def test_two_processes_train_one_critic(tiny: Path, data: Path, tmp_path: Path) -> None:
    config, out = to_toml(recipe(tiny, data, batch=2), tmp_path / "r.toml"), tmp_path / "out"
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu"]
    launch += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--main_process_port", "0"]
    done = subprocess.run(
        [*launch, *command(config, out)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = read_result(out)
    assert result.steps == 12
    assert result.auroc > 0.95
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


# --- preferences ---------------------------------------------------------------------------

STAGE = Preferences(steps=3, learning_rate=1e-3, beta=0.02)


@pytest.fixture(scope="module")
def preferred(
    tiny: Path, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("preferred") / "out"
    return out, tune(recipe(tiny, data, steps=6, dpo=STAGE), out, say=silent)


def contents(folder: Path) -> dict[str, str]:
    return {
        file.name: sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.is_file()
    }


def test_preferences_go_on_from_the_first_stage_and_leave_it(
    preferred: tuple[Path, Result], tiny: Path, data: Path, tmp_path: Path
) -> None:
    out, result = preferred
    alone = tune(recipe(tiny, data, steps=6), tmp_path / "out", say=silent)
    assert (result.sft_auroc, result.pairs, result.pairs_too_long) == (alone.auroc, 24, 0)
    before, after = (weights_of(out / folder) for folder in ("best", "best-dpo"))
    alone_weights = weights_of(tmp_path / "out" / "best")
    assert all(abs(before[key] - alone_weights[key]).max() < 1e-4 for key in before)
    assert any(abs(before[key] - after[key]).max() > 1e-4 for key in before)


def weights_of(folder: Path) -> dict[str, Any]:
    file = folder / "adapter_model.safetensors"
    return dict(needed("safetensors.torch").load_file(file))


def test_the_auroc_of_the_result_is_that_of_the_adapter_that_is_served(
    preferred: tuple[Path, Result],
) -> None:
    out, result = preferred
    held = [row(number, "validation") for number in range(12)]
    model, tokenizer = load_tuned(out)
    assert quality(model, tokenizer, held).auroc == pytest.approx(result.auroc)
    assert result.dpo_auroc is not None and result.sft_auroc is not None
    assert result.auroc == max(result.dpo_auroc, result.sft_auroc)
    kept = "best-dpo" if result.dpo_auroc >= result.sft_auroc else "best"
    assert result.adapter == kept
    served = weights_of(out / kept)
    assert all((model.state_dict()[named(key)] == served[key]).all() for key in served)


def named(key: str) -> str:
    """Return the name in a model of what an adapter's file names without its adapter."""
    return key.replace(".weight", ".default.weight")


def test_a_kill_before_the_result_applies_preferences_once(
    preferred: tuple[Path, Result], tiny: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(preferred[0], out)
    (out / "result.json").unlink()
    before = contents(out / "best"), contents(out / "best-dpo")
    again = tune(recipe(tiny, data, steps=6, dpo=STAGE), out, say=silent)
    assert (contents(out / "best"), contents(out / "best-dpo")) == before
    same = {"seconds", "peak_memory_mb"}
    assert again.model_dump(exclude=same) == preferred[1].model_dump(exclude=same)


def test_a_kill_in_the_second_stage_begins_it_again_from_the_first(
    preferred: tuple[Path, Result], tiny: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(preferred[0], out)
    (out / "result.json").unlink()
    # A kill in the middle of the save leaves a draft, and no folder of the final name.
    (out / "best-dpo").rename(out / ".best-dpo.part")
    (out / ".best-dpo.part" / "preferences.json").unlink()
    before = contents(out / "best")
    again = tune(recipe(tiny, data, steps=6, dpo=STAGE), out, say=silent)
    assert contents(out / "best") == before
    one, other = (weights_of(folder / "best-dpo") for folder in (preferred[0], out))
    assert all(abs(one[key] - other[key]).max() < 1e-4 for key in one)
    assert again.dpo_auroc == preferred[1].dpo_auroc
    assert not (out / ".best-dpo.part").exists()


def test_pairs_that_are_too_long_are_left_out_and_counted(
    tiny: Path, data: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "data"
    shutil.copytree(data, mixed)
    pairs = mixed / "preference" / "train.jsonl"
    lines = pairs.read_text().splitlines()
    padded = [line.replace("Right?", "so " * 300 + "Right?") for line in lines[:5]]
    pairs.write_text("\n".join([*padded, *lines[5:]]))
    result = tune(recipe(tiny, mixed, steps=3, dpo=STAGE), tmp_path / "out", say=silent)
    assert (result.pairs, result.pairs_too_long) == (19, 5)


def test_rows_that_are_too_long_are_left_out_and_counted(
    tiny: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"0 of 24 rows have at most 20 tokens"):
        tune(recipe(tiny, data, max_tokens=20), tmp_path / "out", say=silent)


def test_a_full_disk_is_said_to_be_one_and_nothing_is_half_done(
    tiny: Path, data: Path, tmp_path: Path
) -> None:
    config, out = to_toml(recipe(tiny, data), tmp_path / "r.toml"), tmp_path / "out"
    limit = 100_000  # bytes of a file: less than an adapter has
    done = subprocess.run(
        [sys.executable, *command(config, out)],
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: _limit_files(limit),
    )
    assert done.returncode == 1
    assert "TrainingError: fine-tuning: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (out / "result.json").exists()
    assert tune(recipe(tiny, data), out, say=silent).auroc > 0.95, "with room it goes on"


def _limit_files(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


# --- export --------------------------------------------------------------------------------


def test_an_adapter_is_what_peft_loads(
    run: tuple[Path, Result], tiny: Path, tmp_path: Path
) -> None:
    made = export(
        run[0],
        tmp_path / "out",
        "adapter",
        name="tiny",
        weights="q8_0",
        llama_cpp=tmp_path,
    )
    base = needed("transformers").AutoModelForCausalLM.from_pretrained(tiny)
    model = needed("peft").PeftModel.from_pretrained(base, made.path)
    assert model.peft_config["default"].r == made.rank == 8


def test_the_merged_model_needs_no_adapter(run: tuple[Path, Result], tmp_path: Path) -> None:
    made = export(
        run[0], tmp_path / "out", "merged", name="tiny", weights="q8_0", llama_cpp=tmp_path
    )
    transformers = needed("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(made.path)
    _, tokenizer = load_tuned(run[0])
    held = [row(number, "validation") for number in range(12)]
    assert quality(model, tokenizer, held).auroc == pytest.approx(run[1].auroc)


def test_without_llama_cpp_there_is_no_gguf_and_nothing_is_left(
    run: tuple[Path, Result], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match=r"make .venv-train/llama.cpp`, or give --llama-cpp DIR"):
        export(run[0], out, "gguf", name="tiny", weights="q8_0", llama_cpp=tmp_path / "gone")
    broken = tmp_path / "llama.cpp"
    broken.mkdir()
    (broken / "convert_hf_to_gguf.py").write_text("raise SystemExit('no such model')")
    with pytest.raises(TrainingError, match="converter failed with code 1: no such model"):
        export(run[0], out, "gguf", name="tiny", weights="q8_0", llama_cpp=broken)
    assert not out.exists()


def test_an_unfinished_fine_tune_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no finished fine-tune"):
        export(tmp_path, tmp_path / "o", "adapter", name="t", weights="q8_0", llama_cpp=tmp_path)
