"""`critics`: which critics there are, where they come from, and which one takes another's place."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, file, place
from sidecritic.cli.output import command
from sidecritic.cli.promote import REGISTRY, Registry, promote_critic
from sidecritic.reports.text import plain
from sidecritic.settings.names import choice

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sidecritic.critics.registry import RegisteredCritic

critics = typer.Typer(no_args_is_help=True, help="Trained critics, and which of them are in force.")

_NONE_YET = (
    f"no critic is registered: there is no {REGISTRY}; `critics add` and `learn` write one. What "
    "needs no registry: --critic default, policy, head, llm:PROVIDER:MODEL"
)

critics.command("promote")(promote_critic)


@critics.command("ls")
def list_critics(registry: Registry = REGISTRY, json: Json = False) -> None:
    """Show every critic with its status and figures."""
    with command(as_json=json) as output:
        from sidecritic.critics.registry import Registry, read_registry

        # Nobody has registered one yet, where nobody has said where they would be.
        none_yet = registry == REGISTRY and not registry.exists()
        found = Registry() if none_yet else read_registry(registry)
        output.show(found, lambda: _listed(list(found.critics.values())))
        if none_yet:
            note(_NONE_YET)


@critics.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `ls` shows it.")],
    registry: Registry = REGISTRY,
    json: Json = False,
) -> None:
    """Show where a critic comes from, and check that its weights are still the same."""
    with command(as_json=json) as output:
        from sidecritic.critics.registry import read_registry, weights_of

        entry = read_registry(registry).entry(name, registry)
        weights_of(entry, registry)
        output.show(entry, lambda: _shown(entry, registry))


@critics.command()
def add(  # noqa: PLR0913 # typer makes a flag of each
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in the registry.")],
    weights: Annotated[Path, place("WEIGHTS", "File or folder.")],
    *,
    kind: Annotated[str, typer.Option(help="head or lora.")] = "head",
    data: Annotated[
        list[Path] | None, file("Run that it was trained on; repeatable.", metavar="RUN")
    ] = None,
    parent: Annotated[str, typer.Option(help="Critic that it would replace.")] = "",
    base: Annotated[str, typer.Option(help="Model that was fine-tuned.")] = "",
    made_by: Annotated[str, typer.Option(help="Command that made it.")] = "",
    registry: Registry = REGISTRY,
    json: Json = False,
) -> None:
    """Register trained weights as a candidate: `--critic registry:NAME` is that critic."""
    with command(as_json=json) as output:
        from sidecritic.critics.registry import CriticKind, add_entry
        from sidecritic.training.lineage import entry_of, lineage_of

        kinds: tuple[CriticKind, ...] = get_args(CriticKind)
        chosen = choice("kind", kind, kinds)
        if chosen == "head":
            from sidecritic.critics.head_weights import read_weights

            read_weights(weights)
        learned = lineage_of(data or ())
        made = entry_of(name, chosen, weights, registry=registry, data=learned)
        entry = made.model_copy(update={"parent": parent, "base": base, "command": made_by})
        add_entry(registry, entry)
        output.show(entry, lambda: _shown(entry, registry))


def _listed(entries: "list[RegisteredCritic]") -> "Iterator[RenderableType]":
    from sidecritic.reports.sections import Section
    from sidecritic.reports.tables import to_table

    rows = tuple(
        (
            each.name,
            each.kind,
            each.status,
            each.parent,
            *(_figure(each, name) for name in ("AUROC", "supervised pass^1")),
            each.created,
        )
        for each in entries
    )
    header = ("critic", "kind", "status", "parent", "AUROC", "supervised pass^1", "made")
    roles = sorted({role for each in entries for role in each.data.simulated})
    title = "Critics" + (f" (trained with simulated {', '.join(roles)})" if roles else "")
    yield to_table(Section(title, header, rows))


def _figure(entry: "RegisteredCritic", name: str) -> str:
    found = entry.metrics.get(name)
    if found is None:
        return ""
    ends = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    return f"{found.value:.3f}{ends}"


def _shown(entry: "RegisteredCritic", registry: Path) -> Iterator[str]:
    from sidecritic.assembly.registered import called

    tasks = ", ".join(f"{len(ids)} of {env}" for env, ids in entry.data.tasks.items())
    lines = {
        "critic": f"{entry.name} ({entry.kind}), {entry.status}; use: --critic "
        + (f"registry:{entry.name}" if registry == REGISTRY else called(entry.name, registry)),
        "weights": f"{registry.parent / entry.weights}, sha256 {entry.sha256}",
        "parent": entry.parent,
        "base": entry.base,
        "data": f"digest {entry.data.digest}; tasks: {tasks or 'unknown'}",
        "simulated": ", ".join(entry.data.simulated),
        **{f"input {name}": digest for name, digest in entry.data.inputs.items()},
        **{name: f"{_figure(entry, name)} on {f.n} {f.of}" for name, f in entry.metrics.items()},
        "command": entry.command,
        "versions": ", ".join(f"{name} {version}" for name, version in entry.versions.items()),
        "made": entry.created,
        "decided": f"{entry.decided} over {entry.over}" if entry.decided else "",
        "reasons": "; ".join(entry.reasons),
    }
    for key, value in lines.items():
        if value:
            yield f"{key}: {plain(value, 2000)}"
