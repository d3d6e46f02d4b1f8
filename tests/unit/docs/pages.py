"""What the documentation tells people to type: its snippets, and the commands in them.

A fence names what it holds: `sh` is typed as it stands, `usage` is the grammar of a command
([may be left out], one|other, again...), `text` is what something prints or a drawing.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "design").glob("*.md")),
]
RECIPES = sorted((ROOT / "recipes").glob("*.toml"))
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`((?:sidecritic|pip install|python -m|make) [^`]+)`(?!`)")
_ENTRY = re.compile(r"^(?:ExecStart=|RUN )(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block: its page and first line, its language, and the text without indentation."""

    page: str
    line: int
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """The words of one command and where it stands; a `typed` one can be run as it is."""

    where: str
    words: tuple[str, ...]
    typed: bool

    def __str__(self) -> str:
        return f"{self.where}: {shlex.join(self.words)}"


def snippets(page: Path) -> list[Snippet]:
    """Return the fenced blocks of a page, in its order."""
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(
            page.name,
            text.count("\n", 0, found.start()) + 2,
            found[2],
            re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE),
        )
        for found in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """Return a page with its fenced blocks left blank, line by line."""
    text = page.read_text(encoding="utf-8")
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)


def typed(page: Path) -> list[Command]:
    """Return the commands that a page tells to type, in its order."""
    return [
        Command(f"{page.name}:{snippet.line}", words, typed=True)
        for snippet in snippets(page)
        if snippet.language == "sh"
        for words in lines(snippet.text)
    ]


def told(page: Path) -> Iterator[Command]:
    """Yield the commands that a page speaks of: in a grammar, in prose, in files to deploy."""
    for snippet in snippets(page):
        if snippet.language == "usage":
            for line in snippet.text.replace("\n    ", " ").splitlines():
                yield from _meant(f"{page.name}:{snippet.line}", line)
        elif snippet.language in ("ini", "dockerfile"):
            for found in _ENTRY.finditer(snippet.text):
                yield Command(f"{page.name}:{snippet.line}", _words(found[1]), typed=False)
    text = prose(page)
    for found in _SPAN.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield from _meant(f"{page.name}:{line}", " ".join(found[1].split()))


def noted(recipe: Path) -> list[Command]:
    """Return the commands in a recipe's comments."""
    found = re.findall(r"^# +(sidecritic .+)$", recipe.read_text(encoding="utf-8"), re.MULTILINE)
    return [Command(recipe.name, _words(line), typed=False) for line in found]


def lines(text: str) -> list[tuple[str, ...]]:
    """Return the words of each command of a shell snippet."""
    joined = text.replace("\\\n", " ").splitlines()
    parts = [part for line in joined for part in line.split("#")[0].split(" && ")]
    return [_words(part) for part in parts if part.strip()]


def _words(line: str) -> tuple[str, ...]:
    return tuple(shlex.split(line, comments=True))


def _meant(where: str, line: str) -> Iterator[Command]:
    """Yield each command that a line of the grammar stands for, with all that may be left out."""
    first, *others = re.sub(r"[\[\]]| #.*", "", line).split(" | ")
    group = " ".join(first.split()[:2])
    for part in (first, *(f"{group} {other}" for other in others)):
        choices = [word.split("|") if "://" not in word else [word] for word in _words(part)]
        for chosen in product(*choices):
            yield Command(where, tuple(_once(chosen)), typed=False)


def _once(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the words without `...`, except where it stands for the value of an option."""
    before = ""
    for word in words:
        if word != "..." or before.startswith("--"):
            yield word.removesuffix("...") or "X"
        before = word
