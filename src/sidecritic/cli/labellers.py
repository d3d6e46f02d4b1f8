"""The sources of labels, each with what it needs: benchmarks, parties, checks, opinions."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from sidecritic.config import Keys
from sidecritic.config.continuing import Company, benchmarks_of, company_of, teacher_for
from sidecritic.critics.base import refused
from sidecritic.episode import LOOK_BUDGET
from sidecritic.errors import ConfigError, EnvError
from sidecritic.forms import Filler
from sidecritic.gates import Gate
from sidecritic.labelling.advantage import Effort, Players
from sidecritic.labelling.branching import by_branching
from sidecritic.labelling.faults import by_faults
from sidecritic.labelling.feedback import feedback_on
from sidecritic.labelling.label import Label, LabelSource
from sidecritic.labelling.labeller import FindsLabels, Labeller, Subject
from sidecritic.labelling.logged import LoggedProposal
from sidecritic.labelling.outcomes import by_outcome
from sidecritic.labelling.people import Opinion, by_people
from sidecritic.labelling.reach import goal_lost_at
from sidecritic.labelling.rules import by_rules
from sidecritic.labelling.scene import Scene, rebuild
from sidecritic.labelling.teacher import Teacher, by_teacher
from sidecritic.packs.registry import find_pack
from sidecritic.ports import Benchmark, Snapshot
from sidecritic.runs import Run
from sidecritic.types import Revise


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked `datagen label` for."""

    sources: tuple[LabelSource, ...] = ("fault", "outcome")
    gate: Gate = "writes+final"
    continuations: int = 32
    critic: str = "default"
    """Whose feedback is tried where neither the episode nor a fault knows any."""
    teacher: str = ""
    servers: Mapping[str, object] = field(default_factory=dict[str, object])
    opinions: tuple[Opinion, ...] = ()
    decisions: Path | None = None
    concurrency: int = 8

    @property
    def effort(self) -> Effort:
        return Effort(most=self.continuations)


def labellers_for(run: Run, asked: Asked, keys: Keys, stack: AsyncExitStack) -> list[Labeller]:
    """Return the sources that are asked for; `stack` closes what they keep open.

    Raises:
        ConfigError: a source lacks what it needs.
    """
    benchmarks = _benchmarks(run)
    company: Company | None = None
    if {"branching", "teacher"} & set(asked.sources):
        critic = asked.critic if "branching" in asked.sources else "none"
        company = company_of(run, keys, stack, {**asked.servers, "critic": critic})
    desk = _Desk(asked, benchmarks, company)
    found: list[Labeller] = []
    for source in asked.sources:
        finds, settings = desk.source(source, keys, stack)
        found.append(Labeller(source, finds, f"{asked.gate}{settings}"))
    return found


def _benchmarks(run: Run) -> dict[str, Benchmark]:
    """Return the benchmarks of a run; none where they are not here, as the gateway's are not."""
    try:
        return benchmarks_of(run)
    except ConfigError:
        return {}


@dataclass(frozen=True, slots=True)
class _Desk:
    asked: Asked
    benchmarks: Mapping[str, Benchmark]
    company: Company | None

    def source(
        self, source: LabelSource, keys: Keys, stack: AsyncExitStack
    ) -> tuple[FindsLabels, str]:
        """Return what finds the labels of a source, and what decides them beside the gate."""
        asked = self.asked
        match source:
            case "fault":
                return self.faults, ""
            case "outcome":
                return self.outcomes, ""
            case "rule":
                return self.rules, ""
            case "human":
                if not asked.opinions and asked.decisions is None:
                    raise ConfigError("the source human needs --human FILE or --decisions FILE")
                return self.people, f" {_digest(asked.opinions)}"
            case "branching":
                return self.branches, f" {asked.continuations} {asked.critic}"
            case "teacher":
                return self.teaches(keys, stack), f" {asked.continuations} {asked.teacher}"

    async def faults(self, subject: Subject) -> list[Label]:
        return list(by_faults(subject.trajectory, subject.briefing, gate=self.asked.gate))

    async def outcomes(self, subject: Subject) -> list[Label]:
        trajectory, briefing = subject.trajectory, subject.briefing
        scene = await self._scene(subject)
        lost = None if scene is None else await goal_lost_at(trajectory, briefing, scene.rebuilt)
        return list(by_outcome(trajectory, briefing, gate=self.asked.gate, lost_at=lost))

    async def rules(self, subject: Subject) -> list[Label]:
        pack = find_pack(subject.trajectory.task.env)
        if pack is None:
            return []
        scene = await self._scene(subject)
        rebuilt = scene.rebuilt if scene else None
        gate = self.asked.gate
        return await by_rules(subject.trajectory, subject.briefing, pack, rebuilt, gate=gate)

    async def people(self, subject: Subject) -> list[Label]:
        return list(by_people(subject.trajectory, subject.briefing, self.asked.opinions))

    async def branches(self, subject: Subject) -> list[Label]:
        scene = await self._scene(subject)
        if scene is None or self.company is None:
            return []
        critic = self.company.cast.critic(subject.trajectory.task.env)

        async def tells(place: LoggedProposal, snapshot: Snapshot) -> str:
            if known := feedback_on(place):
                return known
            looking = {"look": snapshot.look(LOOK_BUDGET)}
            judgement = refused(await critic.judge(place.proposal.model_copy(update=looking)))
            verdict = judgement.verdict
            return verdict.feedback if isinstance(verdict, Revise) else ""

        effort, gate = self.asked.effort, self.asked.gate
        return await by_branching(
            scene, self._players(self.company), effort=effort, tells=tells, gate=gate
        )

    def teaches(self, keys: Keys, stack: AsyncExitStack) -> FindsLabels:
        if not self.asked.teacher or self.company is None:
            raise ConfigError("the source teacher needs --teacher, such as openai:MODEL")
        model = teacher_for(self.asked.teacher, self.company, keys, stack)
        players, effort = self._players(self.company), self.asked.effort
        teacher = Teacher(Filler(model), players, effort, self.asked.gate)

        async def finds(subject: Subject) -> list[Label]:
            scene = await self._scene(subject)
            return [] if scene is None else await by_teacher(scene, teacher)

        return finds

    def _players(self, company: Company) -> Players:
        cast = company.cast
        return Players(cast.actor, cast.user, cast.limits, cast.sampling)

    async def _scene(self, subject: Subject) -> Scene | None:
        """Return the episode with its environment; `None` where that is another one by now."""
        benchmark = self.benchmarks.get(subject.trajectory.task.env)
        if benchmark is None:
            return None
        try:
            rebuilt = await rebuild(subject.trajectory, benchmark)
        except EnvError:
            return None
        return Scene(subject.trajectory, subject.briefing, rebuilt)


def _digest(opinions: Sequence[Opinion]) -> str:
    text = "\n".join(opinion.model_dump_json() for opinion in opinions)
    return sha256(text.encode()).hexdigest()[:16]
