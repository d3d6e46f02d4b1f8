"""Flags that several commands have; those of `eval` are made from the fields of `Settings`."""

import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from sidecritic.cli import muted
from sidecritic.settings.evaluation import Settings


def path(text: str | Path) -> Path:
    """Read a path, or a default; an empty one, as of a variable not set, would mean `.`."""
    if not str(text).strip():
        raise typer.BadParameter("it is empty; give a path")
    return Path(text)


def file(help: str, *names: str, metavar: str = "FILE") -> Any:
    """Return an option that takes a path, or several if its type is a list."""
    return typer.Option(*names, parser=path, metavar=metavar, help=help)


def place(metavar: str, help: str) -> Any:
    """Return an argument that is a path, or several if its type is a list."""
    return typer.Argument(parser=path, metavar=metavar, help=help)


def share(help: str) -> Any:
    """Return an option that takes a share of a whole."""
    return typer.Option(min=0, max=1, help=help)


Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
Recipe = Annotated[Path | None, file("TOML file of these settings; flags win.")]
GatewayFile = Annotated[Path, file("Settings of the gateway, in TOML.", "--config")]
GATEWAY_FILE = Path("gateway.toml")
"""What `init` writes, and what commands of the gateway read where they are told nothing else."""
Recorded = typer.Argument(help="Result files of τ-bench or τ²-bench, trajectories.jsonl, folders.")
Labels = Annotated[Path | None, file("Readers' labels of first wrong writes.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Processes that judge; by default one for each core."),
]

JudgedBy = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="local|processes|ray",
        help="Where: this process, processes or a Ray cluster. [default: processes]",
    ),
]


def judging_on(
    executor: str | None, workers: int | None, critics: Iterable[str]
) -> tuple[dict[str, str | int | None], int]:
    """Return settings for a replay, and how many processes of this machine judge."""
    settings = {"executor": executor or "processes", "workers": workers}
    # Each process would load a local model again, and keep all cores but one busy with it.
    one = executor == "local" or any("llm:local:" in critic for critic in critics)
    return settings, workers or (1 if one else os.cpu_count() or 1)


_PANELS = {
    "Tasks": "env split tasks tau_bench userbench task_ids limit trials seed grader",
    "Actor": "actor strategy helper temperature max_turns fault_rate repair base_url "
    "helper_base_url",
    "Critic": "critic critic_threshold profile pack gate max_revisions on_critic_failure "
    "critic_timeout critic_lookups critic_evidence critic_base_url",
    "User": "user user_strategy user_temperature user_base_url",
    "Models": "timeout attempts prices record cassette",
    "Run": "concurrency executor workers out retry_failed",
}
"""Settings by the heading under which `--help` lists them."""
PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names.split()}

_Command = TypeVar("_Command", bound=Callable[..., Any])


def takes(flags: Iterable[inspect.Parameter]) -> Callable[[_Command], _Command]:
    """Give a command with `**flags` these flags too."""
    more = list(flags)

    def extended(command: _Command) -> _Command:
        signature = inspect.signature(command)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        made = signature.replace(parameters=[*own, *more])
        command.__signature__ = made  # pyright: ignore[reportFunctionMemberAccess]
        command.__annotations__ = {p.name: p.annotation for p in made.parameters.values()}
        return command

    return extended


def quietly(command: _Command) -> _Command:
    """Return a command with the flag `--quiet`, which leaves out progress and remarks."""

    @wraps(command)
    def run(*args: Any, quiet: bool, **given: Any) -> Any:
        with muted() if quiet else nullcontext():
            return command(*args, **given)

    option = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks.")]
    kind = inspect.Parameter.KEYWORD_ONLY
    flag = inspect.Parameter("quiet", kind, default=False, annotation=option)
    signature = inspect.signature(command)
    made = signature.replace(parameters=[*signature.parameters.values(), flag])
    run.__signature__ = made  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {p.name: p.annotation for p in made.parameters.values()}
    return run  # pyright: ignore[reportReturnType]


def takes_settings(*names: str) -> Callable[[_Command], _Command]:
    """Give a command with `**flags` a flag for each of these settings, or for all of them.

    The default is `None`, and values stay text: `Settings` checks flags and recipes alike.
    """
    return takes(_parameters(names or tuple(Settings.model_fields)))


def _parameters(names: Iterable[str]) -> Iterator[inspect.Parameter]:
    for name in names:
        field = Settings.model_fields[name]
        kind: Any = bool if field.annotation is bool else str
        if get_origin(field.annotation) is tuple:
            kind = list[str]
        flag = name.replace("_", "-")
        option = typer.Option(
            f"--{flag}/--no-{flag}" if field.default is True else f"--{flag}",
            help=f"{field.description}{_default(field)}",
            metavar=None if kind is bool else _metavar(field),
            show_default=False,
            rich_help_panel=PANEL_OF.get(name),
        )
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kind | None, option],
        )


def _default(field: FieldInfo) -> str:
    match field.default:
        case None | False | ():
            return ""
        case (str(first),):
            return f" [default: {first}]"
        case value:
            return f" [default: {value}]"


def _metavar(field: FieldInfo) -> str:
    kind: Any = field.annotation
    kinds = [each for each in get_args(kind) if each is not type(None)]
    if get_origin(kind) is Literal:
        return "|".join(kinds)
    if get_origin(kind) is tuple:
        return "NAMES"
    for plain, shown in ((int, "INTEGER"), (float, "NUMBER")):
        if kind is plain or plain in kinds:
            return shown
    return "TEXT"
