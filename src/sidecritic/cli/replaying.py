"""Run a critic over recorded runs: what `replay` does."""

import asyncio
import os
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecritic.cli.edge import FAILED, command, note
from sidecritic.errors import ConfigError
from sidecritic.gates import GATES, Gate

if TYPE_CHECKING:
    from sidecritic.recorded import JudgedProposal, Recorded
    from sidecritic.recordings import Imported
    from sidecritic.replay import Progress
    from sidecritic.scoring.readers_labels import ReadersLabels
    from sidecritic.scoring.replay_results import CrossValidated, ReplayScores


def replay(  # noqa: PLR0913 # typer makes a flag of each
    files: Annotated[
        list[Path],
        typer.Argument(help="Result files of τ-bench or τ²-bench, trajectories.jsonl, folders."),
    ],
    *,
    critic: Annotated[str, typer.Option(help="As in `eval`.")] = "default",
    critic_threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="As in `eval`.", metavar="NUMBER")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="The critic's calibration and thresholds: TOML file, or a name."),
    ] = None,
    pack: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="Checks in place of the environment's: a Pack."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Readers' labels of first wrong writes.")
    ] = None,
    gate: Annotated[str, typer.Option(help="|".join(GATES))] = "writes+final",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; by default one a core, one for a local model."),
    ] = None,
    critic_base_url: Annotated[
        str | None, typer.Option(help="Server of the critic's model, such as http://HOST/v1.")
    ] = None,
    critic_timeout: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Seconds until a silent critic counts as failed; 60, a year for a person.",
        ),
    ] = None,
    critic_lookups: Annotated[
        int,
        typer.Option(min=0, max=8, help="Facts that an LLM critic may look up for a verdict."),
    ] = 0,
    critic_evidence: Annotated[
        bool, typer.Option(help="Whether an LLM critic is shown what checks notice.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One judgement a line; the same file again resumes."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")
    ] = False,
) -> None:
    """Run a critic over recorded runs: what would it have caught, what disturbed?"""
    with command(as_json=json) as output:
        from sidecritic.reports.replay import to_replay_tables

        asked = Asked(
            tuple(files),
            critic,
            _gate(gate),
            labels,
            out,
            base_url=critic_base_url,
            timeout=critic_timeout,
            threshold=critic_threshold,
            profile=profile,
            lookups=critic_lookups,
            evidence=critic_evidence,
            pack=pack,
        )
        scores = replayed(asked, workers=workers or _workers(critic))
        if json:
            output.json(scores)
        else:
            output.tables(*to_replay_tables(scores))
        if scores.cost.failed:
            note(f"the critic failed on {scores.cost.failed} proposals: `status` in --out says why")
            raise typer.Exit(FAILED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked `replay` for, but for what does not decide the results."""

    files: tuple[Path, ...]
    critic: str = "default"
    gate: Gate = "writes+final"
    labels: Path | None = None
    out: Path | None = None
    base_url: str | None = None
    timeout: float | None = None
    threshold: float | None = None
    profile: str | None = None
    lookups: int = 0
    evidence: bool = True
    pack: str | None = None
    fixed: bool = False
    """Whether the critic is the command's own choice, with which goes no pack."""

    @property
    def command(self) -> str:
        """The command line that does it again."""
        words = ["sidecritic", "replay", *map(str, self.files), "--critic", self.critic]
        words += ["--gate", self.gate]
        given = {
            "--critic-threshold": self.threshold,
            "--profile": self.profile,
            "--pack": self.pack,
            "--labels": self.labels,
            "--out": self.out,
        }
        for flag, value in given.items():
            words += [flag, str(value)] if value is not None else []
        words += ["--critic-lookups", str(self.lookups)] if self.lookups else []
        words += [] if self.evidence else ["--no-critic-evidence"]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Judged:
    """Recorded runs, and what a critic says of their proposals."""

    imported: "Imported"
    runs: "list[Recorded]"
    """Those of environments that have such a critic."""
    lines: "tuple[JudgedProposal, ...]"
    skipped: dict[str, str]
    terms: str
    """What was asked of the critic beside its name."""
    fitted_files: int
    """Files that the critic's profile was fitted to."""
    unlearned: tuple[str, ...] = ()
    """Domains in which the checks' own risks stand in for a head."""


def judged(asked: Asked, *, workers: int = 1) -> Judged:
    """Import and judge.

    Raises:
        ConfigError: nothing can be read, or there is no such critic.
    """
    from sidecritic.config.packs import pack_of, unused
    from sidecritic.config.profiles import profile_for
    from sidecritic.config.replays import CriticByName
    from sidecritic.config.settings import critic_timeout
    from sidecritic.recordings import load
    from sidecritic.replay import ReplayPlan
    from sidecritic.replay import replay as judge

    profile = profile_for(asked.profile) if asked.profile is not None else None
    critics = CriticByName(
        asked.critic,
        asked.base_url,
        asked.threshold,
        profile,
        lookups=asked.lookups,
        evidence=asked.evidence,
        pack=asked.pack,
        fixed=asked.fixed,
    )
    if remark := unused(asked.pack, asked.critic):
        note(remark)
    pack_of(asked.pack, ())  # before files are read, which takes a while
    imported = load(asked.files)
    _report(imported)
    pack_of(asked.pack, (run.critic_env for run in imported.runs))
    skipped = asyncio.run(critics.missing(run.critic_env for run in imported.runs))
    for env, why in skipped.items():
        note(f"{env} is not judged: {why}")
    runs = [run for run in imported.runs if run.critic_env not in skipped]
    timeout = asked.timeout or critic_timeout(asked.critic)
    plan = ReplayPlan(asked.critic, critics, asked.gate, timeout, critics.terms)
    with _bar(hidden=critics.asks_a_person) as progress:
        # The terminal stays in this process, and a display would write over its questions.
        workers = 1 if critics.asks_a_person else workers
        lines = judge(runs, plan, asked.out, workers=workers, progress=progress)
    fitted = len(profile.fitted_to(run.file for run in runs)) if profile else 0
    unlearned = critics.unlearned(run.critic_env for run in runs)
    return Judged(imported, runs, lines, skipped, critics.terms, fitted, unlearned)


def replayed(asked: Asked, *, workers: int = 1) -> "ReplayScores":
    """Import, judge and score; a critic that learns is cross-validated where there are labels.

    Raises:
        ConfigError: nothing can be read, or there is no such critic.
    """
    from sidecritic.scoring.readers_labels import read_readers_labels
    from sidecritic.scoring.replays import ReplaySource, score_replay

    labels = read_readers_labels(asked.labels) if asked.labels is not None else None
    found = judged(asked, workers=workers)
    source = ReplaySource(
        critic=asked.critic,
        gate=asked.gate,
        command=asked.command,
        simulations=len(found.imported.runs),
        files=found.imported.files,
        problems=tuple(map(str, found.imported.problems)),
        empty=found.imported.empty,
        skipped=found.skipped,
        terms=found.terms,
        fitted_files=found.fitted_files,
        unlearned=found.unlearned,
    )
    scores = score_replay(found.runs, found.lines, source, labels)
    if labels is None or asked.critic not in _LEARNED:
        return scores
    return scores.model_copy(update={"cv": _cross_validated(found, labels, asked.pack)})


_LEARNED = frozenset({"default", "head"})
"""Critics whose risk is a head's over the flags that the judgements hold."""


def _cross_validated(
    found: Judged, labels: "ReadersLabels", pack: str | None
) -> "CrossValidated | None":
    from sidecritic.config.packs import pack_at
    from sidecritic.training.head import cross_validated, train

    try:
        harmless = pack_at(pack).generic_tools if pack is not None else None
        return cross_validated(train(found.runs, found.lines, labels, harmless=harmless), labels)
    except ConfigError as error:
        note(f"not cross-validated: {error}")
        return None


def _workers(critic: str) -> int:
    # Each process would load the weights again, and keep all cores but one busy with them.
    return 1 if "llm:local:" in critic else os.cpu_count() or 1


def _gate(text: str) -> Gate:
    for gate in GATES:
        if gate == text:
            return gate
    raise ConfigError(f"unknown gate {text!r}; known: {', '.join(GATES)}")


def _report(imported: "Imported") -> None:
    for problem in imported.problems:
        note(str(problem))
    if imported.empty:
        note(f"{imported.empty} empty runs are dropped")
    if not imported.runs:
        raise ConfigError("none of the files holds a run that can be replayed; see above")


@contextmanager
def _bar(*, hidden: bool) -> "Generator[Progress]":
    """Show how many proposals are judged, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress as Display

    console = Console(stderr=True)
    with Display(console=console, disable=hidden or not console.is_terminal) as display:
        task = display.add_task("proposals", total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)
