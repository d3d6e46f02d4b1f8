"""Act: the action as text, without a thought before it.

Source: the ablation of ReAct (Yao et al., arXiv:2210.03629) that τ-bench reports as "Act".
Different here: as in `react`.
"""

from sidecritic.strategies.react import React


class Act(React):
    """Has the model write `Action:` alone."""

    label = "act"
    thoughts = False
