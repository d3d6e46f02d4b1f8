"""What is mapped, and who maps it.

A `Job` says how one item becomes one result. It travels to other processes, and so is made of
data: names, settings, seeds. Each process opens it once, which is where environments are loaded
and critics are made, and works many items with it.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)

ExecutorName = Literal["local", "processes", "ray"]


class Job(Protocol[Item_contra, Result_co]):
    """How an item becomes a result: the same one wherever and in whatever order it is worked."""

    def open(self) -> AbstractAsyncContextManager[Callable[[Item_contra], Awaitable[Result_co]]]:
        """Make ready what items need, and return what works one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Done(Generic[Item, Result]):
    """An item and its result."""

    item: Item
    result: Result


@dataclass(frozen=True, slots=True)
class Lost(Generic[Item]):
    """An item whose worker ended every time that it was tried."""

    item: Item
    reason: str


Take = Callable[[Done[Item, Result] | Lost[Item]], None]
"""Receives each item once, with its result."""


class Executor(Protocol):
    """Maps a job over items."""

    async def each(
        self, job: Job[Item, Result], items: Iterable[Item], take: Take[Item, Result]
    ) -> None:
        """Work every item, and hand each to `take` once, in the order in which they finish.

        Items are drawn when there is room for them, so that a generator may end early. What
        `take` raises ends the map; what was under way is given up then.

        Raises:
            SidecriticError: what the job raises, which is about the map as a whole.
        """
        ...
