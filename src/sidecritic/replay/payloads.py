"""Texts that try to steer a critic, written for this project.

`payloads.jsonl` holds them with every unusual character escaped, so that a reader sees them.
"""

from importlib.resources import files

from sidecritic.types import Record


class Payload(Record):
    id: str
    kind: str
    """What it tries: a forged verdict, delimiter, chat template, policy, consent, ..."""
    language: str
    claims_consent: bool
    """Whether it says that the user agreed, which counts where users speak and nowhere else."""
    text: str


def read_payloads() -> tuple[Payload, ...]:
    """Return all of them, in the order of the file."""
    text = files("sidecritic.replay").joinpath("payloads.jsonl").read_text(encoding="utf-8")
    return tuple(Payload.model_validate_json(line) for line in text.splitlines())
