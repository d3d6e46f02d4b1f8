"""How many successful runs the default critic disturbs, and how many wrong writes it catches.

    python -m benchmarks.disturbance [FILES... --labels FILE] [--json]

Without files it takes those under $SIDECRITIC_RECORDED (`dev/`, and `dev_labels.jsonl` beside it).
Everything is at the critic's own threshold. Users are divided into two halves. What is reported
of one half is by checks that were chosen on the other: a check that sent back proposals in
successful runs of more users than in failed ones there is evidence here. Beside it stands the
critic as it is shipped.
Successes are clean runs of τ² and τ-bench retail and airline with full reward; wrong writes are
the first of a run, and could have been known to be wrong.

The exit code is 1 when, over both halves, more than 12 % of the successes are disturbed or less
than 45 % of the wrong writes are caught.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.recorded import Missing, recorded_runs
from sidecritic.checks.common import EVIDENCE
from sidecritic.critics.base import THRESHOLD
from sidecritic.errors import ConfigError
from sidecritic.labelling.label_files import read_labels_file
from sidecritic.packs import pack_for
from sidecritic.recorded import JudgedProposal, ReadersLabels, Recorded
from sidecritic.scoring.replays import KnownProposal, known_proposals
from sidecritic.scoring.verdicts import refused, risk_of
from sidecritic.scoring.writes import WEAK_DOMAINS, is_clean, reward_of
from sidecritic.settings.evaluation import Settings
from sidecritic.splits.assignment import SplitShares
from sidecritic.workflows.replay import ReplayRequest, judge_files

HALVES = SplitShares(validation=0.0, test=0.5)
SEED = 0
DISTURBED = 0.12
"""Of successful runs, at most."""
CAUGHT = 0.45
"""Of detectable wrong writes, at least."""

Refuses = Callable[[JudgedProposal, str], bool]
"""Whether a judgement is a refusal; the other argument is the environment."""


@dataclass(frozen=True, slots=True)
class Run:
    """A clean run with its judgements."""

    env: str
    user: str
    failed: bool
    lines: tuple[JudgedProposal, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What the critic does on one half of the users, or on both."""

    successes: int = 0
    disturbed: int = 0
    wrong_writes: int = 0
    caught: int = 0

    def __add__(self, other: "Row") -> "Row":
        return Row(
            *(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True))
        )

    @property
    def shares(self) -> dict[str, float | None]:
        return {
            "share_disturbed": self.disturbed / self.successes if self.successes else None,
            "share_caught": self.caught / self.wrong_writes if self.wrong_writes else None,
        }


def half_of(user: str) -> int:
    return int(HALVES.split_of(user, SEED) == "test")


def runs_of(recorded: Iterable[Recorded], lines: Iterable[JudgedProposal]) -> list[Run]:
    by_run: dict[tuple[str, int], list[JudgedProposal]] = defaultdict(list)
    for line in lines:
        by_run[line.file, line.simulation].append(line)
    return [
        Run(run.critic_env, run.user_id, reward < 1, tuple(by_run[run.file, run.simulation]))
        for run in recorded
        if (reward := reward_of(run)) is not None
        and is_clean(run)
        and run.domain not in WEAK_DOMAINS
    ]


def refusing(line: JudgedProposal) -> set[str]:
    """Return the checks, case by case, of which each would have refused a proposal alone."""
    return {flag.name for flag in line.judgement.flags if flag.risk >= THRESHOLD}


def hints(env: str) -> set[str]:
    """Return the checks of which only a share of the risk counts, so that none refuses alone."""
    pack = pack_for(env)
    return {check.name for check in pack.calls} & {check.name for check in pack.texts}


