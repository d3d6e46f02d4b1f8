"""One Node process for the whole suite: to start one takes longer than most of its tests."""

from collections.abc import Generator

import pytest

from tests.javascript.node import Node, node


@pytest.fixture(scope="session")
def javascript() -> Generator[Node]:
    with node() as running:
        yield running
