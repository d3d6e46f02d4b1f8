"""What the commands do, as a library: evaluation, learning, replay, promotion."""
