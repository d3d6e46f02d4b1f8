"""`tasks`: what there is to play, and new tasks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, file, share
from sidecritic.cli.output import FAILED, command
from sidecritic.errors import ConfigError

Env = Annotated[str | None, typer.Option(help="Environment; without it, list them.")]
Split = Annotated[str | None, typer.Option(help="Split; without it, list them.")]
TasksFile = Annotated[Path | None, file("Another task file.", "--tasks")]

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
        list_(env, split, tasks_file, json=json)
    elif env or split or tasks_file or json:
        note("sidecritic: flags of `tasks` go behind its command, as in: tasks list --env shop")
        raise typer.Exit(2)


@tasks.command("list")
def list_(
    env: Env = None, split: Split = None, tasks_file: TasksFile = None, json: Json = False
) -> None:
    """List environments, the splits of one, or the tasks of a split."""
    with command(as_json=json) as output:
        from sidecritic.assembly.benchmarks import ENVS, benchmark_for, sources_of
        from sidecritic.settings.evaluation import Settings

        found: dict[str, Any] = {"envs": list(ENVS), "env": env, "versions": {}, "splits": {}}
        found |= {"split": split, "tasks": []}
        if env is None:
            for flag, value in (("--split", split), ("--tasks", tasks_file)):
                if value is not None:
                    raise ConfigError(f"{flag} {value} needs an environment; add --env NAME")
            output.show(found, lambda: ENVS)
            return
        given = str(tasks_file) if tasks_file is not None else None
        benchmark = benchmark_for(env, sources_of(Settings(tasks=given)))
        versions, splits = dict(benchmark.versions), dict(benchmark.splits())
        ids = [task.id for task in benchmark.tasks(split)] if split is not None else []
        lines = [f"{name}: {version}" for name, version in versions.items()]
        lines += [f"split {name}: {number} tasks" for name, number in splits.items()]
        found |= {"versions": versions, "splits": splits, "tasks": ids}
        output.show(found, lambda: ids if split is not None else lines)


@tasks.command()
def synth(  # noqa: PLR0913 # typer makes a flag of each
    *,
    env: Annotated[str, typer.Option(help="tau2:retail, tau2:airline or shop.")],
    out: Annotated[Path, file("Where they go, one task a line.")],
    number: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed makes the same tasks.")] = 0,
    refusals: Annotated[float, share("Share in which something must be refused.")] = 0.2,
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
        from sidecritic.workflows.synthesis import synthesise

        order = SynthesisOrder(
            number=number,
            seed=seed,
            refusals=refusals,
            patience=20 if model is None else 4,
            at_once=1 if model is None else 4,
        )
        made, away = synthesise(env, order, out, model, base_url)
        play = f"{out}: {made.made} tasks; play: --env {env} --split train --tasks {out}"
        output.show(made, lambda: (*to_synthesis_tables(made), play))
        if away:
            note(
                f"sidecritic: {away}; {made.made} of {number} tasks were made until then and are "
                f"in {out}: the same command resumes there"
            )
        elif made.made < number:
            note(f"only {made.made} of {number} tasks after {made.attempts} attempts")
        if made.made < number:
            raise typer.Exit(FAILED)
