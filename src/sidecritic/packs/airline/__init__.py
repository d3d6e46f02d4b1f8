"""Checks of τ² airline."""
