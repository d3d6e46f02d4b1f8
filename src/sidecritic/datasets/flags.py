"""What the checks of a domain find in the proposals of a run, look-ups included."""

from collections.abc import Mapping
from contextlib import nullcontext

from sidecritic.critics.policy import PolicyCritic
from sidecritic.errors import ConfigError
from sidecritic.packs import pack_for
from sidecritic.recorded import UNKNOWN, Recorded
from sidecritic.replay.judgement import ReplayPlan, covered, judge_run
from sidecritic.replay.shadow import Worlds
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing, Flag


class FlagFinder:
    """Runs the checks over trajectories; each database is parsed once."""

    def __init__(self) -> None:
        self._worlds = Worlds()

    async def __call__(
        self, trajectory: Trajectory, briefing: Briefing
    ) -> Mapping[tuple[int, int], tuple[Flag, ...]]:
        """Return the flags by turn and attempt; none in a domain without checks.

        Raises:
            ConfigError: a check broke, so its flags are unknown.
        """
        env = trajectory.task.env
        run = Recorded("", 0, "", env.rpartition(":")[2], UNKNOWN, trajectory, briefing)
        try:
            critic = PolicyCritic(pack_for(run.critic_env))
        except ConfigError:
            return {}
        plan = ReplayPlan(critic.name, lambda env: nullcontext(critic), "all")
        wanted = frozenset(covered(run, plan.gate))
        lines = await judge_run(run, critic, plan, worlds=self._worlds, wanted=wanted)
        broken = next((line for line in lines if line.judgement.status != "ok"), None)
        if broken is not None:
            raise ConfigError(f"{trajectory.id}, turn {broken.turn}: {broken.judgement.rationale}")
        return {(line.turn, line.attempt): line.judgement.flags for line in lines}
