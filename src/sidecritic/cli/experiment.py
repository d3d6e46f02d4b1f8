"""`experiment`: every cell of a recipe, and one table."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.eval import exit_if_failed
from sidecritic.cli.flags import Json, place, takes_settings
from sidecritic.cli.output import FAILED, command
from sidecritic.errors import ConfigError


@takes_settings()
def experiment(
    recipe: Annotated[
        Path,
        place("RECIPE", "TOML file of the experiment, or the name of a shipped one, as smoke."),
    ],
    budget: Annotated[
        float | None, typer.Option(min=0, help="US dollars for all of it, earlier runs included.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to spend what is estimated.")] = False,
    json: Json = False,
    **flags: Any,
) -> None:
    """Play every cell of a recipe and write one table: Markdown, CSV and LaTeX.

    Flags win over the recipe's settings. The same command again resumes.
    """
    with command(as_json=json) as output:
        from sidecritic.reports.grid import brief
        from sidecritic.reports.sections import label
        from sidecritic.reports.tables import to_table
        from sidecritic.settings.experiments import experiment_from
        from sidecritic.workflows.experiment import run

        found = experiment_from(recipe, flags)
        agree = (lambda: None) if yes else partial(_agree, found.name)
        grid = run(found, budget_usd=budget, agree=agree, watcher=output.watcher)
        table = brief(grid)
        files = f"Tables: {found.folder}/table.md, table.csv, table.tex, table.json"
        output.show(grid, lambda: (to_table(table, label(grid.simulated)), *table.notes, files))
        if grid.stopped:
            note(grid.stopped)
            raise typer.Exit(FAILED)
        exit_if_failed(*(row.scores for row in grid.rows))


def _agree(name: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(f"the experiment {name!r} spends money; add --yes to agree to that")
    if not typer.confirm("Spend it?", err=True):
        raise ConfigError("nothing was played")
