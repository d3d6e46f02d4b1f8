"""`packs`: which packs of policy checks there are, and what their checks look at."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sidecritic.cli.flags import Json
from sidecritic.cli.output import command
from sidecritic.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from sidecritic.checks.base import Pack

packs = typer.Typer(no_args_is_help=True, help="Packs of policy checks, and what each looks at.")


class ListedCheck(NamedTuple):
    name: str
    calls: bool
    messages: bool
    """Both are looked at for the end of a conversation."""
    tools: tuple[str, ...]
    """Of which calls; empty for every tool that may write."""
    risk: float
    policy: str


@packs.command("ls")
def list_packs(json: Json = False) -> None:
    """List the packs, with the number of their checks and the environments they are for."""
    with command(as_json=json) as output:
        from sidecritic.packs.registry import PACKS, shipped

        found: list[dict[str, Any]] = [
            {
                "name": pack.name,
                "checks": len(list(_checks_of(pack))),
                "envs": [env for env, each in PACKS.items() if each is pack],
            }
            for pack in shipped().values()
        ]
        rows = [(p["name"], str(p["checks"]), ", ".join(p["envs"])) for p in found]
        header = ("pack", "checks", "environments")
        output.show({"packs": found}, lambda: [_table("Packs", header, rows)])


@packs.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As `ls` shows it, or MODULE:NAME of your own.")
    ],
    json: Json = False,
) -> None:
    """Show the checks of a pack: what each looks at, its risk, and the sentence it enforces."""
    with command(as_json=json) as output:
        pack = _named(name)
        found = list(_checks_of(pack))
        rows = [(each.name, _seen(each), f"{each.risk:.2f}", each.policy) for each in found]
        header = ("check", "looks at", "risk", "policy")
        shown = {"pack": pack.name, "checks": [each._asdict() for each in found]}
        output.show(shown, lambda: [_table(f"Checks of {pack.name}", header, rows)])


def _named(name: str) -> "Pack":
    from sidecritic.assembly.packs import pack_at
    from sidecritic.packs.registry import find_pack, shipped

    pack = shipped().get(name) or find_pack(name)
    if pack is not None:
        return pack
    if ":" in name:
        return pack_at(name)
    raise ConfigError(f"unknown pack {name!r}; known: {', '.join(shipped())}")


def _checks_of(pack: "Pack") -> Iterator[ListedCheck]:
    calls = {check.name: check for check in pack.calls}
    texts = {check.name: check for check in pack.texts}
    for name, check in {**calls, **texts}.items():
        yield ListedCheck(
            name=name,
            calls=name in calls,
            messages=name in texts,
            tools=calls[name].tools if name in calls else (),
            risk=check.risk,
            policy=check.policy,
        )


def _seen(check: ListedCheck) -> str:
    calls = (check.tools or ("any write",)) if check.calls else ()
    return ", ".join((*calls, "messages") if check.messages else calls)


def _table(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> "Table":
    from sidecritic.reports.sections import Section
    from sidecritic.reports.tables import to_table

    table = to_table(Section(title, header, tuple(rows)))
    for column in table.columns:
        column.justify = "left"
    return table
