"""`--pack`: the checks of a user's own domain, named on the command line by import path."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sidecritic.assembly.critics import Terms, critic_for
from sidecritic.assembly.packs import default_pack, pack_at, unknown_domains, unlearned
from sidecritic.calibration.profile import read_profile, to_toml
from sidecritic.checks.base import Pack
from sidecritic.cli.app import app
from sidecritic.critics.head_weights import read_weights
from sidecritic.errors import ConfigError
from sidecritic.packs.registry import find_pack
from sidecritic.packs.shop import SHOP
from tests import scored

OWN = """
from sidecritic.checks.base import Objection, Pack, call_check


@call_check("never refund", risk=0.9, tools=["refund_items"], policy="We refund nothing.")
def never(case):
    return Objection("Refund nothing; offer an exchange.")


PACK = Pack("boutique", calls=(never,))
RULES = {}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a user's own module, which can be imported, to work in."""
    (tmp_path / "boutique_rules.py").write_text(OWN)
    (tmp_path / "boutique_broken.py").write_text("import no_such_thing_at_all\n")
    (tmp_path / "boutique_typo.py").write_text("PACK = Pakc('x')\n")
    (tmp_path / "boutique_program.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "boutique_empty.py").write_text("PACK = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("boutique_")]:
        del sys.modules[name]


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def answer(*words: str) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout), result.stderr


def recorded(folder: Path, env: str, *more: str) -> Path:
    """Play the shop, and make a foreign domain's runs of it."""
    words = ("--env", "shop", "--critic", "none", "--limit", "3", "--out", str(folder / "a"))
    answer("eval", *words, *more)
    for name in ("run.json", "trajectories.jsonl"):
        file = folder / "a" / name
        file.write_text(file.read_text().replace('"shop"', f'"{env}"'))
    return folder / "a" / "trajectories.jsonl"


# --- the loader ----------------------------------------------------------------------------


