"""One process of each kind for the whole suite: to start one takes longer than most tests."""

from collections.abc import Generator

import pytest

from tests.javascript.processes import Clients, Processes, processes


@pytest.fixture(scope="session")
def everyone() -> Generator[Processes]:
    with processes() as running:
        yield running


@pytest.fixture(scope="session")
def javascript(everyone: Processes) -> Clients:
    return everyone.node
