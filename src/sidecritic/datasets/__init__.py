"""Data sets that critics are trained on: rows, splits, and what keeps them honest."""
