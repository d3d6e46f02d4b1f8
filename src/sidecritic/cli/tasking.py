"""`tasks`: what there is to play, and new tasks."""

import asyncio
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecritic.cli.edge import FAILED, command, note
from sidecritic.cli.flags import path
from sidecritic.errors import ConfigError, ModelUnavailable

if TYPE_CHECKING:
    from sidecritic.synthesis.account import SynthesisAccount
    from sidecritic.synthesis.generator import SynthesisOrder
    from sidecritic.synthesis.ledger import Ledger
    from sidecritic.types import Task

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
Env = Annotated[str | None, typer.Option(help="Environment; without it, list them.")]
Split = Annotated[str | None, typer.Option(help="Split; without it, list them.")]
TasksFile = Annotated[
    Path | None, typer.Option("--tasks", parser=path, metavar="FILE", help="Another task file.")
]

tasks = typer.Typer(
    invoke_without_command=True,
    help="List environments, the splits of one, or the tasks of a split; `synth` makes new tasks.",
)


@tasks.callback()
def listed(
    context: typer.Context,
    env: Env = None,
    split: Split = None,
    tasks_file: TasksFile = None,
    json: Json = False,
) -> None:
    """List environments, the splits of one, or the tasks of a split."""
    if context.invoked_subcommand is None:
        _list(env, split, tasks_file, json=json)
    elif env or split or tasks_file or json:
        note("sidecritic: flags of `tasks` go behind its command, as in: tasks list --env shop")
        raise typer.Exit(2)


@tasks.command("list")
def list_(
    env: Env = None, split: Split = None, tasks_file: TasksFile = None, json: Json = False
) -> None:
    """List environments, the splits of one, or the tasks of a split."""
    _list(env, split, tasks_file, json=json)


def _list(env: str | None, split: str | None, tasks_file: Path | None, *, json: bool) -> None:
    with command(as_json=json) as output:
        from sidecritic.cli.listing import list_tasks

        listing = list_tasks(env, split, tasks_file)
        if json:
            output.json(listing.as_json())
        else:
            output.tables(*listing.lines())


@tasks.command()
def synth(  # noqa: PLR0913 # typer makes a flag of each
    *,
    env: Annotated[str, typer.Option(help="tau2:retail, tau2:airline or shop.")],
    out: Annotated[
        Path, typer.Option(parser=path, metavar="FILE", help="Where they go, one task a line.")
    ],
    number: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed makes the same tasks.")] = 0,
    refusals: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share in which something must be refused."),
    ] = 0.2,
    model: Annotated[
        str | None,
        typer.Option(help="openai:MODEL or anthropic:MODEL writes them; templates without it."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Server of the model, such as http://HOST/v1.")
    ] = None,
    json: Json = False,
) -> None:
    """Make new tasks of train users, each verified by playing it."""
    with command(as_json=json) as output:
        from sidecritic.reports.synthesis import to_synthesis_tables
        from sidecritic.synthesis.generator import SynthesisOrder

        order = SynthesisOrder(
            number=number,
            seed=seed,
            refusals=refusals,
            patience=20 if model is None else 4,
            at_once=1 if model is None else 4,
        )
        made, away = _synthesised(env, order, out, model, base_url)
        if json:
            output.json(made)
        else:
            output.tables(*to_synthesis_tables(made))
            output.tables(
                f"{out}: {made.made} tasks; play: --env {env} --split train --tasks {out}"
            )
        if away:
            note(
                f"sidecritic: {away}; {made.made} of {number} tasks were made until then and are "
                f"in {out}: the same command goes on from there"
            )
        elif made.made < number:
            note(f"only {made.made} of {number} tasks after {made.attempts} attempts")
        if made.made < number:
            raise typer.Exit(FAILED)


def _synthesised(
    env: str, order: "SynthesisOrder", out: Path, model: str | None, base_url: str | None
) -> "tuple[SynthesisAccount, str]":
    """Make tasks and write them; return the account, and why the model went away if it did.

    Raises:
        ModelUnavailable: it did before there was anything to write.
        ConfigError: the file is there, and is not what an unfinished order has come to so far.
    """
    from sidecritic.synthesis.generator import Unfinished
    from sidecritic.synthesis.ledger import NoLedger, open_ledger

    # Templates make the same again in no time; what a model wrote is gone when it is lost.
    unfinished = model is not None and _ledger_file(out).exists()
    if out.exists() and not unfinished:
        raise ConfigError(f"{out} is there already; choose another --out, or remove it")
    ledger = nullcontext(NoLedger()) if model is None else open_ledger(_ledger_file(out))
    try:
        with ledger as kept:
            tasks, made = asyncio.run(_made(env, order, model, base_url, kept))
            _write(out, tasks, made)
            return made, ""
    except Unfinished as away:
        if not away.tasks:
            raise ModelUnavailable(str(away)) from away
        _write(out, away.tasks, away.made)
        return away.made, f"ModelUnavailable: {away}"


def _ledger_file(out: Path) -> Path:
    return out.with_name(f"{out.name}.progress")


async def _made(
    env: str, order: "SynthesisOrder", model: str | None, base_url: str | None, ledger: "Ledger"
) -> "tuple[tuple[Task, ...], SynthesisAccount]":
    from sidecritic.config import keys_from_environment, settings_from
    from sidecritic.config.hiring import Models
    from sidecritic.config.parties import model_name
    from sidecritic.config.synthesising import workshop_for
    from sidecritic.synthesis.generator import make

    async with AsyncExitStack() as stack:
        author = None
        if model is not None:
            name = model_name(model, "helper")
            if name is None:
                raise ConfigError(f"--model {model!r} writes nothing; leave it out for templates")
            settings = settings_from({"base_url": base_url})
            hired = Models(settings, keys_from_environment(), stack)
            author = hired.model(name, settings.base_url)
        shop = workshop_for(env, author)
        return await make(shop.author, shop.verifier, order, shop.known, ledger=ledger)


def _write(file: Path, tasks: "tuple[Task, ...]", made: "SynthesisAccount") -> None:
    from sidecritic.envs.task_files import to_lines
    from sidecritic.runs import write_whole

    if not tasks:
        why = ", ".join(f"{each.number} × {each.reason}" for each in made.rejected)
        raise ConfigError(f"no task was made in {made.attempts} attempts ({why})")
    try:
        write_whole(file, to_lines(tasks))
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; name another file") from cause
