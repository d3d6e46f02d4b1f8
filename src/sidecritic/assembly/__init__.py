"""From names to objects: benchmarks, models, critics, plans and the gateway."""
