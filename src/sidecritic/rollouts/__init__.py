"""Many episodes at once: tasks × trials, resumable after a kill at any moment."""

from sidecritic.rollouts.plan import Cast, CriticFor, Episode, Plan, TaskSet, seeds_for
from sidecritic.rollouts.play import Silent, Tally, Watcher, play
from sidecritic.rollouts.store import Store, open_run

__all__ = [
    "Cast",
    "CriticFor",
    "Episode",
    "Plan",
    "Silent",
    "Store",
    "Tally",
    "TaskSet",
    "Watcher",
    "open_run",
    "play",
    "seeds_for",
]
