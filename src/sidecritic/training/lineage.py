"""The origin of a trained critic, as its registry records it."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from os.path import relpath
from pathlib import Path

from sidecritic.critics.registry import (
    NAME,
    CriticKind,
    Figure,
    Lineage,
    RegisteredCritic,
    digest_of,
)
from sidecritic.errors import ConfigError
from sidecritic.labelling.store import LABELS_FILE
from sidecritic.runs import TRAJECTORIES_FILE, read_run
from sidecritic.scoring.promotion import AUROC, BRIER, PASSES, PromotionDecision
from sidecritic.splits.users import domain_of, user_in


def lineage_of(runs: Iterable[Path]) -> Lineage:
    """Return the lineage of some runs: digests of their files, tasks, users, simulated roles.

    Raises:
        ConfigError: one of them is not a run.
    """
    inputs: dict[str, str] = {}
    tasks: dict[str, set[str]] = {}
    users: dict[str, set[str]] = {}
    roles: set[str] = set()
    episodes = 0
    for directory in runs:
        for name in (TRAJECTORIES_FILE, LABELS_FILE):
            if (directory / name).exists():
                inputs[str(directory / name)] = digest_of(directory / name)
        for trajectory in read_run(directory).trajectories:
            env = trajectory.task.env
            tasks.setdefault(env, set()).add(trajectory.task.id)
            users.setdefault(domain_of(env), set()).add(user_in(trajectory))
            roles |= set(trajectory.simulated)
            episodes += 1
    return Lineage(
        inputs=inputs,
        tasks={env: tuple(sorted(ids)) for env, ids in sorted(tasks.items())},
        users={domain: tuple(sorted(ids)) for domain, ids in sorted(users.items())},
        episodes=episodes,
        simulated=tuple(sorted(roles)),
    )


def entry_of(
    name: str, kind: CriticKind, weights: Path, *, registry: Path, data: Lineage
) -> RegisteredCritic:
    """Return the entry of new weights, as a candidate.

    Raises:
        ConfigError: the weights cannot be read, or the name cannot be used.
    """
    if not re.fullmatch(NAME, name):
        raise ConfigError(
            f"a critic cannot be called {name!r}: give up to 64 letters, digits, and . _ + -"
        )
    return RegisteredCritic(
        name=name,
        kind=kind,
        weights=relpath(weights, registry.parent),
        sha256=digest_of(weights),
        data=data,
        versions={"sidecritic": version("sidecritic")},
        created=_moment(datetime.now(UTC)),
    )


def decided(decision: PromotionDecision, at: datetime) -> Mapping[str, object]:
    """Return what the registry records of a decision about promotion."""
    figures = {
        name: Figure(
            value=measured.new.value,
            low=measured.new.ci[0],
            high=measured.new.ci[1],
            n=measured.n,
            of="held-out proposals" if name != PASSES else "held-out episodes",
        )
        for name in (AUROC, PASSES, BRIER)
        if (measured := decision.figure(name)).new.value is not None and measured.new.ci
    }
    return {
        "status": "promoted" if decision.promoted else "refused",
        "reasons": decision.reasons,
        "decided": _moment(at),
        "over": decision.old,
        "metrics": figures,
    }


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
