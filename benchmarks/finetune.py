"""Does a fine-tune make a small critic better? SmolLM2-135M, a LoRA, a real llama.cpp server.

    .venv-train/bin/python -m benchmarks.finetune --base FILE.gguf [--recorded DIR --labels FILE]

Plays a simulated actor that makes seeded mistakes, labels what it did by those mistakes, makes a
data set of train tasks and new ones whose users are in no test task, compares renderings on a
small budget, fine-tunes with the best of them, exports it as GGUF, serves it, and judges with it
and with its untuned base: the mistakes on the *test* tasks, whose users nothing was trained on, and
writes of recorded runs of other users. What is finished is kept in --folder and not done again.
The actor and the user of the mistakes are *simulated*; recorded runs are real.
"""

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.finetune_data import data_set, held_back, learned_from, users_of
from benchmarks.finetune_judging import (
    Judge,
    Sight,
    judged_faults,
    judged_recorded,
    paired,
    shown,
)
from benchmarks.llama_server import llama_server
from sidecritic.assembly.held_out import held_out_of
from sidecritic.training.lora.export import export
from sidecritic.training.lora.recipe import Recipe
from sidecritic.training.lora.result import Result
from sidecritic.training.lora.run import tune

RENDERINGS = ("words", "checks", "plan", "brief")


@dataclass(frozen=True, slots=True)
class Asked:
    base: str
    folder: Path
    llama_cpp: Path
    recorded: Path | None
    labels: Path | None
    also: tuple[tuple[str, str], ...]
    """Names and base URLs of other critics, such as a bigger model that is not tuned."""
    trials: int
    examples: int
    epochs: float
    seed: int
    threads: int
    renderings: tuple[str, ...]


def tuned(asked: Asked, rendering: str) -> Result:
    """Fine-tune on the data set in that rendering."""
    recipe = Recipe(
        base=asked.base,
        data=str(asked.folder / "data" / rendering),
        seed=asked.seed,
        examples=asked.examples,
        validation=48,
        epochs=asked.epochs,
        layers=15,
        evaluate_every=15,
        threads=asked.threads,
    )
    return tune(recipe, asked.folder / "tuned" / rendering, say=print, tests_of=held_out_of)


def exported(asked: Asked, name: str) -> Path:
    out = asked.folder / "exported" / name
    file = out / f"{name}.Q8_0.gguf"
    if not file.exists():
        run = asked.folder / "tuned" / name
        export(run, out, "gguf", name=name, weights="q8_0", llama_cpp=asked.llama_cpp)
    return file


def compared(asked: Asked, runs: Sequence[Path], held: Path) -> list[dict[str, Any]]:
    """Fine-tune in each rendering, all else equal; judge in memory, as it was trained."""
    table: list[dict[str, Any]] = []
    for rendering in asked.renderings:
        data_set(asked.folder, runs, rendering, asked.seed)
        result = tuned(asked, rendering)
        judge = Judge(rendering, rendering, None, asked.folder, in_memory=True)
        seen = judged_faults(judge, held).measured()
        row = {
            "rendering": rendering,
            "longest": result.longest,
            "validation_auroc": result.auroc,
            "untuned_validation_auroc": result.base_auroc,
            "held_back_auroc": seen["auroc"],
            "held_back_ci": seen["auroc_ci"],
            "seconds": result.seconds,
            "steps": result.steps,
        }
        print(row)
        table.append(row)
    return table


def judged(asked: Asked, judges: Sequence[Judge], held: Path, data: Path) -> dict[str, Any]:
    faults = {judge.name: judged_faults(judge, held) for judge in judges}
    found: dict[str, Any] = {"faults": {name: s.measured() for name, s in faults.items()}}
    found["faults_difference"] = _differences(faults)
    if asked.recorded is not None and asked.labels is not None:
        seen = users_of(data)
        recorded = {
            judge.name: judged_recorded(judge, asked.recorded, asked.labels, seen=seen)
            for judge in judges
        }
        found["recorded"] = {name: sight.measured() for name, sight in recorded.items()}
        found["recorded_difference"] = _differences(recorded)
    return found


def _differences(sights: dict[str, Sight]) -> dict[str, Any]:
    return {name: paired(sights["tuned"], sights[name]) for name in sights if name != "tuned"}


def measure(asked: Asked) -> dict[str, Any]:
    started = perf_counter()
    runs = learned_from(asked.folder, asked.trials, asked.seed)
    held = held_back(asked.folder, asked.seed)
    table = compared(asked, runs, held)
    best = max(table, key=lambda row: row["validation_auroc"])["rendering"]
    data = data_set(asked.folder, runs, best, asked.seed)
    result = tuned(asked, best)
    untuned = untuned_of(asked, best)
    found: dict[str, Any] = {
        "simulated": ["actor", "user"],
        "machine": f"{platform.machine()}, {asked.threads} threads",
        "renderings": table,
        "rendering": best,
        "tuned": result.model_dump(mode="json"),
    }
    with (
        llama_server(
            exported(asked, best), name="tuned", context=1024, threads=asked.threads
        ) as one,
        llama_server(untuned, name="untuned", context=1024, threads=asked.threads) as other,
    ):
        judges = [
            Judge("tuned", f"llm:openai:tuned?{best}", one.base_url, asked.folder),
            Judge("untuned", f"llm:openai:untuned?{best}", other.base_url, asked.folder),
            Judge("head", "default", None, asked.folder),
            *(Judge(name, name, url, asked.folder) for name, url in asked.also),
        ]
        found |= judged(asked, judges, held, data)
    found["seconds"] = round(perf_counter() - started, 1)
    return found


def untuned_of(asked: Asked, rendering: str) -> Path:
    """Return the base in the same form as the tuned one: the same converter, the same weights."""
    from sidecritic.training.lora.base import load_base, safetensors_of
    from sidecritic.training.lora.export import convert
    from sidecritic.training.lora.result import read_result

    file = asked.folder / "exported" / "untuned" / "untuned.Q8_0.gguf"
    if not file.exists():
        run = asked.folder / "tuned" / rendering
        recipe = read_result(run).recipe
        place = safetensors_of(recipe.base, run / "base")
        file.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as folder:
            for part in load_base(place, dtype=recipe.dtype):
                part.save_pretrained(folder)
            convert(Path(folder), file, "q8_0", asked.llama_cpp)
    return file


def _asked() -> tuple[Asked, bool]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="GGUF file or Hugging Face folder")
    parser.add_argument("--folder", type=Path, default=Path("runs/finetune"))
    parser.add_argument("--llama-cpp", type=Path, default=Path(".venv-train/llama.cpp"))
    parser.add_argument("--recorded", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--also", nargs=2, action="append", metavar=("CRITIC", "URL"), default=[])
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--examples", type=int, default=480)
    parser.add_argument("--epochs", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--renderings", nargs="+", default=list(RENDERINGS))
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    as_json = given.pop("json")
    given["renderings"] = tuple(given["renderings"])
    given["also"] = tuple((name, url) for name, url in given["also"])
    return Asked(**given), as_json


def main() -> None:
    asked, as_json = _asked()
    if as_json:
        import sys
        from contextlib import redirect_stdout

        with redirect_stdout(sys.stderr):
            found = measure(asked)
        print(json.dumps(found, indent=2))
    else:
        print(shown(measure(asked)))


if __name__ == "__main__":
    main()
