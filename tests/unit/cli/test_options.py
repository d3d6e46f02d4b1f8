"""Every option of every command: its default can be used, and nothing does not mean everything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from sidecritic.cli.app import app
from tests.unit.cli.commands import complaint


def commands(root: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, root
    for name, inner in getattr(root, "commands", {}).items():
        yield from commands(inner, (*words, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_default_passes_its_own_parser(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    context = typer.Context(command)
    for parameter in command.params:
        default = parameter.get_default(context)
        if default is not None:
            parameter.process_value(context, default)  # raises where a parser cannot take it


def test_an_export_without_a_folder_of_llama_cpp_is_answered_in_one_line(tmp_path: Path) -> None:
    said = complaint("train", "export", str(tmp_path), "--out", str(tmp_path / "out"))
    assert "holds no finished fine-tune" in said


@pytest.mark.parametrize("flag", ["--env", "--task-ids"])
@pytest.mark.parametrize("value", ["", " ", ","])
def test_a_flag_that_names_nothing_does_not_mean_everything(flag: str, value: str) -> None:
    assert f"{flag} is" in (said := complaint("eval", "--env", "shop", flag, value))
    assert "names nothing" in said
