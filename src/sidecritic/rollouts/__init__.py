"""Many episodes at once: tasks × trials, resumable after a kill at any moment."""

from sidecritic.rollouts.budget import Budget, cost_of
from sidecritic.rollouts.plan import Cast, CriticFor, Episode, RolloutPlan, TaskSet, seeds_for
from sidecritic.rollouts.play import Silent, Tally, Watcher, play
from sidecritic.rollouts.store import Store, open_run

__all__ = [
    "Budget",
    "Cast",
    "CriticFor",
    "Episode",
    "RolloutPlan",
    "Silent",
    "Store",
    "Tally",
    "TaskSet",
    "Watcher",
    "cost_of",
    "open_run",
    "play",
    "seeds_for",
]
