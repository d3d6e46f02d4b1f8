"""Tasks that stand and fall together."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from sidecritic.errors import SidecriticError, first_error


class Enough(Exception):
    """Ends a map from within, as no more results are wanted."""


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all at once; the first error of this package cancels the rest and is raised.

    `Enough` cancels the rest as well, and raises nothing.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except* Enough:
        pass
    except* SidecriticError as errors:
        raise first_error(errors) from errors
