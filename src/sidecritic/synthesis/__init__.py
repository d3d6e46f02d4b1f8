"""New tasks for a domain: drawn from its records or written by a model, and verified by playing."""
