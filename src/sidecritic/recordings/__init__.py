"""Recorded runs of τ-bench, τ²-bench and our own, as trajectories."""

from sidecritic.recordings.files import Imported, load

__all__ = ["Imported", "load"]
