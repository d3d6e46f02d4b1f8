"""A real llama.cpp server with real weights (SmolLM2-135M), shared by the tests of one module."""

from collections.abc import Generator

import pytest
from benchmarks.llama_server import llama_server


@pytest.fixture(scope="module")
def base_url() -> Generator[str]:
    with llama_server() as server:
        yield server.base_url
