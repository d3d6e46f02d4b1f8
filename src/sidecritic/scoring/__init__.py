"""Scores of runs: pure functions of trajectories."""

from sidecritic.scoring.comparison import compare
from sidecritic.scoring.results import Comparison, Interval, Interventions, Scores
from sidecritic.scoring.score import score

__all__ = ["Comparison", "Interval", "Interventions", "Scores", "compare", "score"]
