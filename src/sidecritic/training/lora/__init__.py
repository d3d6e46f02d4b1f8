"""Fine-tuning of a small language model as a critic: TRL and PEFT, and nothing of ours in between.

    data set ──▶ rows ──▶ run (SFT, then DPO where it is asked for) ──▶ export ──▶ serving
                           └ watch: validation AUROC, best adapter, early stop

Only `run`, `base`, `verdicts`, `preferences` and `export` need torch, and load it when called.
"""
