"""The registry of critics: lineage, weights that are still the same, names that work."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sidecritic.assembly.critics import critic_for
from sidecritic.assembly.registered import learned, place_of
from sidecritic.critics.head_weights import HeadWeights, to_json
from sidecritic.critics.registry import (
    Lineage,
    RegisteredCritic,
    add_entry,
    decide,
    digest_of,
    read_registry,
    weights_of,
)
from sidecritic.errors import ConfigError
from sidecritic.ports import Versioned
from sidecritic.settings.evaluation import Settings
from sidecritic.training.lineage import entry_of
from tests.unit.cli.commands import answer, complaint, run


def head(folder: Path, name: str, *, false_alarms: float = 0.05) -> Path:
    file = folder / f"{name}.json"
    file.write_text(to_json(HeadWeights(name=name, false_alarms=false_alarms)))
    return file


def added(folder: Path, name: str = "first") -> tuple[Path, RegisteredCritic]:
    registry = folder / "critics.json"
    data = Lineage(inputs={"runs/a": "0" * 64}, tasks={"shop": ("1", "2")}, simulated=("actor",))
    entry = entry_of(name, "head", head(folder, name), registry=registry, data=data)
    add_entry(registry, entry)
    return registry, entry


def test_an_entry_is_read_as_it_was_added(tmp_path: Path) -> None:
    registry, entry = added(tmp_path)
    assert read_registry(registry).critics == {"first": entry}
    assert (entry.weights, entry.status) == ("first.json", "candidate")


def test_the_weights_are_found_from_where_the_registry_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, entry = added(tmp_path)
    monkeypatch.chdir("/")
    assert weights_of(entry, registry) == tmp_path / "first.json"


def test_tampered_weights_are_refused_by_name(tmp_path: Path) -> None:
    registry, _ = added(tmp_path)
    head(tmp_path, "first", false_alarms=0.5)
    with pytest.raises(ConfigError, match=r"'first' are not those that .* knows"):
        critic_for(f"registry:{registry}#first", "shop")


def test_missing_weights_are_named(tmp_path: Path) -> None:
    registry, entry = added(tmp_path)
    (tmp_path / "first.json").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*first\.json"):
        weights_of(entry, registry)


def test_a_name_stands_for_one_critic(tmp_path: Path) -> None:
    registry, entry = added(tmp_path)
    add_entry(registry, entry)
    with pytest.raises(
        ConfigError, match="has a critic 'first' already, with other weights or data"
    ):
        add_entry(registry, entry.model_copy(update={"sha256": "f" * 64}))
    add_entry(registry, entry.model_copy(update={"sha256": "f" * 64}), replace=True)
    assert read_registry(registry).critics["first"].sha256 == "f" * 64


def test_an_unknown_name_is_answered_with_those_there_are(tmp_path: Path) -> None:
    registry, _ = added(tmp_path)
    with pytest.raises(ConfigError, match="no critic 'second'; known: first"):
        critic_for(f"registry:{registry}#second", "shop")


def test_a_registered_head_judges_with_its_own_weights(tmp_path: Path) -> None:
    registry, _ = added(tmp_path)
    critic = critic_for(f"registry:{registry}#first", "shop")
    assert isinstance(critic, Versioned)
    assert critic.version == HeadWeights(name="first").digest


def test_a_registered_head_can_be_a_link_of_a_chain(tmp_path: Path) -> None:
    registry, _ = added(tmp_path)
    chain = critic_for(f"chain:policy,registry:{registry}#first", "shop")
    assert "first" in chain.name


def test_a_run_remembers_which_weights_a_name_stood_for(tmp_path: Path) -> None:
    registry, entry = added(tmp_path)
    settings = Settings(critic=f"registry:{registry}#first")
    assert learned(settings.critic) == {
        "critic_weights": {settings.critic: entry.sha256[:16]},
    }
    assert learned("chain:policy,head") == {}


@pytest.mark.parametrize("name", ["registry:", "registry:#a", "registry:critics.json#"])
def test_a_name_without_a_critic_says_how_to_write_it(name: str) -> None:
    with pytest.raises(ConfigError, match="registry:FILE#NAME"):
        place_of(name)


def test_a_decision_changes_what_it_decides_and_nothing_else(tmp_path: Path) -> None:
    registry, entry = added(tmp_path)
    decide(registry, "first", {"status": "refused", "reasons": ("no gain",)})
    assert read_registry(registry).critics["first"] == entry.model_copy(
        update={"status": "refused", "reasons": ("no gain",)}
    )


def test_critics_that_are_added_at_once_are_all_there(tmp_path: Path) -> None:
    registry, entry = added(tmp_path)
    names = [f"critic-{number}" for number in range(20)]

    def add(name: str) -> None:
        add_entry(registry, entry.model_copy(update={"name": name}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, names))
    assert set(read_registry(registry).critics) == {"first", *names}


def test_a_damaged_registry_is_not_overwritten(tmp_path: Path) -> None:
    registry, entry = added(tmp_path)
    registry.write_text('{"critics": 3}')
    with pytest.raises(ConfigError, match="restore it from a copy"):
        add_entry(registry, entry)
    assert registry.read_text() == '{"critics": 3}'


def test_a_fine_tuned_model_that_is_no_file_says_how_it_can_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "merged"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"0")
    registry = tmp_path / "critics.json"
    add_entry(registry, entry_of("tuned", "lora", folder, registry=registry, data=Lineage()))
    with pytest.raises(ConfigError, match=r"not a GGUF file.*llm:openai:MODEL"):
        critic_for(f"registry:{registry}#tuned", "shop")


def test_the_digest_of_a_folder_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    before = digest_of(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = digest_of(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({before, renamed, digest_of(tmp_path)}) == 3


def test_a_list_of_critics_needs_no_registry_unless_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer("critics", "ls")["critics"] == {}
    assert "no critic is registered" in run("critics", "ls").stderr
    assert "cannot read the registry" in complaint("critics", "ls", "--registry", "other.json")
