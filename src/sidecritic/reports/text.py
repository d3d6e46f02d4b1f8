"""Text of models, servers and task files, made safe to show."""

import re

LIMIT = 300

# Marks that count only at the start of a line are not among them: no text of others begins one.
_MARKUP = re.compile(r"([\\`*_\[\]|~])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def plain(text: str, limit: int = LIMIT) -> str:
    """Return one line of printable characters, cut at `limit`.

    Escape sequences of terminals and changes of the reading direction lose the character
    that makes them work.
    """
    line = " ".join(text[: 4 * limit].split())
    kept = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)
    return kept if len(kept) <= limit and len(text) <= 4 * limit else kept[:limit] + "…"


def escaped(text: str) -> str:
    """Return `plain(text)` so that Markdown and HTML show it as it is, also inside a table."""
    shown = "".join(_HTML.get(each, each) for each in plain(text))
    # An address would become a link without any markup.
    return _MARKUP.sub(r"\\\1", shown).replace("://", ":&#47;&#47;")


def code(text: str) -> str:
    """Return the line as inline code; backticks and bars cannot be escaped there."""
    return "`" + plain(text, 2000).replace("`", "'").replace("|", "¦") + "`"
