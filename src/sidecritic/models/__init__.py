"""Who can talk: clients of real servers, wrappers around any model, and scripted doubles.

Nothing is imported here, so that nobody pays for a provider's library they do not use.
"""
