"""What all requests of the gateway share."""

import asyncio

import pytest

from sidecritic.gateway.services import Closing


async def test_a_second_signal_gives_no_further_moment() -> None:
    closing = Closing(_at=0.0)  # the first was long ago
    closing.begin()
    with pytest.raises(TimeoutError):
        async with closing.limit():
            await asyncio.Event().wait()
