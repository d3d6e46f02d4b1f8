"""Secrets out of what is recorded.

A cassette holds completions and digests of requests, never a request or a header; what is left
to take out is what a model was shown and wrote down again.
"""

import re

from sidecritic.types import Completion

REDACTED = "[redacted]"

_SECRETS = re.compile(
    r"\b(sk|pk|rk)-[A-Za-z0-9_-]{16,}"  # API keys of model providers and payment services
    r"|\b(ghp|gho|ghs|github_pat|glpat|hf|xox[abpr])[_-][A-Za-z0-9_-]{16,}"
    r"|\bA(KIA|SIA)[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # JSON web tokens
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/-]{16,}"
)


def redact(text: str) -> str:
    """Return the text without anything that looks like a key or a token."""
    return _SECRETS.sub(REDACTED, text)


def redacted(completion: Completion) -> Completion:
    """Return the completion without secrets; the same object when it holds none.

    A token with its log-probability is too short to look like one.
    """
    line = completion.model_dump_json()
    clean = redact(line)
    return completion if clean == line else Completion.model_validate_json(clean)
