"""A critic over recorded runs: what it would have said live.

Each proposal is rebuilt as the critic would have seen it, and judged by itself; judgements do
not change what comes next.
"""

from sidecritic.replay.batches import Progress, replay
from sidecritic.replay.judgement import CriticFor, ReplayPlan

__all__ = ["CriticFor", "Progress", "ReplayPlan", "replay"]
