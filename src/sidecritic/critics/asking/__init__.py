"""How models are asked for a verdict, and how their answers are read."""
