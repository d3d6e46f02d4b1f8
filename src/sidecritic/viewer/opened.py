"""A run and an episode of it, ready to be shown by a template."""

from collections.abc import Sequence
from typing import NamedTuple

from sidecritic.labelling.label import Label
from sidecritic.viewer.labels import labels_of
from sidecritic.viewer.library import EpisodeRow, RunFolder
from sidecritic.viewer.scene import AtHand, Spot, at_hand, spots_of
from sidecritic.viewer.story import Story, story_of

_COLUMNS = (("faults", "planted"), ("tokens", "tokens"), ("cost", "cost"), ("seconds", "time"))


class RunLine(NamedTuple):
    """A run in the table of runs."""

    run: RunFolder
    rows: Sequence[EpisodeRow]

    def count(self, result: str) -> int:
        return sum(row.result == result for row in self.rows)

    @property
    def sent_back(self) -> int:
        return sum(row.sent_back for row in self.rows)

    @property
    def cost(self) -> float | None:
        costs = [row.cost for row in self.rows if row.cost is not None]
        return sum(costs) if costs else None

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns of the table of episodes that say something of this run."""
        return [
            (name, title)
            for name, title in _COLUMNS
            if any((getattr(row, name) or 0) > 0 for row in self.rows)
        ]

    @property
    def simulated(self) -> str:
        return ", ".join(sorted({role for row in self.rows for role in row.simulated}))


class Opened(NamedTuple):
    """One episode, ready to be shown."""

    run: RunFolder
    row: EpisodeRow
    story: Story
    spots: tuple[Spot, ...]
    hand: AtHand
    labels: dict[tuple[int, int], Label]


def opened_of(run: RunFolder, row: EpisodeRow) -> Opened:
    """Read an episode whole, with what people said of it.

    Raises:
        ConfigError: it cannot be read.
    """
    trajectory = run.trajectory(row)
    story, hand = story_of(trajectory), at_hand(trajectory, run.record)
    labels = {(label.turn, label.attempt): label for label in labels_of(run, row)}
    return Opened(run, row, story, spots_of(story, hand.policy), hand, labels)
