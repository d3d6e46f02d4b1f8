"""Judge recorded runs with a critic, and score what it says."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecritic.assembly.critics import HEAD
from sidecritic.assembly.executors import cluster_for
from sidecritic.assembly.packs import pack_at, pack_of, unknown_domains, unlearned, unused
from sidecritic.assembly.recorded import Cassettes, CriticByName
from sidecritic.calibration.profile import Profile
from sidecritic.errors import ConfigError
from sidecritic.labelling.label_files import (
    GivenLabels,
    among,
    attached,
    opinions_in,
    read_labels_file,
)
from sidecritic.labelling.store import LABELS_FILE
from sidecritic.models.scripted import NOT_RECORDED
from sidecritic.recorded import CHATS, JudgedProposal, Opinion, ReadersLabels, Recorded
from sidecritic.recordings import Imported, Operator, load, read_policy, read_tools
from sidecritic.replay import ReplayPlan
from sidecritic.replay import replay as judge
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE
from sidecritic.scoring.replay_results import ReplayScores
from sidecritic.scoring.replays import ReplaySource, score_replay
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.names import command_line
from sidecritic.settings.profiles import profile_at
from sidecritic.training.head import cross_validated, train
from sidecritic.workflows.watchers import SILENT, Watcher


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What to judge, and by which critic."""

    files: tuple[Path, ...]
    settings: Settings
    """The critic and its gate; the rest is not used."""
    labels: Path | None = None
    out: Path | None = None
    policy: Path | None = None
    """The operator's, for chat logs."""
    tools: Path | None = None
    """Those of chat logs that name none, with their effects."""
    fixed: bool = False
    """Whether the command chose the critic, so that it takes no pack."""

    @property
    def command(self) -> str:
        """The command line that does it again."""
        asked = self.settings
        return command_line(
            "replay",
            *self.files,
            critic=asked.critic,
            gate=asked.gate,
            critic_threshold=asked.critic_threshold,
            profile=asked.profile,
            pack=asked.pack,
            policy=self.policy,
            tools=self.tools,
            labels=self.labels,
            out=self.out,
            critic_lookups=asked.critic_lookups or None,
            record=asked.record,
            cassette=asked.cassette,
            no_critic_evidence=not asked.critic_evidence,
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """Recorded runs, and what a critic says of their proposals."""

    runs: list[Recorded]
    """Those of environments that have such a critic."""
    lines: tuple[JudgedProposal, ...]
    source: ReplaySource
    readers: ReadersLabels | None = None
    """Of first wrong writes, where the labels speak of them."""


def imported_from(
    files: Sequence[Path],
    watcher: Watcher,
    most: int | None = None,
    operator: Operator | None = None,
) -> Imported:
    """Read recorded runs; the watcher hears of problems, of `most` at the most."""
    imported = load(files, operator)
    for problem in imported.problems[:most]:
        watcher.say(str(problem))
    return imported


def operator_of(policy: Path | None, tools: Path | None) -> Operator:
    """Return what the operator's files say of an agent.

    Raises:
        ConfigError: one of them cannot be read.
    """
    text = read_policy(policy) if policy is not None else ""
    return Operator(text, read_tools(tools) if tools is not None else ())


def labels_at(file: Path | None, runs: Sequence[Path], watcher: Watcher) -> GivenLabels:
    """Return the labels of a file; without one, those that stand in the runs' own folders.

    Raises:
        ConfigError: they cannot be read.
    """
    if file is not None:
        return read_labels_file(file)
    found: list[Opinion] = []
    for run in dict.fromkeys(r.parent if r.name == TRAJECTORIES_FILE else r for r in runs):
        if (run / RUN_FILE).exists() and (opinions := opinions_in(run)):
            sources = ", ".join(sorted({each.by for each in opinions}))
            watcher.say(f"{len(opinions)} labels of {run / LABELS_FILE} count ({sources})")
            found += opinions
    return GivenLabels(tuple(found))


def with_labels(imported: Imported, labels: GivenLabels, watcher: Watcher) -> Imported:
    """Return the runs with what people say of them; the watcher hears of what finds no run.

    Raises:
        ConfigError: a label is about something that its run does not have.
    """
    found = attached(imported.runs, labels.opinions)
    if found.unheard:
        watcher.say(f"{found.unheard} labels are of runs that these files do not hold")
    return imported._replace(runs=found.runs)


def _replayable(
    files: Sequence[Path], operator: Operator, labels: GivenLabels, watcher: Watcher
) -> Imported:
    imported = with_labels(imported_from(files, watcher, operator=operator), labels, watcher)
    if imported.empty:
        watcher.say(f"{imported.empty} empty runs are dropped")
    if not imported.runs:
        raise ConfigError("none of the files holds a run that can be replayed; see above")
    require_labels(imported)
    return imported


def require_labels(imported: Imported) -> None:
    """Raise when there are conversations alone, and none of them has a label."""
    if all(run.is_chat and not run.opinions for run in imported.runs):
        raise ConfigError(
            f"none of the {len(imported.runs)} conversations has a label, so there is nothing to "
            'count; write `labels` into them, such as {"message": 7, "call": "call_3", "label": '
            '"wrong"}, or give --labels FILE'
        )


def judge_files(request: ReplayRequest, *, workers: int = 1, watcher: Watcher = SILENT) -> Judged:
    """Import and judge.

    Raises:
        ConfigError: nothing can be read, or there is no such critic.
    """
    asked = request.settings
    profile = profile_at(Path(asked.profile)) if asked.profile is not None else None
    critics = _critics(request, profile)
    if remark := unused(asked.pack, asked.critic):
        watcher.say(remark)
    pack_of(asked.pack, ())  # before files are read, which takes a while
    operator = operator_of(request.policy, request.tools)
    labels = labels_at(request.labels, request.files, watcher)
    imported = _replayable(request.files, operator, labels, watcher)
    envs = {run.critic_env for run in imported.runs}
    # Chats come with policies of their own: one pack of checks may be for all of them.
    pack_of(asked.pack, {CHATS if run.is_chat else run.critic_env for run in imported.runs})
    skipped = asyncio.run(critics.missing(envs))
    for remark in _not_judged(asked, envs, skipped):
        watcher.say(remark)
    runs = [run for run in imported.runs if run.critic_env not in skipped]
    plan = ReplayPlan(asked.critic, critics, asked.gate, asked.critic_timeout, critics.terms)
    with watcher.proposals(hidden=critics.asks_a_person) as progress:
        # The terminal stays in this process, and a display would write over its questions.
        most = 1 if critics.asks_a_person else workers
        elsewhere = cluster_for(asked)
        lines = judge(runs, plan, request.out, workers=most, executor=elsewhere, progress=progress)
    _say_missing(lines, asked.cassette, watcher)
    source = ReplaySource(
        critic=asked.critic,
        gate=asked.gate,
        command=request.command,
        simulations=len(imported.runs),
        files=imported.files,
        problems=tuple(map(str, imported.problems)),
        empty=imported.empty,
        skipped=skipped,
        terms=critics.terms,
        fitted_files=len(profile.fitted_to(run.file for run in runs)) if profile else 0,
        unlearned=unlearned(asked.critic, (run.critic_env for run in runs), asked.pack),
    )
    readers = None if labels.readers is None else among(labels.readers, runs)
    return Judged(runs, lines, source, readers)


def _critics(request: ReplayRequest, profile: Profile | None) -> CriticByName:
    asked = request.settings
    return CriticByName(
        asked.critic,
        asked.critic_base_url,
        asked.critic_threshold,
        profile,
        lookups=asked.critic_lookups,
        evidence=asked.critic_evidence,
        pack=asked.pack,
        cassettes=Cassettes(asked.record, asked.cassette),
        fixed=request.fixed,
    )


def _not_judged(asked: Settings, envs: Iterable[str], skipped: Mapping[str, str]) -> Iterator[str]:
    yield from unknown_domains(asked.critic, envs, asked.pack)
    yield from (f"{env} is not judged: {why}" for env, why in skipped.items())


def _say_missing(lines: Sequence[JudgedProposal], cassette: str | None, watcher: Watcher) -> None:
    """Say how many answers a cassette lacks: it was recorded of other requests."""
    failed = [line for line in lines if line.judgement.status == "error"]
    missing = sum(NOT_RECORDED in line.judgement.rationale for line in failed)
    if cassette is not None and missing:
        watcher.say(
            f"the cassette {cassette} lacks the answers for {missing} of {len(lines)} proposals; "
            "record them with --record, from a server, or replay what was recorded"
        )


def replay_files(
    request: ReplayRequest, *, workers: int = 1, watcher: Watcher = SILENT
) -> ReplayScores:
    """Import, judge and score; a head is cross-validated if there are labels.

    Raises:
        ConfigError: nothing can be read, or there is no such critic.
    """
    found = judge_files(request, workers=workers, watcher=watcher)
    labels = found.readers
    scores = score_replay(found.runs, found.lines, found.source, labels)
    if labels is None or request.settings.critic != HEAD:
        return scores
    pack = request.settings.pack
    try:
        harmless = pack_at(pack).generic_tools if pack is not None else None
        made = train(found.runs, found.lines, labels, harmless=harmless)
        return scores.model_copy(update={"cv": cross_validated(made, labels)})
    except ConfigError as error:
        watcher.say(f"not cross-validated: {error}")
        return scores
