"""A stand-in for τ-bench with the same interface and our own few records, tools and tasks.

As a checkout: `SIDECRITIC_TAU_BENCH=recipes/tau_stand_in`. Scores made with it are no τ-bench
scores.
"""
