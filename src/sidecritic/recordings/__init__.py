"""Recorded runs of τ-bench, τ²-bench and our own, and chat logs, as trajectories."""

from sidecritic.recordings.conversations import Operator
from sidecritic.recordings.files import Imported, load
from sidecritic.recordings.tools import read_tools
from sidecritic.seats.arguments import read_policy

__all__ = ["Imported", "Operator", "load", "read_policy", "read_tools"]
