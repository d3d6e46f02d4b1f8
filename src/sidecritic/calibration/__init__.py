"""From the scores of a critic to probabilities and thresholds.

    curve     what a score means, and the threshold for a share of false alarms: pure numbers
    profile   curves and thresholds by kind, domain and tool, as a TOML file
    critic    a critic that decides by a profile
    fit       a profile from judgements whose truth is known
    report    how a fitted profile does, as a record

A gateway that loads a profile imports the first three only, and they do not import `scoring`.
"""
