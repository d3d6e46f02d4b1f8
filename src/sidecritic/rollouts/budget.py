"""What may be spent, and what has been.

A budget is checked before an episode begins; one that has begun is played to its end and kept.
An episode under way counts with the mean of the finished ones, so that many at a time do not run
far past the limit.
"""

from collections.abc import Iterable, Iterator

from sidecritic.trace import Event, Judged, Observed, Proposed
from sidecritic.types import Usage


class Budget:
    """Money in US dollars for one experiment; without a limit it only counts."""

    def __init__(self, limit: float | None = None, *, expected: float = 0.0) -> None:
        """Open it; `expected` is what an episode is thought to cost until one is finished."""
        self.limit = limit
        self.spent = 0.0
        self.stopped = False
        """Whether the budget kept an episode from beginning."""
        self._expected = expected
        self._finished = 0
        self._under_way = 0

    def count(self, events: Iterable[Event]) -> None:
        """Count in an episode that was played earlier."""
        self.spent += cost_of(events)
        self._finished += 1

    def begin(self) -> bool:
        """Return whether another episode may begin; if so, it is under way."""
        self.stopped = self.stopped or self._is_used_up()
        if self.stopped:
            return False
        self._under_way += 1
        return True

    def end(self, cost: float) -> None:
        """Count in an episode that was under way, and what it cost."""
        self._under_way -= 1
        self.spent += cost
        self._finished += 1

    def _is_used_up(self) -> bool:
        if self.limit is None:
            return False
        each = self.spent / self._finished if self._finished else self._expected
        return self.spent + each * self._under_way >= self.limit

    @property
    def reason(self) -> str:
        """Why playing stopped, and how to resume."""
        return (
            f"stopped at the budget: ${self.spent:.4f} of ${self.limit or 0:g} are spent; what was "
            "finished is kept; resume by repeating the command with a larger --budget"
        )


def cost_of(events: Iterable[Event]) -> float:
    """Return what the calls of an episode cost, as far as their prices are known."""
    return sum(sorted(usage.cost_usd or 0.0 for usage in _usages(events)))


def _usages(events: Iterable[Event]) -> Iterator[Usage]:
    for event in events:
        if isinstance(event, Proposed):
            yield event.completion.usage
        elif isinstance(event, Judged):
            yield event.judgement.usage
        elif isinstance(event, Observed):
            yield event.observation.usage