def test_a_pack_is_what_the_import_path_names(own: Path) -> None:
    assert pack_at("sidecritic.packs.shop:SHOP") is SHOP
    assert pack_at("boutique_rules:PACK").name == "boutique"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("boutique_rules", "write it as MODULE:NAME"),
        (":PACK", "write it as MODULE:NAME"),
        ("", "write it as MODULE:NAME"),
        ("boutique_riles:PACK", "no module 'boutique_riles'.*PYTHONPATH"),
        ("boutique_riles.deep:PACK", "no module 'boutique_riles'.*PYTHONPATH"),
        ("boutique_broken:PACK", "does not import: ModuleNotFoundError.*no_such_thing_at_all"),
        ("boutique_typo:PACK", "does not import: NameError: name 'Pakc'"),
        ("boutique_program:PACK", r"ends the process when it is imported \(exit code 3\)"),
        ("boutique_rules:PAKC", "holds no 'PAKC'; did you mean 'PACK'"),
        ("boutique_rules:RULES", "is a dict; name a Pack of 'boutique_rules'.*PACK"),
        ("boutique_empty:PACK", "is a int.*it holds no Pack"),
        ("boutique_empty:OTHER", "holds no 'OTHER'; it holds no Pack"),
    ],
)
def test_what_is_wrong_with_an_import_path_is_named(own: Path, path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pack_at(path)


@pytest.mark.parametrize("what", ["eval", "replay"])
def test_a_pack_that_is_none_ends_the_command_with_one_line(own: Path, what: str) -> None:
    file = recorded(own, "boutique")
    where = {"eval": ("--env", "shop", "--out", "b"), "replay": (str(file), "--workers", "1")}
    result = run(what, *where[what], "--critic", "policy", "--pack", "boutique_rules:RULES")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "'boutique_rules:RULES' is a dict" in line


def test_a_module_that_exits_ends_the_command_as_bad_input(own: Path) -> None:
    file = recorded(own, "boutique")
    result = run("replay", str(file), "--critic", "policy", "--pack", "boutique_program:PACK")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'boutique_program:PACK' ends the process" in result.stderr


@pytest.mark.parametrize("what", ["eval", "replay"])
def test_a_pack_that_no_critic_uses_is_remarked(own: Path, what: str) -> None:
    file = recorded(own, "shop")
    where = {
        "eval": ("--env", "shop", "--limit", "1", "--out", "b"),
        "replay": (str(file), "--workers", "1"),
    }
    for critic, used in (("none", False), ("policy", True), ("chain:none,policy", True)):
        words = (*where[what], "--critic", critic, "--pack", "boutique_rules:PACK")
        words = (*words, "--out", f"{critic[:6]}-{what}")
        _, said = answer(what, *words)
        assert ("boutique_rules:PACK is not used: the critic 'none' has no" in said) is not used


def test_training_a_head_does_not_advise_a_flag_that_it_does_not_have(own: Path) -> None:
    file = recorded(own, "boutique")
    label: dict[str, object] = {
        "file": file.name,
        "simulation": 0,
        "tool": "t",
        "arguments": {},
        "detectable": True,
    }
    (own / "labels.jsonl").write_text(json.dumps(label))
    for words in (("--runs", str(file.parent)), (str(file), "--labels", "labels.jsonl")):
        result = run("train", *words, "--out", "head.json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "no policy checks for the environment 'boutique'; known: " in result.stderr
        assert "--pack" not in result.stderr
        assert "another critic" not in result.stderr


# --- profiles ------------------------------------------------------------------------------


def test_a_profile_is_for_the_pack_that_its_judgements_were_made_with(own: Path) -> None:
    file = str(recorded(own, "boutique", "--limit", "10", "--fault-rate", "0.8"))
    (own / "other_rules.py").write_text(OWN)
    mine, others = (("--pack", f"{module}:PACK") for module in ("boutique_rules", "other_rules"))
    replay = ("replay", file, "--critic", "policy", "--workers", "1")
    answer(*replay, *mine, "--out", "j.jsonl")
    fitted, _ = answer("calibrate", "j.jsonl", file, "--out", "mine.toml")
    kept = read_profile((own / "mine.toml").read_text(), "it")
    assert fitted["pack"] == kept.pack == "boutique_rules:PACK"
    assert fitted["digest"] == kept.digest
    shown = run("calibrate", "j.jsonl", file, "--out", "mine.toml").stdout
    assert "for --critic policy --pack boutique_rules:PACK" in " ".join(shown.split())
    answer(*replay, *mine, "--profile", "mine.toml")

    play = ("eval", "--env", "shop", "--critic", "policy", "--limit", "1", "--out", "e")
    for words in ((*play,), (*play, *others), (*replay, *others)):
        refused = run(*words, "--profile", "mine.toml")
        assert refused.exit_code == 2
        assert "fitted to judgements by the checks of boutique_rules:PACK" in refused.stderr
        assert "give --pack boutique_rules:PACK" in refused.stderr
    assert not (own / "e" / "run.json").exists()


def test_a_profile_of_the_own_checks_is_not_for_those_of_a_pack() -> None:
    plain = scored.profile(critic="head", version=read_weights().digest)
    assert "pack" not in to_toml(plain).splitlines()[:8]
    foreign = Terms(profile=plain, pack=Pack("shop"), pack_path="my:PACK")
    with pytest.raises(ConfigError, match="by the package's own checks, and the pack here is my"):
        critic_for("head", "shop", terms=foreign)
    for pack in (None, SHOP):  # a route of any name may have the shop's own checks
        terms = Terms(profile=plain, pack=pack, pack_path="sidecritic.packs.shop:SHOP")
        assert critic_for("head", "shop", terms=terms)


def test_judgements_with_and_without_a_pack_make_no_profile(own: Path) -> None:
    file = str(recorded(own, "shop"))
    words = ("replay", file, "--critic", "policy", "--workers", "1")
    answer(*words, "--out", "a.jsonl")
    answer(*words, "--pack", "boutique_rules:PACK", "--critic-threshold", "0.5", "--out", "b.jsonl")
    (own / "both.jsonl").write_text((own / "a.jsonl").read_text() + (own / "b.jsonl").read_text())
    refused = run("calibrate", "both.jsonl", file, "--out", "mine.toml")
    assert refused.exit_code == 2
    assert "several packs: the environment's own, boutique_rules:PACK" in refused.stderr


# --- judging -------------------------------------------------------------------------------


def test_eval_judges_by_the_pack_and_keeps_its_name(own: Path) -> None:
    words = ("eval", "--env", "shop", "--limit", "3", "--fault-rate", "0", "--critic", "policy")
    answer(*words, "--pack", "boutique_rules:PACK", "--out", "own")
    kept = json.loads((own / "own" / "run.json").read_text())
    assert kept["settings"]["pack"] == "boutique_rules:PACK"
    assert "--pack boutique_rules:PACK" in kept["command"]
    assert '"category":"never refund"' in (own / "own" / "trajectories.jsonl").read_text()
    refused = run(*words, "--out", "own")
    assert refused.exit_code == 2
    assert "pack = 'boutique_rules:PACK'" in refused.stderr


def test_a_foreign_domain_is_replayed_with_its_pack_and_not_without(own: Path) -> None:
    file = str(recorded(own, "boutique"))
    without = run("replay", file, "--critic", "head", "--workers", "1")
    assert without.exit_code == 2
    assert "--pack MODULE:NAME" in without.stderr
    words = ("replay", file, "--pack", "boutique_rules:PACK", "--out", "judged.jsonl")
    # Two processes: each must find the module for itself.
    scores, _ = answer(*words, "--critic", "head", "--workers", "2")
    assert scores["cost"]["failed"] == 0
    assert scores["terms"] == "pack boutique_rules:PACK"
    assert "--pack boutique_rules:PACK" in scores["command"]
    judged = [json.loads(line) for line in (own / "judged.jsonl").read_text().splitlines()]
    refunds = [line for line in judged if "refund_items" in line["tools"]]
    assert refunds
    assert {line["judgement"]["category"] for line in refunds} == {"never refund"}
    mixed = run("replay", file, "--critic", "head", "--workers", "1", "--out", "judged.jsonl",
                "--pack", "sidecritic.packs.shop:SHOP")  # fmt: skip
    assert mixed.exit_code == 2
    assert "pack boutique_rules:PACK" in mixed.stderr


def test_a_head_that_has_not_learned_the_domain_says_that_the_checks_judge(own: Path) -> None:
    file = str(recorded(own, "boutique"))
    pack = ("--pack", "boutique_rules:PACK")
    scores, _ = answer("replay", file, "--critic", "head", "--workers", "1", *pack)
    assert scores["unlearned"] == ["boutique"]
    words = ("replay", file, "--critic", "head", "--workers", "1", *pack)
    shown = " ".join(run(*words).stdout.split())
    assert "has learned nothing of boutique: the policy checks judge there" in shown
    by_checks, _ = answer("replay", file, "--critic", "policy", "--workers", "1", *pack)
    assert by_checks["unlearned"] == []
    words = ("eval", "--env", "shop", "--limit", "1", *pack)
    _, said = answer(*words, "--critic", "head", "--out", "d")
    assert "has learned nothing of 'boutique': policy checks judged there" in said
    _, said = answer(*words, "--critic", "policy", "--out", "p")
    assert "has learned nothing" not in said


def test_it_has_learned_the_domains_that_its_weights_hold() -> None:
    assert unlearned("head", ["retail", "airline", "telecom"]) == ("telecom",)
    assert unlearned("chain:policy,head", ["shop"]) == ("shop",)
    assert unlearned("policy", ["shop"]) == unlearned("none", ["shop"]) == ()


def test_one_pack_is_not_stretched_over_several_domains(own: Path) -> None:
    pack = ("--critic", "policy", "--pack", "boutique_rules:PACK")
    result = run("eval", "--env", "shop,userbench:fixture", *pack, "--out", "x")
    assert result.exit_code == 2
    assert "for one domain, and there are 2 environments: shop, userbench:fixture" in result.stderr
    file = recorded(own, "boutique")
    file.write_text(file.read_text().replace('"boutique"', '"bazaar"', 1))
    result = run("replay", str(file), "--workers", "1", *pack)
    assert result.exit_code == 2
    assert "bazaar, boutique; take them one by one" in result.stderr


def test_default_says_where_it_knows_no_more_than_what_holds_everywhere() -> None:
    [line] = unknown_domains("default", ("shop", "chats:harbour"))
    assert line.startswith("chats:harbour: no pack and no model knows the policy")
    for critic, envs, pack in (
        ("default", ("shop",), None),
        ("default", ("chats:harbour",), "boutique:PACK"),
        ("chain:default,llm:openai:m", ("chats:harbour",), None),
        ("none", ("chats:harbour",), None),
    ):
        assert unknown_domains(critic, envs, pack) == ()


def test_default_stands_on_the_structural_checks_and_a_pack_is_above_them() -> None:
    names = [check.name for check in default_pack(None).calls]
    assert "nobody asked for this" in names and "unconfirmed write" not in names
    assert "unconfirmed write" in [c.name for c in default_pack(None, ["set_*"]).calls]
    shop = default_pack(SHOP)
    assert shop.wants is SHOP.wants
    assert {check.name for check in (*SHOP.calls, *default_pack(None).calls)} == {
        check.name for check in shop.calls
    }
    assert len(shop.calls) == len({check.name for check in shop.calls})


def test_a_route_called_like_a_shipped_pack_gets_no_pack_by_its_name() -> None:
    assert default_pack(find_pack("route:shop")) == default_pack(None)
