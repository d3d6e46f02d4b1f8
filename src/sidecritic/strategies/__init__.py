"""Ways to act: rivals and baselines, each a `Model` made from `Model`s.

Any environment can be played with any of them, with or without the supervisor. Rivals that judge
actions instead of making them are critics: see `critics/confirmation.py`,
`critics/checklist.py` and `critics/reviewer.py`.
"""
