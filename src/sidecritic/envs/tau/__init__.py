"""The original τ-bench, from its own package."""
