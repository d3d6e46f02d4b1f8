"""Who can talk: clients of real servers, wrappers around any model, and scripted doubles.

Nothing is imported here, so that only the SDKs in use are loaded.
"""
