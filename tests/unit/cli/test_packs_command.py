"""`sidecritic packs`: which packs there are, and the checks of one."""

import json

import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.packs.registry import PACKS
from sidecritic.packs.shop import SHOP


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["packs", *words], catch_exceptions=False)


def test_every_environment_with_checks_is_listed_with_its_pack() -> None:
    found = json.loads(run("ls", "--json").stdout)["packs"]
    envs = {env: each["name"] for each in found for env in each["envs"]}
    assert envs == {env: pack.name for env, pack in PACKS.items()}
    assert "userbench:multi" in run("ls").stdout


@pytest.mark.parametrize("name", ["shop", "sidecritic.packs.shop:SHOP"])
def test_the_checks_of_a_pack_are_shown_once_with_what_they_look_at(name: str) -> None:
    checks = json.loads(run("show", name, "--json").stdout)["checks"]
    names = [each["name"] for each in checks]
    assert set(names) == {check.name for check in (*SHOP.calls, *SHOP.texts)}
    assert len(names) == len(set(names))
    shown = {each["name"]: each for each in checks}
    assert shown["too late"] == {
        "name": "too late",
        "calls": True,
        "messages": False,
        "tools": ["refund_items"],
        "risk": 0.95,
        "policy": "Old orders are not refunded.",
    }
    assert shown["made-up id"]["tools"] == []
    assert shown["fewer deeds than requests"]["calls"] and shown["nothing said"]["messages"]


def test_a_pack_is_found_by_its_environment_and_shown_as_a_table() -> None:
    table = run("show", "tau2:telecom").stdout
    assert "Checks of telecom" in table
    assert "contract ended" in table


def test_an_unknown_pack_is_bad_input_that_names_the_known_ones() -> None:
    result = run("show", "bakery")
    assert result.exit_code == 2
    assert "unknown pack 'bakery'; known: retail" in result.stderr
