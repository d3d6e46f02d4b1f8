"""A PostgreSQL server of our own, where one is installed."""

import os
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.operating import Process, free_port


@pytest.fixture(scope="module")
def postgres() -> Generator[str]:
    """Run a server of our own, with its data in a folder that is thrown away."""
    pytest.importorskip("psycopg")
    # Debian keeps the server out of the path.
    folders = [os.environ.get("PATH", ""), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    initdb, server = (
        shutil.which(program, path=os.pathsep.join(folders)) for program in ("initdb", "postgres")
    )
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    port = free_port()
    with TemporaryDirectory() as name:
        if user:
            shutil.chown(name, user)
        data = f"{name}/data"
        made = [initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(made, user=user, cwd=name, check=True, capture_output=True)
        words = [server, "-D", data, "-k", name, "-p", str(port), "-h", "127.0.0.1"]
        running = Process(words, user=user, cwd=name)
        try:
            running.wait_for(b"ready to accept connections")
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            running.kill()
