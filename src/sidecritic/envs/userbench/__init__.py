"""UserBench: tasks of a traveller who says little."""
