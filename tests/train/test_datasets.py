"""The folder of `datagen export` as Hugging Face `datasets` and TRL read it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sidecritic.cli.exporting import Asked, export_runs
from sidecritic.labelling.label import Label
from sidecritic.labelling.store import LABELS_FILE, read_labels
from sidecritic.training.lora.packages import needed, quiet

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

CONFIGS = {"verdict", "preference", "feedback", "steps"}


@pytest.fixture(scope="module", params=["jsonl", "parquet"])
def exported(
    request: pytest.FixtureRequest, faulty: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Return a data set, and the ending of the files that are to be read of it."""
    folder = tmp_path_factory.mktemp("exported")
    run, out = folder / "run", folder / "data"
    shutil.copytree(faulty, run)
    (run / LABELS_FILE).write_text("".join(map(as_taught, read_labels(run))))
    parquet = request.param == "parquet"
    export_runs([run], Asked(out=out, rendering="brief", held_out="drop", parquet=parquet))
    return out, request.param


def as_taught(label: Label) -> str:
    """Return a line of labels, with what a teacher adds to one that says wrong."""
    words = {"feedback": "Ask the user first.", "unhelpful": ("Try something else.",)}
    return label.model_copy(update=words if label.wrong else {}).model_dump_json() + "\n"


def loaded(folder: Path, config: str, cache: Path) -> Any:
    quiet()
    return needed("datasets").load_dataset(str(folder), config, cache_dir=str(cache))


@pytest.mark.parametrize("config", sorted(CONFIGS))
def test_datasets_reads_every_configuration_as_it_is(
    exported: tuple[Path, str], config: str, tmp_path: Path
) -> None:
    folder, ending = exported
    found = loaded(folder, config, tmp_path)
    written = sorted((folder / config).glob("*.jsonl"))
    assert set(found) == {file.stem for file in written} >= {"train"}
    for file in written:
        lines = file.read_text().splitlines()
        assert list(found[file.stem]) == [json.loads(line) for line in lines]
        assert len(lines) > 0
    builder = needed("datasets").load_dataset_builder(str(folder), config, cache_dir=str(tmp_path))
    read = [str(name) for names in builder.config.data_files.values() for name in names]
    assert {name.rpartition(".")[2] for name in read} == {ending}


def test_the_folder_names_its_configurations(exported: tuple[Path, str]) -> None:
    assert set(needed("datasets").get_dataset_config_names(str(exported[0]))) == CONFIGS


def test_trl_learns_from_it_as_it_is(
    exported: tuple[Path, str], tiny: Path, tmp_path: Path
) -> None:
    trl, transformers = needed("trl"), needed("transformers")
    common: dict[str, Any] = {
        "output_dir": str(tmp_path / "out"),
        "max_steps": 1,
        "per_device_train_batch_size": 2,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "save_strategy": "no",
    }
    for config, trainer, arguments in (
        ("verdict", trl.SFTTrainer, trl.SFTConfig),
        ("preference", trl.DPOTrainer, trl.DPOConfig),
    ):
        made = trainer(
            model=transformers.AutoModelForCausalLM.from_pretrained(tiny),
            args=arguments(**common, max_length=256),
            train_dataset=loaded(exported[0], config, tmp_path)["train"],
            processing_class=transformers.AutoTokenizer.from_pretrained(tiny),
        )
        assert made.train().global_step == 1
