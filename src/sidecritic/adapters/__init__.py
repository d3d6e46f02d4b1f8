"""A critic inside an agent framework; each module imports its own framework."""
