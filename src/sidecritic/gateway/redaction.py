"""Taking secrets out of what is written down, at the place where it is written.

What is taken out is what looks like a credential. Names and addresses of people are not: who
must not keep those leaves `content` off.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from sidecritic.errors import ConfigError

MARK = "[redacted]"

_CREDENTIALS = re.compile(
    r"\b(?:sk|pk|rk|key|ghp|gho|ghs|glpat|xox[abpors])[-_][\w.-]{8,}"
    r"|\bgithub_pat_\w{20,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{12,}"
    r"|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:\b(?:bearer|basic)\s+[\w.~+/=-]{8,})"
)
_SECRET_NAME = re.compile(
    r"(?i)(?:^|[_\W])(?:pass(?:word|wd|phrase)?|secret|token|credential|authorization"
    r"|(?:api|access|private|secret)[_-]?key|cookie)s?(?:$|[_\W])"
)
_SECRET_PAIR = re.compile(
    r"""(?ix) (\\?["']? [\w-]{0,40} (?:passw(?:or)?d|secret|token|api[_-]?key|credential)
    \w{0,40} \\?["']?
    \s*[:=]\s*) (\\?"(?:[^"\\]|\\.)*?\\?" | '[^']*' | [^\s,;}"']+)"""
)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Knows the common forms of credentials, and what the operator adds."""

    patterns: tuple[re.Pattern[str], ...] = ()

    def value(self, value: JsonValue) -> JsonValue:
        """Return a JSON value without secrets."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(part) for part in value]
            case dict():
                return {
                    self.text(key): MARK
                    if _SECRET_NAME.search(key) and isinstance(part, str | int | float)
                    else self.value(part)
                    for key, part in value.items()
                }
            case _:
                return value

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if text:
            text = _SECRET_PAIR.sub(_without_value, _CREDENTIALS.sub(MARK, text))
        for pattern in self.patterns:
            text = pattern.sub(MARK, text)
        return text


def _without_value(pair: re.Match[str]) -> str:
    # A function, as a template is looked up again for every text, with or without a secret.
    return f"{pair[1]}{MARK}"


def redactor_of(patterns: Sequence[str]) -> Redactor:
    """Return a redactor with further patterns.

    Raises:
        ConfigError: one of them is no regular expression.
    """
    try:
        return Redactor(tuple(re.compile(pattern) for pattern in patterns))
    except re.error as cause:
        raise ConfigError(f"store.redact: {cause}; write regular expressions") from cause
