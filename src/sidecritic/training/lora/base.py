"""The model that a fine-tune starts from: a Hugging Face one, or a GGUF file, dequantised."""

import re
from pathlib import Path
from typing import Any

from sidecritic.critics.prompt import APPROVE, REFUSE
from sidecritic.datasets.files import new_folder
from sidecritic.errors import ConfigError
from sidecritic.training.lora.packages import needed

_HUB_NAME = re.compile(r"\w[\w.-]*/[\w.-]+")


def require_base(base: str) -> None:
    """Raise at once for a base that cannot exist.

    Raises:
        ConfigError: it is neither a folder with a model, nor a GGUF file, nor a name on the Hub.
    """
    path = Path(base).expanduser()
    if path.is_dir():
        if not (path / "config.json").exists():
            raise ConfigError(f"the base model {base} has no config.json; give a model's folder")
    elif path.suffix == ".gguf":
        if not path.is_file():
            raise ConfigError(f"the base model {base} does not exist; check `base` in the recipe")
    elif not _HUB_NAME.fullmatch(base):
        raise ConfigError(
            f"the base model {base!r} does not exist; give a folder, a .gguf file, or a name on "
            "the Hugging Face Hub such as HuggingFaceTB/SmolLM2-135M-Instruct"
        )


def safetensors_of(base: str, folder: Path) -> str:
    """Return where the model can be loaded from; a GGUF file is dequantised into `folder` once.

    Raises:
        ConfigError: the file cannot be read, or the disk is full.
    """
    path = Path(base).expanduser()
    if path.suffix != ".gguf":
        return str(path) if path.is_dir() else base
    if not folder.exists():
        with new_folder(folder) as draft:
            _dequantise(path, draft)
    return str(folder)


def _dequantise(file: Path, into: Path) -> None:
    torch, transformers = needed("torch"), needed("transformers")
    needed("gguf")
    where: dict[str, Any] = {"gguf_file": file.name}
    # Otherwise the weights stay packed wherever there is a kernel for them.
    plain = transformers.GgufConfig(dequantize=True)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, **where)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent, dtype=torch.bfloat16, quantization_config=plain, **where
        )
    except (OSError, ValueError, KeyError, NotImplementedError) as cause:
        raise ConfigError(f"cannot read the base model {file}: {cause}") from cause
    # It is marked as quantised although its weights are plain, and would refuse to be saved.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)


def load_base(place: str, *, dtype: str) -> tuple[Any, Any]:
    """Return model and tokenizer.

    Raises:
        ConfigError: there is no such model, or its tokenizer cannot say a verdict in one token.
    """
    torch, transformers = needed("torch"), needed("transformers")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, trust_remote_code=False)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            place, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError) as cause:
        said = " ".join(str(cause).split())[:300]
        raise ConfigError(f"cannot load the base model {place}: {said}") from cause
    if tokenizer.chat_template is None:
        raise ConfigError(f"the base model {place} has no chat template; take an instruct model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def verdict_tokens(tokenizer: Any) -> tuple[int, int]:
    """Return the tokens of the words that approve and refuse.

    Raises:
        ConfigError: a word is more than one token, so no single position holds it.
    """
    found = [tokenizer.encode(word, add_special_tokens=False) for word in (APPROVE, REFUSE)]
    if any(len(tokens) != 1 for tokens in found):
        raise ConfigError(
            f"the tokenizer of {tokenizer.name_or_path} splits {APPROVE} or {REFUSE}; take another "
            "base model"
        )
    return found[0][0], found[1][0]
