"""Credentials taken out of what is written down: the gateway's store, its spans, cassettes.

What looks like a credential goes, and so does a text under the name of one (`clientSecret`,
`api_key: …`), in objects and in JSON that stands in a text. Numbers stay, and so do counts of
tokens. So do names and addresses of people: to keep those out, leave `content` off.

Texts come from strangers, so each pattern needs time that grows with the text and not with its
square: runs are bounded, or possessive from their first character on.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import JsonValue

from sidecritic.errors import ConfigError

REDACTED = "[redacted]"
LONGEST = 200_000
"""Characters of a text that are kept: a pattern holds the interpreter's lock while it reads."""

_LONG = 1_000
_CREDENTIALS = tuple(
    (marks, re.compile(pattern))
    for marks, pattern in (
        (
            ("sk", "pk", "rk", "key", "gh", "glpat", "xox"),
            r"\b(?:sk|pk|rk|key|gh[opsur]|glpat|xox[abeoprs])[-_][\w.-]{8,}",
        ),
        (("hf", "npm"), r"\b(?:hf|npm)[-_][A-Za-z0-9]{16,}"),
        (("github_pat",), r"\bgithub_pat[-_][\w-]{16,}"),
        (("akia", "asia"), r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}"),
        (("aiza",), r"\bAIza[\w-]{30,}"),
        # JSON web tokens, also behind a short word and a hyphen.
        (
            ("eyj",),
            r"(?<![\w-])(?:[\w-]{0,40}?-)?eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+",
        ),
        (
            ("private key-----",),
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?"
            r"(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
        ),
        (("://",), r"(?<=://)[^/\s:@]{0,256}+:[^/\s@]{1,256}+(?=@)"),
        (("bearer",), r"\b[Bb](?i:earer)\s{1,8}[\w.~+/=-]{8,}"),
        # Words of English may follow: what is encoded mixes cases, or holds digits or an end.
        (
            ("basic",),
            r"\b[Bb](?i:asic)\s{1,8}(?=[\w+/-]{0,200}?(?:[a-z][A-Z]|[\d=]))[\w.~+/=-]{8,}",
        ),
    )
)
"""Texts of which one stands in each credential of a kind, in lower case, and that kind's form.

To look for a text costs a hundredth of what a pattern costs, and most texts hold none.
"""
_NAMED = re.compile(
    r"(?i)(?:passw|passphrase|pwd|secret|token|key|credential|authorization|cookie)"
    r"""[\w-]{0,40}+ (?P<quote>\\{0,8}["']?) \s{0,8}[:=]\s{0,8}""",
    re.VERBOSE,
)
"""The end of a name that may be a secret's, up to where its value begins."""
_NAME_MARKS = ("pass", "pwd", "secret", "token", "key", "credential", "authorization", "cookie")
_LONGEST_NAME = 80
_NAME = re.compile(r"[\w-]*\Z")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRETS = frozenset(
    {"pass", "password", "passwd", "passphrase", "pwd", "secret", "credential", "authorization"}
    | {"cookie", "apikey", "accesskey", "privatekey", "secretkey", "accesstoken", "refreshtoken"}
    | {"idtoken", "authtoken", "clientsecret"}
)
_KEYS = frozenset({"api", "access", "private", "secret", "signing", "encryption", "master"})
_COUNTS = frozenset(
    {"count", "counts", "number", "max", "min", "limit", "budget", "total", "used", "usage"}
    | {"input", "output", "prompt", "completion", "reasoning", "cached", "cache", "spent", "per"}
)
_NUMBER = re.compile(r"[+-]?\d[\d.,eE+-]*|true|false|null|none", re.IGNORECASE)
_HEADERS = frozenset({"cookie", "set-cookie", "authorization", "proxy-authorization"})
_LINE = re.compile(r"""[^\r\n"'\\]*+""")
_BARE = re.compile(r"""(?![\[{])(?:[^\s,;}"'\\]++|\\++(?!["']))*+""")
_LISTED = re.compile(r"\[\s*+")
_NEXT = re.compile(r"""\\*+["']\s*+,\s*+""")
_OPENING = re.compile(r"""(\\*+)(["'])""")
_QUOTE = re.compile(r"""(?<!\\)(\\*+)(["'])""")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Knows the common forms of credentials, and what the operator adds."""

    patterns: tuple[re.Pattern[str], ...] = ()
    known: dict[str, str] | None = None
    """Long texts and what became of them, where the same ones come again and again."""

    def remembering(self) -> "Redactor":
        """Return one that reads each long text once; let go of it soon, it keeps them all."""
        return Redactor(self.patterns, {})

    def value(self, value: JsonValue) -> JsonValue:
        """Return a JSON value without secrets; numbers stay whatever their name."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(part) for part in value]
            case dict():
                return {self.text(key): self._under(key, part) for key, part in value.items()}
            case _:
                return value

    def text(self, text: str) -> str:
        """Return a text without secrets, and without what is beyond `LONGEST` characters."""
        if self.known is None or len(text) < _LONG:
            return self._read(text)
        if text not in self.known:
            self.known[text] = self._read(text)
        return self.known[text]

    def _read(self, text: str) -> str:
        if beyond := max(0, len(text) - LONGEST):
            text = f"{text[:LONGEST]} [{beyond} characters left out]"
        low = text.lower()
        for marks, pattern in _CREDENTIALS:
            if any(mark in low for mark in marks):
                text = pattern.sub(REDACTED, text)
        if any(mark in low for mark in _NAME_MARKS):
            text = _without_named(text)
        for pattern in self.patterns:
            text = pattern.sub(REDACTED, text)
        return text

    def _under(self, name: str, value: JsonValue) -> JsonValue:
        if not _is_secret(name):
            return self.value(value)
        if isinstance(value, list):
            return [self._under(name, part) for part in value]
        return REDACTED if isinstance(value, str) else self.value(value)


