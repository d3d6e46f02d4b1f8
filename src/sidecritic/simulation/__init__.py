"""Simulated parties: an actor that makes seeded mistakes, and scripted users."""
