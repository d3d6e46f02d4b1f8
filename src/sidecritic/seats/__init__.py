"""Somebody else's model in the actor's seat of `Supervisor.decide()`.

The gateway seats the model behind an HTTP request, the adapters seat that of an agent framework.
What both need stands here, below both.
"""
