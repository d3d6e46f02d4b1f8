"""Checks of any domain: they know tool schemas, the conversation and records."""
