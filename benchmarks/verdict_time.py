"""How long the default critic takes for a verdict on recorded runs, in CPU time.

    python -m benchmarks.verdict_time [FILES...] [--json]

Without files it takes those under $SIDECRITIC_RECORDED: `dev/` and `other-domains/`. CPU time, so
that what else the machine does is no part of it; one process. The first verdict of a domain, which
reads its data and its patterns, counts as well. Hostile text is the business of `make test-fuzz`.
The exit code is 1 when the median of a domain is above 5 ms.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.recorded import BESIDE, SPLIT, VARIABLE
from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal, domain_of
from sidecritic.settings.evaluation import Settings
from sidecritic.types import Record
from sidecritic.workflows.replay import ReplayRequest, judge_files

MEDIAN_MS = 5.0


class Times(Record):
    """CPU milliseconds of the verdicts of one domain."""

    domain: str
    verdicts: int
    p50: float
    p95: float
    longest: float


def times_of(lines: Iterable[JudgedProposal]) -> tuple[Times, ...]:
    """Return the times of each domain, by name."""
    spent: dict[str, list[float]] = {}
    for line in lines:
        spent.setdefault(domain_of(line.env), []).append(1000 * line.cpu_seconds)
    return tuple(
        Times(
            domain=domain,
            verdicts=len(found),
            p50=float(np.percentile(found, 50)),
            p95=float(np.percentile(found, 95)),
            longest=max(found),
        )
        for domain, found in sorted(spent.items())
    )


def misses(found: Iterable[Times]) -> tuple[str, ...]:
    """Return the domains whose median is too long."""
    return tuple(each.domain for each in found if each.p50 > MEDIAN_MS)


def recorded_files(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the recorded runs of the folder that the environment names."""
    root = Path(environment.get(VARIABLE) or BESIDE)
    folders = (root / SPLIT, root / "other-domains")
    return tuple(file for folder in folders for file in sorted(folder.glob("*.json*")))


def _judged(files: Iterable[Path]) -> Iterator[JudgedProposal]:
    settings = Settings.model_validate({"critic": "default"})
    for file in files:
        yield from judge_files(ReplayRequest((file,), settings)).lines


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args(words)
    files = tuple(said.files) or recorded_files(os.environ)
    if not files:
        sys.stderr.write(f"no recorded runs; set {VARIABLE}, or name files\n")
        return 2
    try:
        found = times_of(_judged(files))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if said.json:
        sys.stdout.write(f"{json.dumps([each.model_dump() for each in found], indent=1)}\n")
    else:
        for each in found:
            sys.stdout.write(
                f"{each.domain}: {each.verdicts} verdicts, CPU ms p50 {each.p50:.1f}, "
                f"p95 {each.p95:.1f}, longest {each.longest:.0f}\n"
            )
    slow = misses(found)
    if slow:
        sys.stderr.write(f"median above {MEDIAN_MS:g} ms: {', '.join(slow)}\n")
    return int(bool(slow))


if __name__ == "__main__":
    raise SystemExit(main())
