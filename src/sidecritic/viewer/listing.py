"""Which episodes a table shows, in which order: what a reader asked for in an address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, get_args
from urllib.parse import urlencode

from sidecritic.viewer.library import EpisodeRow

PAGE = 100
"""Episodes on one page."""

Show = Literal["all", "passed", "failed", "not graded", "sent back", "broken"]
SHOWN: tuple[Show, ...] = get_args(Show)

_SORTS: dict[str, Callable[[EpisodeRow], object]] = {
    "number": lambda row: row.number,
    "task": lambda row: (row.env, _natural(row.task), row.trial),
    "result": lambda row: (row.result, row.number),
    "turns": lambda row: row.turns,
    "sent back": lambda row: row.sent_back,
    "faults": lambda row: row.faults,
    "tokens": lambda row: row.tokens,
    "cost": lambda row: row.cost or 0.0,
    "seconds": lambda row: row.seconds,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; anything that is not understood counts as not said."""

    show: Show = "all"
    search: str = ""
    sort: str = "number"
    down: bool = False
    grouped: bool = False
    page: int = 1

    def address(self, **changed: object) -> str:
        """Return the query of an address that asks for this, with something changed."""
        now = {
            "show": self.show,
            "q": self.search,
            "sort": self.sort,
            "down": "1" if self.down else "",
            "group": "1" if self.grouped else "",
            "page": self.page,
            **changed,
        }
        usual = {"show": "all", "sort": "number", "page": 1}
        return urlencode({k: v for k, v in now.items() if v and v != usual.get(k)})


class Group(NamedTuple):
    """Episodes of one task, or all of them."""

    task: str
    rows: Sequence[EpisodeRow]
    passed: int


class Listing(NamedTuple):
    asked: Asked
    groups: tuple[Group, ...]
    found: int
    pages: int


def asked_of(query: Mapping[str, str]) -> Asked:
    """Read the query of an address."""
    shows: dict[str, Show] = {each: each for each in SHOWN}
    sort = query.get("sort", "")
    page = query.get("page", "")
    return Asked(
        show=shows.get(query.get("show", ""), "all"),
        search=query.get("q", "")[:200].strip(),
        sort=sort if sort in _SORTS else "number",
        down=query.get("down") == "1",
        grouped=query.get("group") == "1",
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


def chosen(rows: Sequence[EpisodeRow], asked: Asked) -> list[EpisodeRow]:
    """Return all rows that are asked for, in order, whatever the page."""
    words = asked.search.lower().split()
    found = [row for row in rows if _shows(row, asked.show) and all(w in row.words for w in words)]
    found.sort(key=_SORTS[asked.sort], reverse=asked.down)  # pyright: ignore[reportCallIssue, reportArgumentType]
    if asked.grouped:
        found.sort(key=lambda row: (row.env, _natural(row.task)))
    return found


def listing(rows: Sequence[EpisodeRow], asked: Asked) -> Listing:
    """Return one page of the rows that are asked for."""
    found = chosen(rows, asked)
    pages = max(1, -(-len(found) // PAGE))
    at = (min(max(asked.page, 1), pages) - 1) * PAGE
    page = found[at : at + PAGE]
    if asked.grouped:
        by_task = groupby(page, key=lambda row: f"{row.env} {row.task}")
        groups = [_group(task, list(members)) for task, members in by_task]
    else:
        groups = [_group("", page)] if page else []
    return Listing(asked, tuple(groups), len(found), pages)


def _group(task: str, rows: Sequence[EpisodeRow]) -> Group:
    return Group(task, rows, sum(row.result == "passed" for row in rows))


def _shows(row: EpisodeRow, show: Show) -> bool:
    match show:
        case "all":
            return True
        case "sent back":
            return row.sent_back > 0
        case "broken":
            return row.failures > 0
        case _:
            return row.result == show


def _natural(text: str) -> tuple[int, int, str]:
    """Return what sorts numbers by size, and before words."""
    number = text.isascii() and text.isdigit() and len(text) < 18
    return (0, int(text), "") if number else (1, 0, text)