def redactor_of(patterns: Sequence[str]) -> Redactor:
    """Return a redactor with further patterns.

    Raises:
        ConfigError: one of them is not a regular expression.
    """
    try:
        return Redactor(tuple(re.compile(pattern) for pattern in patterns))
    except re.error as cause:
        raise ConfigError(f"store.redact: {cause}; write regular expressions") from cause


# --- values that a name gives away -------------------------------------------------------


def _is_secret(name: str) -> bool:
    """Whether a name is that of a secret: `client_secret`, `accessToken`, and no `max_tokens`."""
    words = [word.lower() for word in _WORDS.findall(name[-_LONGEST_NAME:])]
    singular = {word.removesuffix("s") if word != "pass" else word for word in words}
    if not _SECRETS.isdisjoint(singular):
        return True
    if any(b in ("key", "keys") and a in _KEYS for a, b in pairwise(words)):
        return True
    return "token" in singular and _COUNTS.isdisjoint(words)


def _without_named(text: str) -> str:
    """Return a text without what follows the name of a secret, as in `password: …`."""
    kept: list[str] = []
    done = 0
    for start, end in _named_values(text):
        kept += text[done:start], REDACTED
        done = end
    return "".join((*kept, text[done:])) if done else text


def _named_values(text: str) -> Iterator[tuple[int, int]]:
    done = 0
    for found in _NAMED.finditer(text):
        if found.start() < done:
            continue
        before = text[max(0, found.start() - _LONGEST_NAME) : found.start("quote")]
        head = _NAME.search(before)
        name = head[0] if head else ""
        if not _is_secret(name):
            continue
        start, done = _value_at(text, found.end(), name, is_quoted=bool(found["quote"]))
        if done > start:
            yield start, done
        following = _LISTED.match(text, found.end())
        while following and (opening := _OPENING.match(text, following.end())):
            done = _closing(text, opening)
            yield opening.end(), done
            following = _NEXT.match(text, done)


def _value_at(text: str, at: int, name: str, *, is_quoted: bool) -> tuple[int, int]:
    """Return where the value of a secret's name begins and ends; nothing for a number."""
    if opening := _OPENING.match(text, at):
        return opening.end(), _closing(text, opening)
    form = _LINE if name.lower() in _HEADERS and not is_quoted else _BARE
    value = form.match(text, at)
    end = value.end() if value else at
    # A text has no numbers of its own: `password: 1234` is a password, `tokens: 1234` a count.
    may_count = is_quoted or "token" in name.lower()
    is_number = may_count and _NUMBER.fullmatch(text, at, end)
    return (at, at) if is_number else (at, end)


def _closing(text: str, opening: re.Match[str]) -> int:
    """Return where a quoted value ends, however often its text has been written as JSON."""
    depth = len(opening[1]).bit_length()
    for quote in _QUOTE.finditer(text, opening.end()):
        escapes = len(quote[1])
        if quote[2] == opening[2] and any((escapes >> n) % 2 == 0 for n in range(depth + 1)):
            return quote.start(2) - min(escapes, len(opening[1]))
    return len(text)
