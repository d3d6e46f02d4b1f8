"""What promotion has on file is evidence for these weights and these episodes, or it is none."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sidecritic
from sidecritic.assembly.identities import identity
from sidecritic.cli.app import app
from sidecritic.critics.head_weights import HeadWeights, read_weights, to_json
from sidecritic.critics.registry import REGISTRY_FILE, add_entry
from sidecritic.errors import ConfigError
from sidecritic.runs import TRAJECTORIES_FILE, read_run
from sidecritic.trace import to_line
from sidecritic.training.lineage import entry_of, lineage_of

Json = dict[str, Any]


def answer(*words: str, exit_codes: tuple[int, ...] = (0,)) -> Json:
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code in exit_codes, result.stderr
    read: Json = json.loads(result.stdout)
    return read


def registered(name: str, weights: HeadWeights) -> None:
    """Register a head under a name, in place of whatever had it."""
    file = Path(f"{name}-{weights.digest}.json")
    file.write_text(to_json(weights))
    lineage = lineage_of([Path("lesson")])
    entry = entry_of(name, "head", file, registry=Path(REGISTRY_FILE), data=lineage)
    add_entry(Path(REGISTRY_FILE), entry, replace=True)


def deaf(weights: HeadWeights) -> HeadWeights:
    """Return weights that nothing speaks to."""
    cell = next(iter(weights.cells["shop"].values()))
    mute = cell.model_copy(update={"against": dict.fromkeys(cell.against, 0.0), "tools": {}})
    return weights.model_copy(update={"cells": {"shop": {"write": mute, "final": mute}}})


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder with labelled runs of other tasks each, `held` and `lesson`."""
    folder = tmp_path_factory.mktemp("promotion")
    before = Path.cwd()
    os.chdir(folder)
    try:
        for seed, name in enumerate(("held", "lesson")):
            words = ("--env", "shop", "--number", "10", "--seed", str(seed))
            answer("tasks", "synth", *words, "--out", f"{name}.jsonl")
            words = ("--env", "shop", "--split", "train", "--tasks", f"{name}.jsonl")
            answer("eval", *words, "--critic", "none", "--trials", "2", "--out", name)
            answer("datagen", "label", name, "--sources", "fault")
        answer("train", "--runs", "lesson", "--out", "head.json")
    finally:
        os.chdir(before)
    yield folder


@pytest.fixture
def here(played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HeadWeights:
    """Work in a copy of that folder, with `mine` registered, and return its weights."""
    shutil.copytree(played, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    weights = read_weights(Path("head.json"))
    registered("mine", weights)
    return weights


def decision(out: str, *, over: str = "none") -> Json:
    words = ("--runs", "held", "--tasks", "held.jsonl", "--workers", "1", "--out", out)
    return answer("promote", "mine", "--over", over, *words, exit_codes=(0, 1))


def test_what_is_on_file_is_not_judged_again(here: HeadWeights) -> None:
    first = decision("promotion")
    # Every judgement says how long it took: another one would not be the same.
    before = {file: file.read_bytes() for file in Path("promotion").rglob("*.jsonl")}
    assert len([file for file in before if file.name.startswith("judged-")]) == 2
    assert decision("promotion") == first
    assert before == {file: file.read_bytes() for file in Path("promotion").rglob("*.jsonl")}


def test_other_weights_of_a_name_are_judged_themselves(here: HeadWeights) -> None:
    registered("part", here)
    chain = f"chain:registry:{REGISTRY_FILE}#part,policy"
    first = decision("promotion", over=chain)
    registered("part", deaf(here))
    again = decision("promotion", over=chain)
    assert again == decision("fresh", over=chain)
    assert again != first


def test_other_episodes_of_the_same_ids_are_judged_themselves(here: HeadWeights) -> None:
    first = decision("promotion")
    one, other = read_run(Path("held")).trajectories, read_run(Path("held")).trajectories
    log = {(t.task.id, t.trial): t.events for t in other}
    turned = (t.model_copy(update={"events": log[t.task.id, 1 - t.trial]}) for t in one)
    Path("held", TRAJECTORIES_FILE).write_text("".join(map(to_line, turned)))
    again = decision("promotion")
    assert again == decision("fresh")
    assert again != first


# --- identities ----------------------------------------------------------------------------


def test_a_model_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"one")
    name = f"llm:local:{file}?brief"
    first = identity(name)
    assert identity(name) == first
    file.write_bytes(b"two")
    assert identity(name) != first
    file.unlink()
    with pytest.raises(ConfigError, match=r"m\.gguf"):
        identity(name)


def test_every_part_of_a_critic_tells_it_apart(here: HeadWeights) -> None:
    mine = f"registry:{REGISTRY_FILE}#mine"
    names = (
        "none",
        "policy",
        "default",
        "head",
        mine,
        f"chain:policy,{mine}",
        f"chain:none,{mine}",
    )
    names = (*names, "llm:openai:a/b", "llm:openai:a_b", f"ensemble:{mine}@2,policy")
    assert len({identity(name) for name in names}) == len(names)


IDENTITIES = """
import sys
from sidecritic.assembly.identities import identity

print(*map(identity, sys.argv[1:]), sep="\\n")
"""


def identities_by(package: Path, *critics: str) -> list[str]:
    """Return what a copy of the package calls some critics."""
    done = subprocess.run(
        [sys.executable, "-c", IDENTITIES, *critics],
        env={**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("changed", "old", "new"),
    [
        ("packs/shop.py", "", "\n# a check that was mended\n"),
        ("critics/policy.py", "", "\n# how findings become a risk\n"),
        ("__init__.py", '__version__ = "', '__version__ = "9'),
    ],
)
def test_checks_that_were_mended_make_another_critic(
    tmp_path: Path, changed: str, old: str, new: str
) -> None:
    package = tmp_path / "sidecritic"
    unread = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(sidecritic.__file__).parent, package, ignore=unread)
    critics = ("policy", "default", "head", "chain:none,policy", "llm:openai:a", "none")
    before = identities_by(package, *critics)
    assert before == [identity(name) for name in critics], "the same sources elsewhere are the same"
    text = (package / changed).read_text()
    (package / changed).write_text(text.replace(old, new, 1) if old else text + new)
    after = identities_by(package, *critics)
    assert [a == b for a, b in zip(after, before, strict=True)] == [False] * 5 + [True]


def test_weights_that_have_moved_are_the_same(here: HeadWeights) -> None:
    near, far = (f"registry:{place}#mine" for place in (REGISTRY_FILE, Path.cwd() / REGISTRY_FILE))
    assert identity(near) == identity(far)
    assert identity(near).startswith("mine-")
    assert identity(f"chain:policy,{near}") == identity(f"chain:policy,{far}")


def test_a_long_name_is_still_one_of_a_file() -> None:
    assert len(identity("chain:" + ",".join(["policy"] * 99))) < 120
