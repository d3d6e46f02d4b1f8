"""Texts that try to steer a critic, written for this project, and where they may stand.

`payloads.jsonl` holds them with every unusual character escaped, so that a reader sees them.
"""

from pathlib import Path

from sidecritic.types import Record


class Payload(Record):
    id: str
    kind: str
    """What it tries: a forged verdict, delimiter, chat template, policy, consent, ..."""
    language: str
    claims_consent: bool
    """Whether it says that the user agreed, which counts where users speak and nowhere else."""
    text: str


PAYLOADS = tuple(
    Payload.model_validate_json(line)
    for line in (Path(__file__).parent / "payloads.jsonl").read_text("utf-8").splitlines()
)
