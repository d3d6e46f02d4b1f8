"""Checks of τ² retail."""
