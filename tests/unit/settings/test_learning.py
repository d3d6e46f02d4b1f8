"""Recipes of learning: strict, and clear about what is wrong."""

from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.settings.learning import margins_from, recipe_from

RECIPES = Path(__file__).parents[3] / "recipes"


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.toml"
    file.write_text(text)
    return file


def test_the_shipped_recipe_is_read() -> None:
    recipe = recipe_from(RECIPES / "learn-smoke.toml")
    assert (recipe.rounds, recipe.kind) == (2, "head")
    assert recipe.tasks.env == ("tau2:retail", "tau2:airline")
    assert recipe.tasks.split == "train"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("round = 2", "unknown key 'round'; did you mean 'rounds'"),
        ("rounds = 0", "rounds is 0"),
        ('kind = "forest"', "kind is 'forest'"),
        ("[play]\ntrails = 2", "play: unknown key 'trails'; did you mean 'trials'"),
        ('[play]\ncritic = "policy"', "play: unknown key 'critic'"),
        ("[play]\ntrials = 0", r"\[play\] of the recipe: trials is 0"),
        ("[promotion]\nmargin = 1", "unknown key 'promotion.margin'"),
        ("[gate]\ntrials = 4", r"\[gate\] is called \[promotion\] now"),
        ("[promotion.margins]\nauroc = 2", "promotion.margins.auroc is 2"),
        ("[tasks]\nheld_back = 1.5", "tasks.held_back is 1.5"),
        ('[tasks.files]\nshop = "a"', "tasks.files: 'shop' is not in tasks.env"),
        ("[train]\nbase = 'x'", "a head has nothing to set"),
        ("play = 3", "play is not a table"),
        ("rounds =", "is not TOML"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        recipe_from(written(tmp_path, text))


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read recipe"):
        recipe_from(tmp_path / "none.toml")


def test_margins_can_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    assert margins_from(written(tmp_path, "passes = 0.1")).passes == 0.1
    with pytest.raises(ConfigError, match="unknown key 'pass'"):
        margins_from(written(tmp_path, "pass = 0.1"))
    assert margins_from(None).passes == 0.05
