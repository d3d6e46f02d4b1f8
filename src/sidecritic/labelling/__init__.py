"""Which proposals were right and which wrong, and how that is known."""
