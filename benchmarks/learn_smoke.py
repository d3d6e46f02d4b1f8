"""Do two rounds of learning work, in minutes, and is the second critic no worse than the first?

    python -m benchmarks.learn_smoke [--recipe FILE] [--out DIR]

Runs `sidecritic learn` as anybody would, into a new folder, and reads what the promotion of each
round measured on the held-back tasks. Exit code 1 when a target is missed: two rounds;
each with a validation AUROC and a supervised pass^1; neither lower for the critic of the second
than for that of the first, by a paired 95 % interval that excludes 0; all of it in less than 10
minutes. Actor and user are *simulated*.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from sidecritic.scoring.promotion import AUROC, PASSES, PromotionDecision

ROUNDS = 2
SECONDS = 600.0


def misses(decisions: Sequence[PromotionDecision], seconds: float) -> list[str]:
    """Return the targets that were missed, in words."""
    found: list[str] = []
    if len(decisions) != ROUNDS:
        found.append(f"{len(decisions)} of {ROUNDS} rounds ended with a decision")
    for name in (AUROC, PASSES):
        measured = [decision.figure(name).new.value for decision in decisions]
        values = [value for value in measured if value is not None]
        if len(values) < len(measured):
            found.append(f"{name} of a round could not be measured")
        elif values and values[-1] < values[0] and not _within_chance(decisions[-1], name):
            found.append(
                f"{name} of round {len(values)} is {values[-1]:.3f}, lower than "
                f"{values[0]:.3f} of round 1"
            )
    if seconds >= SECONDS:
        found.append(f"it took {seconds:.0f} s; the target is less than {SECONDS:.0f} s")
    return found


def _within_chance(decision: PromotionDecision, name: str) -> bool:
    """Whether the paired interval of the difference holds 0: one episode of 150 proves nothing."""
    interval = decision.figure(name).difference.ci
    return interval is not None and interval[0] <= 0 <= interval[1]


def decisions_in(out: Path) -> list[PromotionDecision]:
    files = [
        out / f"round-{number}" / "promotion" / "decision.json" for number in range(1, ROUNDS + 1)
    ]
    return [PromotionDecision.model_validate_json(f.read_bytes()) for f in files if f.exists()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/learn-smoke.toml"))
    parser.add_argument("--out", type=Path, default=Path("runs/learn-smoke"))
    asked = parser.parse_args()
    if asked.out.exists():
        parser.error(f"{asked.out} is there already, and going on with it would measure no time")
    command = ["learn", "--recipe", str(asked.recipe), "--out", str(asked.out)]
    started = perf_counter()
    ended = subprocess.run([sys.executable, "-m", "sidecritic", *command], check=False)
    seconds = perf_counter() - started
    if ended.returncode:
        sys.exit(ended.returncode)
    print(f"{seconds:.0f} s by the clock")
    if missed := misses(decisions_in(asked.out), seconds):
        sys.exit("\n".join(f"target missed: {miss}" for miss in missed))
    print("the second round is no worse than the first, and it took less than 10 minutes")


if __name__ == "__main__":
    main()
