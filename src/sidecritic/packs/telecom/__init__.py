"""Checks of τ² telecom."""
