"""Critics of a registry by name: `registry:NAME`, or `registry:FILE#NAME` for another file."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from sidecritic.critics.registry import REGISTRY_FILE, RegisteredCritic, read_registry, weights_of
from sidecritic.errors import ConfigError
from sidecritic.settings.critic_names import names_in

REGISTERED = "registry:"


@dataclass(frozen=True, slots=True)
class Registered:
    """A critic of a registry; its weights are those that were registered."""

    entry: RegisteredCritic
    weights: Path


def is_registered(name: str) -> bool:
    """Whether the name is of a critic in a registry."""
    return name.startswith(REGISTERED)


def place_of(name: str) -> tuple[Path, str]:
    """Return the file of the registry and the name in it.

    Raises:
        ConfigError: it names no critic.
    """
    file, mark, own = name.removeprefix(REGISTERED).rpartition("#")
    if not own or (mark and not file):
        raise ConfigError(
            f"the critic {name!r} has no name; write {REGISTERED}NAME for one in "
            f"{REGISTRY_FILE} of this directory, or {REGISTERED}FILE#NAME"
        )
    return Path(file or REGISTRY_FILE), own


def called(name: str, registry: Path) -> str:
    """Return the name by which `--critic` knows a critic of a registry."""
    return f"{REGISTERED}{registry}#{name}"


def registered(name: str) -> Registered:
    """Return the critic of that name, and check its weights.

    Raises:
        ConfigError: there is none, or its weights are gone or changed.
    """
    file, own = place_of(name)
    entry = read_registry(file).entry(own, file)
    return Registered(entry, weights_of(entry, file))


def served_by(found: Registered) -> str:
    """Return the name of the LLM critic that a fine-tuned model is asked through.

    Raises:
        ConfigError: the weights are not a file that can be read in this process.
    """
    if found.weights.suffix != ".gguf":
        raise ConfigError(
            f"the weights {found.weights} of {found.entry.name!r} are not a GGUF file, and "
            "cannot be read here; serve them and name the critic llm:openai:MODEL, or export them "
            "with `sidecritic train export --format gguf` and register that"
        )
    read_as = found.entry.rendering
    return f"llm:local:{found.weights}" + (f"?{read_as}" if read_as else "")


def learned(critic: str) -> dict[str, JsonValue]:
    """Return the digests of registered critics, for `run.json`: a name can be given again.

    Raises:
        ConfigError: there is no such critic, or its weights are gone or changed.
    """
    found = {n: registered(n).entry.sha256[:16] for n in names_in(critic) if is_registered(n)}
    return {"critic_weights": dict(found)} if found else {}
