"""Every snippet of README, docs and recipes: its language is known, and its parser takes it."""

import json
import re
from pathlib import Path

import pytest

from sidecritic.models.wrappers import load_prices
from sidecritic.settings.experiments import experiment_from
from sidecritic.settings.gateway_file import gateway_settings
from tests.unit.docs.pages import (
    PAGES,
    RECIPES,
    Snippet,
    lines,
    noted,
    prose,
    snippets,
    told,
    typed,
)
from tests.unit.docs.parsing import problem

LANGUAGES = {
    "sh": "typed as it stands: each command is parsed here, and run in test_typed.py",
    "usage": "the grammar of commands: each is parsed here",
    "python": "run by tests/unit/test_public.py",
    "toml": "read here, and by the loader of what it is",
    "json": "read here",
    "ini": "a service; its command is parsed here",
    "dockerfile": "an image; its commands are parsed here",
    "text": "what something prints, or a drawing; nobody types it",
}
SNIPPETS = [snippet for page in PAGES for snippet in snippets(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_is_fenced_and_says_its_language(page: Path) -> None:
    indented = re.findall(r"(?<=\n\n) {4,}\S.*", prose(page))
    headed = re.findall(r"(?<=\n)#.*\n {4}\S.*", prose(page))
    assert indented + headed == [], "put ``` with a language around these lines"
    unknown = {f"{page.name}:{s.line}": s.language for s in snippets(page)}
    unknown = {where: name for where, name in unknown.items() if name not in LANGUAGES}
    assert unknown == {}, f"name one of {', '.join(LANGUAGES)}, or teach these tests another"


@pytest.mark.parametrize("page", [*PAGES, *RECIPES], ids=lambda page: page.name)
def test_every_command_is_one_that_the_program_takes(page: Path) -> None:
    commands = noted(page) if page in RECIPES else [*typed(page), *told(page)]
    problems = {str(command): said for command in commands if (said := problem(command))}
    assert problems == {}


def test_the_commands_are_found() -> None:
    assert len([command for page in PAGES for command in typed(page)]) > 50
    assert len([command for page in PAGES for command in told(page)]) > 100
    assert all(noted(recipe) for recipe in RECIPES)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sidecritic replay x.json --crtic default", "No such option"),
        ("sidecritic replya x.json", "No such command"),
        ("sidecritic eval --env shop --gate wirtes", "--gate"),
        ("sidecritic eval --env shop --trials many", "--trials"),
        ("sidecritic score", "Missing parameter"),
        ("python -m benchmarks.nothing", "no module"),
        ("python -m benchmarks.branching --case 1", "has no --case"),
        ("pip install '.[gatway]'", "no extra gatway"),
        ("make dmeo", "no target dmeo"),
        ("curl https://example.com", "no program that these tests know"),
    ],
)
def test_a_mistake_in_a_command_is_found(line: str, said: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh\n{line}\n```\n")
    (command,) = typed(page)
    assert said in problem(command)


def test_lines_are_joined_split_and_freed_of_comments() -> None:
    shell = "a --b \\\n  c  # so\n# nothing\nexport KEY=1 && d 'e f'\n"
    assert lines(shell) == [("a", "--b", "c"), ("export", "KEY=1"), ("d", "e f")]


def snippets_in(language: str) -> list[Snippet]:
    return [snippet for snippet in SNIPPETS if snippet.language == language]


@pytest.mark.parametrize("snippet", snippets_in("json"), ids=lambda s: f"{s.page}:{s.line}")
def test_json_is_json(snippet: Snippet) -> None:
    assert json.loads(snippet.text)


def test_toml_is_what_its_loader_takes(tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text("Be kind.")
    texts = {page: [s.text for s in snippets_in("toml") if s.page == page] for page in TOML}
    assert sum(map(len, texts.values())) == len(snippets_in("toml")), "say what reads it"
    (file := tmp_path / "gateway.toml").write_text("\n".join(texts["gateway.md"]))
    assert gateway_settings(file).routes.keys() == {"shop", "claude"}
    (recipe,) = texts["experiments.md"]
    (file := tmp_path / "mine.toml").write_text(recipe)
    assert experiment_from(file, {}).title
    (prices,) = texts["cli.md"]
    (file := tmp_path / "prices.toml").write_text(prices)
    assert load_prices(file)


TOML = ("gateway.md", "experiments.md", "cli.md")
