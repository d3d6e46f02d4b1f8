"""What of a fine-tune needs no torch: recipe, rows, curve, names, commands."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sidecritic.assembly.critics import Connection, critic_for
from sidecritic.critics.compact_llm import CompactCritic
from sidecritic.critics.llm import LLMCritic
from sidecritic.errors import ConfigError
from sidecritic.models.scripted import ScriptedModel
from sidecritic.settings.model_names import ModelName
from sidecritic.training.lora.base import require_base
from sidecritic.training.lora.curve import Point, best, is_stuck, read_curve, write_curve
from sidecritic.training.lora.export import Exported, Format, serving
from sidecritic.training.lora.preferences import PreferenceResult
from sidecritic.training.lora.recipe import Recipe, read_recipe
from sidecritic.training.lora.result import Result, outcome
from sidecritic.training.lora.rows import fitting_pairs, read_material
from sidecritic.workflows.training import draw_curve
from tests.verdict_rows import row, write_data

RECIPES = Path(__file__).parents[3] / "recipes"


def points(*aurocs: float) -> tuple[Point, ...]:
    return tuple(
        Point(step=at * 10, auroc=auroc, log_loss=1 / (at + 1), seconds=at)
        for at, auroc in enumerate(aurocs)
    )


# --- recipe --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("base = 'b'\ndata = ", "is not TOML"),
        ("base = 'b'", "data: Field required"),
        ("base = 'b'\ndata = 'd'\nrnak = 4", "unknown key 'rnak'; known: base, data"),
        ("base = 'b'\ndata = 'd'\nrank = 0", "rank: Input should be greater than or equal to 1"),
        ("base = 'b'\ndata = 'd'\n[dpo]\nbeta = -1", "dpo.beta: Input should be greater than 0"),
    ],
)
def test_a_broken_recipe_names_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says) as error:
        read_recipe(file)
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    "recipe",
    sorted((Path(__file__).parents[3] / "recipes").glob("*lora*.toml")),
    ids=lambda p: p.stem,
)
def test_shipped_recipes_can_be_read(recipe: Path) -> None:
    assert read_recipe(recipe).max_tokens == 256


@pytest.mark.parametrize("base", ["gone.gguf", "./nowhere", "not a name"])
def test_a_base_that_is_not_there_is_named_at_once(base: str) -> None:
    with pytest.raises(ConfigError, match=f"the base model '?{base}'? does not exist"):
        require_base(base)


# --- rows ----------------------------------------------------------------------------------


def test_rows_are_balanced_and_the_same_for_a_seed(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", train=40)
    one = read_material(data, examples=10, validation=8, seed=3)
    assert sum(each.wrong for each in one.train) == 5
    assert one == read_material(data, examples=10, validation=8, seed=3)
    assert one.digest != read_material(data, examples=10, validation=8, seed=4).digest


def test_a_small_class_is_taken_whole_and_the_rest_filled_up(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    rows = [row(n, wrong=n < 3) for n in range(20)]
    (data / "verdict/train.jsonl").write_text("\n".join(r.model_dump_json() for r in rows))
    chosen = read_material(data, examples=12, validation=8, seed=0).train
    assert (len(chosen), sum(each.wrong for each in chosen)) == (12, 3)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_an_empty_class_is_refused(tmp_path: Path, split: str) -> None:
    data = write_data(tmp_path / "data")
    rows = [row(n, "train", wrong=False) for n in range(9)]
    (data / f"verdict/{split}.jsonl").write_text("\n".join(r.model_dump_json() for r in rows))
    with pytest.raises(ConfigError, match=f"the {split} split has 9 rows and none that is wrong"):
        read_material(data, examples=10, validation=8, seed=0)


def test_a_user_in_train_and_validation_is_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    with (data / "verdict/validation.jsonl").open("a") as out:
        out.write(row(3, "train").model_dump_json() + "\n")
    with pytest.raises(ConfigError, match="user 'user-train-3' of retail is in two splits"):
        read_material(data, examples=10, validation=8, seed=0)


def test_what_is_no_data_set_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give the folder that `sidecritic datagen export`"):
        read_material(tmp_path, examples=10, validation=8, seed=0)
    data = write_data(tmp_path / "data")
    (data / "verdict/train.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError, match=r"train.jsonl, line 1: id: Field required"):
        read_material(data, examples=10, validation=8, seed=0)


# --- preference pairs ----------------------------------------------------------------------


def test_a_second_stage_without_pairs_is_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    (data / "preference/train.jsonl").write_text("")
    assert read_material(data, examples=10, validation=8, seed=0).pairs == ()
    with pytest.raises(ConfigError, match="no preference pair about a verdict"):
        read_material(data, examples=10, validation=8, seed=0, preferences=True)


def test_a_pair_of_a_user_who_is_validated_with_is_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    of_validation = (data / "preference/validation.jsonl").read_text()
    with (data / "preference/train.jsonl").open("a") as out:
        out.write(of_validation.splitlines()[3] + "\n")
    read_material(data, examples=10, validation=8, seed=0)
    with pytest.raises(ConfigError, match="'user-validation-3' of retail is in two splits"):
        read_material(data, examples=10, validation=8, seed=0, preferences=True)


def drawn(data: Path, seed: int) -> list[str]:
    found = read_material(data, examples=10, validation=8, seed=seed, preferences=True)
    return [pair.id for pair in found.pairs]


def test_pairs_are_drawn_by_the_seed_and_are_part_of_the_digest(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", train=40)
    assert drawn(data, 3) == drawn(data, 3)
    assert drawn(data, 3)[:10] != drawn(data, 4)[:10]
    assert sorted(drawn(data, 3)) == sorted(f"train-{number}" for number in range(40))
    with_pairs = read_material(data, examples=10, validation=8, seed=3, preferences=True)
    assert with_pairs.digest != read_material(data, examples=10, validation=8, seed=3).digest


def test_pairs_that_are_too_long_are_passed_over_and_counted(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    pairs = read_material(data, examples=9, validation=8, seed=0, preferences=True).pairs
    long = {pairs[0].id, pairs[2].id, pairs[9].id}
    found = fitting_pairs(pairs, lambda p: 257 if p.id in long else 256, limit=256, number=5)
    assert found.pairs == (pairs[1], *pairs[3:7])
    assert found.too_long == 2
    with pytest.raises(ConfigError, match="none of 24 preference pairs has at most 256 tokens"):
        fitting_pairs(pairs, lambda _: 257, limit=256, number=5)


def second(auroc: float) -> PreferenceResult:
    return PreferenceResult(auroc=auroc, before=0.8, steps=3, pairs=9, too_long=2)


def test_the_result_is_that_of_the_adapter_that_is_kept() -> None:
    first = points(0.5, 0.8)[1]
    one = outcome(first, 40, None)
    better, worse = outcome(first, 40, second(0.9)), outcome(first, 40, second(0.7))
    assert one == {"adapter": "best", "step": 10, "steps": 40, "auroc": 0.8}
    assert (better["adapter"], better["step"], better["steps"]) == ("best-dpo", 13, 43)
    assert (worse["adapter"], worse["step"], worse["steps"]) == ("best", 10, 43)
    assert (better["auroc"], worse["auroc"]) == (0.9, 0.8)
    assert worse == {
        **worse, "sft_auroc": 0.8, "dpo_auroc": 0.7, "pairs": 9, "pairs_too_long": 2
    }  # fmt: skip


# --- curve ---------------------------------------------------------------------------------


def test_the_surest_of_equally_good_validations_is_the_best() -> None:
    assert best(points(0.5, 0.8, 0.8, 0.7)).step == 20


@pytest.mark.parametrize(
    ("aurocs", "stuck"),
    [((0.5,), False), ((0.6, 0.5), False), ((0.6, 0.5, 0.6), True), ((0.5, 0.6, 0.7), False)],
)
def test_training_is_stuck_when_patience_ran_out(aurocs: tuple[float, ...], stuck: bool) -> None:
    assert is_stuck(points(*aurocs), patience=2) is stuck


def test_a_curve_that_a_kill_cut_off_loses_its_last_line_only(tmp_path: Path) -> None:
    file = tmp_path / "curve.jsonl"
    write_curve(file, points(0.5, 0.6))
    with file.open("a") as out:
        out.write('{"step": 20, "au')
    assert read_curve(file) == points(0.5, 0.6)


def painted(file: Path, colour: tuple[int, int, int]) -> list[int]:
    """Return the columns of a picture in which there is something of that colour."""
    read: Any = import_module("matplotlib.image").imread(file)
    assert read.shape[2] in (3, 4), "it is a picture in colours"
    near = (abs(read[:, :, :3] * 255 - colour) < 8).all(axis=2)
    return [column for column in range(near.shape[1]) if near[:, column].any()]


def test_the_curve_is_drawn_as_a_picture(tmp_path: Path) -> None:
    # The untuned base is below the picture's usual range, and must show all the same.
    found = [p.model_copy(update={"loss": 1 / (1 + p.step)}) for p in points(0.2, 0.7, 0.9)]
    write_curve(tmp_path / "curve.jsonl", found)
    draw_curve(tmp_path, exported("gguf").run)
    file = tmp_path / "curve.png"
    assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    blue, red = painted(file, (0x2B, 0x6C, 0xB0)), painted(file, (0xC0, 0x56, 0x21))
    assert max(blue) - min(blue) > 300, "a line over all steps"
    assert max(red) - min(red) > 300
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".png"] == ["curve.png"]


def test_a_curve_that_cannot_be_drawn_is_said_to_be_so(tmp_path: Path) -> None:
    write_curve(tmp_path / "curve.jsonl", points(0.5, 0.7))
    (tmp_path / "curve.png").mkdir()
    with pytest.raises(ConfigError, match=r"cannot write .*curve\.png"):
        draw_curve(tmp_path, exported("gguf").run)


# --- names and commands --------------------------------------------------------------------


def connect(name: ModelName) -> Connection:
    return Connection(ScriptedModel([], name=name.model))


def test_a_name_says_how_a_model_reads() -> None:
    made = critic_for("llm:openai:smol?brief", "tau2:retail", connect)
    assert isinstance(made, CompactCritic)
    assert made.name == "llm:smol?brief"
    assert isinstance(critic_for("llm:openai:smol?full", "tau2:retail", connect), LLMCritic)
    assert isinstance(critic_for("llm:openai:smol", "tau2:retail", connect), LLMCritic)
    with pytest.raises(ConfigError, match="unknown rendering 'breif'"):
        critic_for("llm:openai:smol?breif", "tau2:retail", connect)


def exported(how: Format) -> Exported:
    run = Result(
        recipe=Recipe(base="org/base", data="d"),
        data_digest="0",
        rendering="brief",
        examples=1,
        validation=1,
        too_long=0,
        longest=1,
        step=1,
        steps=1,
        stopped_early=False,
        auroc=0.9,
        base_auroc=0.5,
        seconds=1.0,
        peak_memory_mb=1,
        machine="m",
        versions={},
    )
    path = "out/tiny.gguf" if how == "gguf" else "out"
    return Exported(
        format=how,
        path=path,
        digest="0",
        name="tiny",
        rendering="brief",
        base="org/base",
        rank=8,
        run=run,
    )


@pytest.mark.parametrize(
    ("how", "where", "line"),
    [
        (
            "adapter",
            "vLLM",
            "vllm serve org/base --enable-lora --max-lora-rank 8 --lora-modules tiny=out",
        ),
        ("merged", "vLLM", "vllm serve out --served-model-name tiny"),
        ("gguf", "llama.cpp", "llama-server -m out/tiny.gguf --alias tiny -c 1024 --port 8000"),
        ("gguf", "Ollama", "ollama create tiny -f out/Modelfile"),
        (
            "gguf",
            "sidecritic",
            "--critic 'llm:openai:tiny?brief' --critic-base-url http://127.0.0.1:8000/v1",
        ),
    ],
)
def test_each_export_says_how_it_is_served(how: Format, where: str, line: str) -> None:
    assert dict(serving(exported(how)))[where] == line
