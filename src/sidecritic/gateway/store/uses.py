"""What is counted of one client: by this process alone, or by several workers together."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

OWN = 2
"""Where the counts of requests under way begin, one for each worker."""


@dataclass(slots=True)
class Uses:
    """A worker writes its own count of requests; what all of them write needs the lock."""

    cells: "memoryview[float]"
    """Doubles: requests of the last minute that are not yet forgiven, when that was, counts."""
    mine: int
    lock: Callable[[], AbstractContextManager[None]]

    @property
    def under_way(self) -> int:
        return int(sum(self.cells[OWN:]))

    def add(self, number: int) -> None:
        self.cells[self.mine] += number

    def take(self, now: float, a_minute: int) -> float:
        """Take one from a bucket that holds a minute's worth and fills evenly.

        Returns the seconds until there is one to take; 0 when one was taken.
        """
        with self.lock():
            taken, at = self.cells[0], self.cells[1]
            taken = max(0.0, taken - (now - at) * a_minute / 60)
            missing = taken + 1 - a_minute
            self.cells[0], self.cells[1] = taken + (missing <= 0), now
        return max(0.0, missing * 60 / a_minute)


def own_uses(client: str) -> Uses:
    """Return what one process counts of a client by itself."""
    return Uses(memoryview(bytearray((OWN + 1) * 8)).cast("d"), OWN, nullcontext)
