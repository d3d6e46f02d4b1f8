"""The sources of labels, each with what it needs: benchmarks, parties, checks, opinions."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from sidecritic.assembly.past_run import PastRun, benchmarks_of, past_run, teacher_for
from sidecritic.critics.base import refused
from sidecritic.episode import LOOK_BUDGET
from sidecritic.errors import ConfigError, EnvError
from sidecritic.forms import Filler
from sidecritic.gates import Gate
from sidecritic.labelling.advantage import Effort
from sidecritic.labelling.branching import by_branching
from sidecritic.labelling.faults import by_faults
from sidecritic.labelling.feedback import feedback_on
from sidecritic.labelling.label import Label, LabelSource
from sidecritic.labelling.labeller import FindsLabels, Labeller, Subject
from sidecritic.labelling.logged import LoggedProposal
from sidecritic.labelling.outcomes import by_outcome
from sidecritic.labelling.people import by_people
from sidecritic.labelling.reach import goal_lost_at
from sidecritic.labelling.rules import by_rules
from sidecritic.labelling.scene import Scene, rebuild
from sidecritic.labelling.teacher import Teacher, by_teacher
from sidecritic.packs.registry import find_pack
from sidecritic.ports import Benchmark, Snapshot
from sidecritic.recorded import Opinion
from sidecritic.recordings import Operator
from sidecritic.runs import Run
from sidecritic.settings.environment import Keys
from sidecritic.types import Revise


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """What to label a run by."""

    sources: tuple[LabelSource, ...] = ("fault", "outcome")
    gate: Gate = "writes+final"
    continuations: int = 32
    critic: str = "default"
    """Whose feedback is tried if neither the episode nor a fault has any."""
    teacher: str = ""
    servers: Mapping[str, object] = field(default_factory=dict[str, object])
    opinions: tuple[Opinion, ...] = ()
    decisions: Path | None = None
    operator: Operator = Operator()  # noqa: RUF009 # it is immutable
    """What is said of the agent whose chat log `decisions` is."""
    concurrency: int = 8


def labellers_for(
    run: Run, asked: LabelRequest, keys: Keys, stack: AsyncExitStack
) -> list[Labeller]:
    """Return the sources of a request; `stack` closes what they keep open.

    Raises:
        ConfigError: a source lacks what it needs.
    """
    past: PastRun | None = None
    if {"branching", "teacher"} & set(asked.sources):
        critic = asked.critic if "branching" in asked.sources else "none"
        past = past_run(run, keys, stack, {**asked.servers, "critic": critic})
    known = _Sources(asked, _benchmarks(run), past)
    return [known.labeller(source) for source in asked.sources]


def _benchmarks(run: Run) -> dict[str, Benchmark]:
    """Return the benchmarks of a run; none if they are not here, like the gateway's."""
    try:
        return benchmarks_of(run)
    except ConfigError:
        return {}


@dataclass(frozen=True, slots=True)
class _Sources:
    asked: LabelRequest
    benchmarks: Mapping[str, Benchmark]
    past: PastRun | None

    def labeller(self, source: LabelSource) -> Labeller:
        finds, settings = self.source(source)
        return Labeller(source, finds, f"{self.asked.gate}{settings}")

    def source(self, source: LabelSource) -> tuple[FindsLabels, str]:
        """Return what finds the labels of a source, and what else than the gate decides them."""
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
                return self.teaches(), f" {asked.continuations} {asked.teacher}"

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
        if scene is None or self.past is None:
            return []
        critic = self.past.cast.critic(subject.trajectory.task.env)

        async def tells(place: LoggedProposal, snapshot: Snapshot) -> str:
            if known := feedback_on(place):
                return known
            looking = {"look": snapshot.look(LOOK_BUDGET)}
            judgement = refused(await critic.judge(place.proposal.model_copy(update=looking)))
            verdict = judgement.verdict
            return verdict.feedback if isinstance(verdict, Revise) else ""

        players, gate = self.past.players, self.asked.gate
        return await by_branching(scene, players, effort=self._effort, tells=tells, gate=gate)

    def teaches(self) -> FindsLabels:
        if not self.asked.teacher or self.past is None:
            raise ConfigError("the source teacher needs --teacher, such as openai:MODEL")
        model = teacher_for(self.asked.teacher, self.past)
        teacher = Teacher(Filler(model), self.past.players, self._effort, self.asked.gate)

        async def finds(subject: Subject) -> list[Label]:
            scene = await self._scene(subject)
            return [] if scene is None else await by_teacher(scene, teacher)

        return finds

    @property
    def _effort(self) -> Effort:
        return Effort(most=self.asked.continuations)

    async def _scene(self, subject: Subject) -> Scene | None:
        """Return the episode with its environment; `None` if that has changed since."""
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
