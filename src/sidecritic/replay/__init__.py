"""A critic over recorded runs: what would it have said, had it been there?

Each proposal is rebuilt as the critic would have seen it live, and judged by itself; nothing
that the critic says changes what comes next.
"""

from sidecritic.replay.batches import Progress, replay
from sidecritic.replay.judgement import CriticFor, ReplayPlan

__all__ = ["CriticFor", "Progress", "ReplayPlan", "replay"]
