"""Tool calling: the model's own function calling, and nothing else.

Source: the tool-calling agent of τ-bench (Yao et al., arXiv:2406.12045), its default. There is
no difference, but that parallel calls go to the environment, which knows what to do with them.
"""

from sidecritic.models.wrappers import Wrapper


class ToolCalling(Wrapper):
    """The identity: every other strategy is measured against it."""
