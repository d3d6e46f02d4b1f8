"""What a run was worth: pure functions of its trajectories."""

from sidecritic.scoring.comparison import compare
from sidecritic.scoring.results import Comparison, Interval, Interventions, Scores
from sidecritic.scoring.score import score

__all__ = ["Comparison", "Interval", "Interventions", "Scores", "compare", "score"]
