"""Commands as somebody types them, and what they answer."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from sidecritic.cli.app import app

Json = dict[str, Any]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def answer(*words: str, exit_code: int = 0) -> Json:
    result = run(*words, "--json")
    assert result.exit_code == exit_code, result.stderr
    read: Json = json.loads(result.stdout)
    return read


def complaint(*words: str) -> str:
    """Return the one line that bad input is answered with."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    return line


def last_complaint(*words: str) -> str:
    """Return the line that ends a command, whatever it has said of its progress before."""
    result = run(*words)
    assert result.exit_code == 2
    return result.stderr.splitlines()[-1]