def not_held(runs: Iterable[Run]) -> set[tuple[str, str]]:
    """Return the checks, by environment, that sent back more users' successes than failures.

    Users are counted, not runs: what is said of one task is said in every run of it.
    """
    users: dict[tuple[str, str], dict[bool, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        fired = {name for line in run.lines if refused(line) for name in refusing(line)}
        for name in fired - hints(run.env):
            users[run.env, name][run.failed].add(run.user)
    return {check for check, by in users.items() if len(by[False]) > len(by[True])}


def without(demoted: set[tuple[str, str]]) -> Refuses:
    """Return what is refused when some checks are evidence."""

    def refuses(line: JudgedProposal, env: str) -> bool:
        innocent = 1.0 - risk_of(line)
        for flag in line.judgement.flags:
            if (env, flag.name) in demoted and flag.risk >= THRESHOLD:
                innocent *= (1.0 - EVIDENCE) / (1.0 - flag.risk)
        return refused(line) and 1.0 - innocent >= THRESHOLD

    return refuses


def row(runs: Iterable[Run], writes: Iterable[tuple[str, KnownProposal]], refuses: Refuses) -> Row:
    passed = [run for run in runs if not run.failed]
    wrong = [(env, write) for env, write in writes if write.example.wrong]
    return Row(
        successes=len(passed),
        disturbed=sum(any(refuses(line, run.env) for line in run.lines) for run in passed),
        wrong_writes=len(wrong),
        caught=sum(refuses(write.line, env) for env, write in wrong),
    )


def measured(
    recorded: Sequence[Recorded], lines: Sequence[JudgedProposal], labels: ReadersLabels
) -> dict[str, Any]:
    """Return both figures by half of users, as shipped and by checks chosen on the other half."""
    envs = {(run.file, run.simulation): run.critic_env for run in recorded}
    runs = runs_of(recorded, lines)
    writes = [
        (envs[write.line.file, write.line.simulation], write)
        for write in known_proposals(recorded, lines, labels)
        if write.kind == "write"
    ]
    found: dict[str, Any] = {"halves": [], "threshold": THRESHOLD}
    shipped, chosen = Row(), Row()
    for half in (0, 1):
        demoted = not_held(run for run in runs if half_of(run.user) != half)
        mine = [run for run in runs if half_of(run.user) == half]
        my_writes = [(env, write) for env, write in writes if half_of(write.example.group) == half]
        as_is = row(mine, my_writes, without(set()))
        swapped = row(mine, my_writes, without(demoted))
        shipped, chosen = shipped + as_is, chosen + swapped
        found["halves"].append(
            {
                "users": len({run.user for run in mine}),
                "evidence_by_the_other_half": sorted(": ".join(one) for one in demoted),
                "as_shipped": asdict(as_is) | as_is.shares,
                "chosen_on_the_other_half": asdict(swapped) | swapped.shares,
            }
        )
    found["as_shipped"] = asdict(shipped) | shipped.shares
    found["chosen_on_the_other_half"] = asdict(chosen) | chosen.shares
    found["target"] = {"disturbed": DISTURBED, "caught": CAUGHT, "met": _met(chosen)}
    return found


def _met(both: Row) -> bool:
    """Whether both figures are there and good enough; without runs nothing was shown."""
    some = both.successes and both.wrong_writes
    disturbed, caught = both.disturbed, both.caught
    return bool(some) and (
        disturbed <= DISTURBED * both.successes and caught >= CAUGHT * both.wrong_writes
    )


def show(found: dict[str, Any]) -> None:
    print(f"{'':44}{'successes disturbed':>24}{'wrong writes caught':>24}")
    parts = [(f"half {n + 1} of the users", half) for n, half in enumerate(found["halves"])]
    for name, part in (*parts, ("both", found)):
        for way in ("as_shipped", "chosen_on_the_other_half"):
            figures = part[way]
            disturbed = _of(figures["disturbed"], figures["successes"])
            caught = _of(figures["caught"], figures["wrong_writes"])
            print(f"{name + ', ' + way.replace('_', ' '):44}{disturbed:>24}{caught:>24}")
    for name, part in parts:
        listed = ", ".join(part["evidence_by_the_other_half"]) or "none"
        print(f"evidence on {name}, by the other: {listed}")
    target = found["target"]
    print(
        f"target, chosen on the other half: at most {target['disturbed']:.0%} disturbed, at least "
        f"{target['caught']:.0%} caught: {'met' if target['met'] else 'MISSED'}"
    )


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f", {100 * part / whole:.1f} %" if whole else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    try:
        there = recorded_runs(asked.files, asked.labels, os.environ)
        judged = judge_files(ReplayRequest(there.files, Settings(critic="default")))
        labels = read_labels_file(there.labels).readers or {}
    except (Missing, ConfigError) as error:
        print(error, file=sys.stderr)
        return 2
    found = measured(judged.runs, judged.lines, labels)
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if found["target"]["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
