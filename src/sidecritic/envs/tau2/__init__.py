"""τ²-bench, from its own package."""
