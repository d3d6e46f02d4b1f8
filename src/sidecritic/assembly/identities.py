"""The identity of a critic: its name, with a digest of its weights and checks.

Judgements on file are kept under it, so that they never stand for other weights of the same name,
or in the same file, or for checks that have changed since.
"""

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import chain
from json import dumps
from pathlib import Path

import sidecritic
from sidecritic.assembly.critics import HEAD
from sidecritic.assembly.registered import REGISTERED, is_registered, place_of, registered
from sidecritic.critics.head_weights import read_weights
from sidecritic.critics.registry import digest_of
from sidecritic.settings.critic_names import HUMAN, names_in

_CHECKS = ("checks", "critics", "english", "packs", "values.py")
_LOCAL = "llm:local:"
_LONGEST = 80
"""Characters of the readable part: file systems allow 255 in all."""


def _weights(name: str) -> str:
    """Return what is known of the weights; a model on a server is known by its name alone."""
    if is_registered(name):
        entry = registered(name).entry
        return f"{entry.kind} {entry.sha256} {entry.rendering}".rstrip()
    if name.startswith(_LOCAL):
        return digest_of(Path(name.removeprefix(_LOCAL).partition("?")[0]))
    return read_weights(None).digest if name == HEAD else ""


@cache
def code_of_the_checks() -> str:
    """Return the version of the package, and a digest of the sources that its checks are in.

    They are taken not to change while a process runs: it has loaded them, or soon will have.
    """
    digest = sha256()
    for name, content in chain.from_iterable(map(_sources_below, _CHECKS)):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return f"{sidecritic.__version__} {digest.hexdigest()}"


def _sources_below(place: str) -> Iterator[tuple[str, bytes]]:
    """Return the sources at a place in the package, or below it, by their places."""
    here = files("sidecritic").joinpath(place)
    if here.is_dir():
        for name in sorted(each.name for each in here.iterdir()):
            yield from _sources_below(f"{place}/{name}")
    elif place.endswith(".py"):
        yield place, here.read_bytes()


def identity(critic: str) -> str:
    """Return a name for files: the critic's, with a digest of its parts.

    Checks are part of every critic but `none` and a person: a model is shown what they notice.

    The path of a registry does not count: weights that have moved are the same.

    Raises:
        ConfigError: weights are gone, or not those that were registered.
    """
    plain, names = _without_places(critic), names_in(critic)
    weights = {_without_places(name): known for name in names if (known := _weights(name))}
    checks = set(names) - {"none", HUMAN}
    parts = [plain, weights, *((code_of_the_checks(),) if checks else ())]
    digest = sha256(dumps(parts, sort_keys=True).encode()).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9.]+", "_", plain).strip("_")[:_LONGEST]
    return f"{readable}-{digest[:12]}"


def _without_places(critic: str) -> str:
    for name in names_in(critic):
        if is_registered(name):
            critic = critic.replace(name, place_of(name)[1])
    return critic.replace(REGISTERED, "")
