"""What leaves a fine-tune: the adapter, the merged model, or one GGUF file; and how to serve it."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Literal, get_args

from sidecritic.critics.registry import digest_of
from sidecritic.datasets.files import new_folder
from sidecritic.errors import ConfigError, TrainingError, boundary
from sidecritic.training.lora.base import load_base, safetensors_of
from sidecritic.training.lora.packages import needed
from sidecritic.training.lora.result import Result, read_result
from sidecritic.types import Record

Format = Literal["adapter", "merged", "gguf"]
FORMATS: tuple[Format, ...] = get_args(Format)

Weights = Literal["q8_0", "bf16", "f16", "f32"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)

CONVERTER = "convert_hf_to_gguf.py"
EXPORT_FILE = "export.json"


class Exported(Record):
    """The contents of `export.json`, in the folder of the export."""

    format: Format
    path: str
    """What to serve: a file, or a folder."""
    digest: str
    """SHA-256 of the weights."""
    name: str
    rendering: str
    base: str
    rank: int
    run: Result


def export(
    run: Path, out: Path, how: Format, *, name: str, weights: Weights, llama_cpp: Path
) -> Exported:
    """Write the best adapter of a fine-tune into a new folder.

    `llama_cpp` is a folder of llama.cpp's source, whose converter makes the GGUF file.

    Raises:
        ConfigError: the run is not finished, `out` is there, or the converter is missing.
        TrainingError: the export broke; nothing is left half-written.
    """
    result = read_result(run)
    base = result.recipe.base
    if how == "gguf" and not (llama_cpp / CONVERTER).is_file():
        raise ConfigError(
            f"{llama_cpp / CONVERTER} is not there: a GGUF file is made by llama.cpp's own "
            "converter; run `make .venv-train/llama.cpp`, or give --llama-cpp DIR, its source"
        )
    with new_folder(out) as draft, boundary(TrainingError, f"export of {run}"):
        made = _made(run, draft, how, name=name, weights=weights, llama_cpp=llama_cpp)
        weighed = draft / made if made else next(iter(sorted(draft.glob("*.safetensors"))))
        exported = Exported(
            format=how,
            path=str(out / made) if made else str(out),
            digest=digest_of(weighed),
            name=name,
            rendering=result.rendering,
            # Of a GGUF file what was made of it.
            base=str(run / "base") if base.endswith(".gguf") else base,
            rank=result.recipe.rank,
            run=result,
        )
        (draft / EXPORT_FILE).write_text(exported.model_dump_json(indent=2), encoding="utf-8")
    return exported


def _made(
    run: Path, draft: Path, how: Format, *, name: str, weights: Weights, llama_cpp: Path
) -> str:
    """Write the files; return the name of the one that is served, empty for the folder."""
    if how == "adapter":
        shutil.copytree(run / read_result(run).adapter, draft, dirs_exist_ok=True)
        return ""
    if how == "merged":
        _merge(run, draft)
        return ""
    merged = draft / "merged"
    merged.mkdir()
    _merge(run, merged)
    file = f"{name}.{weights.upper()}.gguf"
    convert(merged, draft / file, weights, llama_cpp)
    shutil.rmtree(merged)
    served = f"FROM ./{file}\nPARAMETER temperature 1\nPARAMETER num_predict 1\n"
    (draft / "Modelfile").write_text(served, encoding="utf-8")
    return file


def load_tuned(run: Path, *, dtype: str | None = None) -> tuple[Any, Any]:
    """Return base and best adapter as one model, and the tokenizer.

    Raises:
        ConfigError: the run is not finished, or its base is gone.
    """
    result = read_result(run)
    recipe = result.recipe
    model, tokenizer = load_base(
        safetensors_of(recipe.base, run / "base"), dtype=dtype or recipe.dtype
    )
    return needed("peft").PeftModel.from_pretrained(model, run / result.adapter), tokenizer


def _merge(run: Path, into: Path) -> None:
    # The sum is taken in 32 bits, and rounded once.
    model, tokenizer = load_tuned(run, dtype="float32")
    merged = model.merge_and_unload()
    merged.to(getattr(needed("torch"), read_result(run).recipe.dtype)).save_pretrained(into)
    tokenizer.save_pretrained(into)


def convert(merged: Path, file: Path, weights: Weights, llama_cpp: Path) -> None:
    """Write a model as a GGUF file.

    Raises:
        TrainingError: the converter failed.
    """
    command = [sys.executable, str(llama_cpp / CONVERTER), str(merged)]
    command += ["--outfile", str(file), "--outtype", weights]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not file.exists():
        last = " ".join(done.stderr.strip().splitlines()[-3:])
        raise TrainingError(f"llama.cpp's converter failed with code {done.returncode}: {last}")


# --- serving -------------------------------------------------------------------------------


def serving(exported: Exported) -> Sequence[tuple[str, str]]:
    """Return servers with the commands that serve it there, and the critic's name last."""
    modelfile = quote(str(Path(exported.path).parent / "Modelfile"))
    path, name = quote(exported.path), quote(exported.name)
    critic = quote(f"llm:openai:{exported.name}?{exported.rendering}")
    asked = f"--critic {critic} --critic-base-url http://127.0.0.1"
    match exported.format:
        case "adapter":
            # vLLM knows some ranks only.
            sizes = (8, 16, 32, 64, 128, 256)
            rank = next((size for size in sizes if size >= exported.rank), exported.rank)
            command = (
                f"vllm serve {quote(exported.base)} --enable-lora --max-lora-rank {rank} "
                f"--lora-modules {name}={path}"
            )
            return ("vLLM", command), ("sidecritic", f"{asked}:8000/v1")
        case "merged":
            command = f"vllm serve {path} --served-model-name {name}"
            return ("vLLM", command), ("sidecritic", f"{asked}:8000/v1")
        case "gguf":
            local = quote(f"llm:local:{exported.path}?{exported.rendering}")
            python = (
                f"python -m llama_cpp.server --model {path} --model_alias {name} --n_ctx 1024 "
                "--logits_all true --port 8000"
            )
            return (
                ("llama.cpp", f"llama-server -m {path} --alias {name} -c 1024 --port 8000"),
                ("llama-cpp-python", python),
                ("Ollama", f"ollama create {name} -f {modelfile}"),
                ("sidecritic", f"{asked}:8000/v1"),
                ("sidecritic, Ollama", f"{asked}:11434/v1"),
                ("sidecritic, no server", f"--critic {local}"),
            )
