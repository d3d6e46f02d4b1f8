"""Tasks that stand and fall together."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from sidecritic.errors import SidecriticError, first_error


class Enough(Exception):
    """Ends a map from within, as no more results are wanted."""


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> bool:
    """Run all at once; the first error of this package cancels the rest and is raised.

    Returns whether all came to their end: `Enough` cancels the rest as well, and raises nothing.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
        return True
    except* Enough:
        ...
    except* SidecriticError as errors:
        raise first_error(errors) from errors
    return False
