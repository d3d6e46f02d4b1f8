"""Two runs side by side: their episodes in pairs, and one pair turn by turn."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from sidecritic.viewer.changes import Piece, changes
from sidecritic.viewer.library import EpisodeRow, RunFolder
from sidecritic.viewer.story import Entry, Story

Flip = Literal["gained", "lost", "both passed", "both failed", "not graded"]
FLIPS: tuple[Flip, ...] = get_args(Flip)


class Pair(NamedTuple):
    """The episodes of one task and trial."""

    one: EpisodeRow
    two: EpisodeRow
    flip: Flip


class Pairs(NamedTuple):
    pairs: tuple[Pair, ...]
    unpaired: int
    """Episodes that only one of the runs has."""

    def count(self, flip: Flip) -> int:
        return sum(pair.flip == flip for pair in self.pairs)


class TurnPair(NamedTuple):
    """One turn in both episodes."""

    turn: int
    one: tuple[Entry, ...]
    two: tuple[Entry, ...]
    is_same: bool
    """Whether both say and do the same."""
    changed: tuple[Piece, ...]
    """From what the first did in the end to what the second did."""


def paired(one: RunFolder, two: RunFolder) -> Pairs:
    """Return the episodes that both runs have; of one that was played again, the later."""
    first, second = _by_key(one.rows()), _by_key(two.rows())
    pairs = [
        Pair(row, second[key], _flip(row, second[key]))
        for key, row in first.items()
        if key in second
    ]
    return Pairs(tuple(pairs), len(first.keys() ^ second.keys()))


def turn_by_turn(one: Story, two: Story) -> tuple[TurnPair, ...]:
    """Lay two episodes beside each other by the actor's turns."""
    first, second = _turns(one.entries), _turns(two.entries)
    return tuple(
        _turn(turn, first.get(turn, ()), second.get(turn, ()))
        for turn in sorted(first.keys() | second.keys())
    )


def _by_key(rows: Sequence[EpisodeRow]) -> dict[tuple[str, str, int], EpisodeRow]:
    return {(row.env, row.task, row.trial): row for row in rows}


def _flip(one: EpisodeRow, two: EpisodeRow) -> Flip:
    match one.result, two.result:
        case "failed", "passed":
            return "gained"
        case "passed", "failed":
            return "lost"
        case "passed", "passed":
            return "both passed"
        case "failed", "failed":
            return "both failed"
        case _:
            return "not graded"


def _turns(entries: Sequence[Entry]) -> dict[int, tuple[Entry, ...]]:
    turns: dict[int, tuple[Entry, ...]] = {}
    for entry in entries:
        turns[entry.turn] = (*turns.get(entry.turn, ()), entry)
    return turns


def _turn(turn: int, one: tuple[Entry, ...], two: tuple[Entry, ...]) -> TurnPair:
    is_same = [_said(entry) for entry in one] == [_said(entry) for entry in two]
    before, after = _done(one), _done(two)
    return TurnPair(turn, one, two, is_same, () if is_same else changes(before, after))


def _said(entry: Entry) -> tuple[str, str, str]:
    return entry.tone, entry.text, entry.code


def _done(entries: Sequence[Entry]) -> str:
    """Return what the actor did in the end of a turn; empty where it did nothing."""
    done = [
        e
        for e in entries
        if e.tone in ("agent", "open", "critic", "fallback") and e.title != "greeting"
    ]
    return "\n".join(filter(None, (done[-1].text, done[-1].code))) if done else ""
