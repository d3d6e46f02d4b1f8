"""Agent frameworks with a critic inside, each in a module that imports its framework."""
