"""The commands. What is heavy is imported by the command that needs it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli.calibrating import calibrate
from sidecritic.cli.critics import critics
from sidecritic.cli.datagenning import mine, play
from sidecritic.cli.deciding import decisions, reviews
from sidecritic.cli.edge import FAILED, command, note
from sidecritic.cli.flags import path, takes_settings
from sidecritic.cli.labelling import export, label
from sidecritic.cli.learning import learn
from sidecritic.cli.packs import packs
from sidecritic.cli.promoting import promote
from sidecritic.cli.proxying import mcp_proxy
from sidecritic.cli.replaying import replay
from sidecritic.cli.serving import serve
from sidecritic.cli.tasking import tasks
from sidecritic.cli.tuning import train

if TYPE_CHECKING:
    from sidecritic.scoring import Scores

app = typer.Typer(
    name="sidecritic",
    help="A small critic beside a powerful LLM agent: every action is judged before it takes "
    "effect.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"sidecritic {version('sidecritic')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


@app.command()
def demo(
    out: Annotated[
        str, typer.Option(metavar="PREFIX", help="Runs go to PREFIX-baseline, PREFIX-supervised.")
    ] = "runs/demo",
    seed: Annotated[int, typer.Option(help="Seed of both runs.")] = 0,
    json: Json = False,
) -> None:
    """Play 40 τ² tasks twice, without and with a critic; no keys needed, all simulated."""
    with command(as_json=json) as output:
        from sidecritic.cli.evaluating import demonstrate
        from sidecritic.reports import to_tables

        comparison = demonstrate(out, seed)
        if json:
            output.json(comparison)
        else:
            output.tables(*to_tables(comparison))
            output.tables(f"Reports: {out}-supervised/comparison.md, {out}-*/report.md")
        _exit_if_failed(comparison.baseline, comparison.supervised)


@app.command("eval")
@takes_settings
def evaluate(
    recipe: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="TOML file of these settings; flags win."),
    ] = None,
    json: Json = False,
    **flags: Any,
) -> None:
    """Play tasks × trials with an actor, a critic and a user, and score them.

    The same command again goes on where it was stopped.
    """
    with command(as_json=json) as output:
        from sidecritic.cli.evaluating import evaluate as run
        from sidecritic.config import settings_from
        from sidecritic.config.packs import unused
        from sidecritic.reports import to_tables

        settings = settings_from(flags, recipe)
        if remark := unused(settings.pack, settings.critic):
            note(remark)
        scores = run(settings)
        if json:
            output.json(scores)
        else:
            output.tables(*to_tables(scores))
        _exit_if_failed(scores)


@app.command()
@takes_settings
def experiment(
    recipe: Annotated[
        Path, typer.Argument(parser=path, metavar="RECIPE", help="TOML file of the experiment.")
    ],
    budget: Annotated[
        float | None, typer.Option(min=0, help="US dollars for all of it, earlier runs included.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to spend what is estimated.")] = False,
    json: Json = False,
    **flags: Any,
) -> None:
    """Play every cell of a recipe and write one table: Markdown, CSV and LaTeX.

    Flags win over the recipe's settings. The same command again goes on where it was stopped.
    """
    with command(as_json=json) as output:
        from sidecritic.cli.experimenting import run
        from sidecritic.config import experiment_from
        from sidecritic.reports.grid import brief
        from sidecritic.reports.sections import label
        from sidecritic.reports.tables import to_table

        found = experiment_from(recipe, flags)
        grid = run(found, budget_usd=budget, yes=yes)
        if json:
            output.json(grid)
        else:
            table = brief(grid)
            output.tables(to_table(table, label(grid.simulated)), *table.notes)
            output.tables(f"Tables: {found.folder}/table.md, table.csv, table.tex, table.json")
        if grid.stopped:
            note(grid.stopped)
            raise typer.Exit(FAILED)
        _exit_if_failed(*(row.scores for row in grid.rows))


@app.command()
def score(
    run: Annotated[Path, typer.Argument(parser=path, metavar="RUN", help="Directory of the run.")],
    json: Json = False,
) -> None:
    """Score a run again from its files, finished or not."""
    with command(as_json=json) as output:
        from sidecritic.cli.evaluating import publish
        from sidecritic.reports import to_tables
        from sidecritic.runs import read_run

        scores = publish(read_run(run))
        if json:
            output.json(scores)
        else:
            output.tables(*to_tables(scores))


@app.command()
def compare(
    baseline: Annotated[
        Path,
        typer.Argument(
            parser=path, metavar="BASELINE", help="Directory of the run without the critic."
        ),
    ],
    supervised: Annotated[
        Path,
        typer.Argument(parser=path, metavar="SUPERVISED", help="Directory of the run with it."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="Write the report here, as Markdown."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare two runs over the episodes that both have graded."""
    with command(as_json=json) as output:
        from sidecritic.cli.evaluating import compare_runs
        from sidecritic.reports import to_tables

        comparison = compare_runs(baseline, supervised, out)
        if json:
            output.json(comparison)
        else:
            output.tables(*to_tables(comparison))


app.command()(replay)
app.command()(serve)
app.command("mcp-proxy")(mcp_proxy)
app.command()(promote)
app.add_typer(decisions, name="decisions")
app.add_typer(reviews, name="reviews")
app.add_typer(train, name="train")
datagen = typer.Typer(no_args_is_help=True, help="Data that critics are trained on.")
datagen.command()(play)
datagen.command()(mine)
datagen.command()(label)
datagen.command()(export)
app.add_typer(datagen, name="datagen")
app.command()(learn)
app.add_typer(critics, name="critics")
app.add_typer(packs, name="packs")
app.command()(calibrate)


@app.command()
def view(
    run: Annotated[Path, typer.Argument(parser=path, metavar="RUN", help="Directory of the run.")],
    out: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="DIR", help="Where the pages go; RUN/view by default."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a run as web pages: each turn with its drafts, verdicts, feedback and what ran."""
    with command(as_json=json) as output:
        from sidecritic.runs import read_run
        from sidecritic.viewer import write_site

        page = write_site(read_run(run), out or run / "view")
        if json:
            output.json({"page": str(page)})
        else:
            output.tables(f"Open {page}")


app.add_typer(tasks, name="tasks")


@app.command()
def doctor(json: Json = False) -> None:
    """Say what is installed, what is missing, and which command installs it."""
    with command(as_json=json) as output:
        from sidecritic.cli.doctor import checks, report

        found = list(checks())
        summary = report(found)
        if json:
            output.json(summary)
        else:
            output.tables(*(check.line() for check in found))
        if not summary["ok"]:
            raise typer.Exit(FAILED)


def _exit_if_failed(*runs: "Scores") -> None:
    from sidecritic.cli.evaluating import failures_of

    if line := failures_of(*runs):
        note(line)
        raise typer.Exit(FAILED)
