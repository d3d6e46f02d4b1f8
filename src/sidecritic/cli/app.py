"""The commands. What is heavy is imported by the command that needs it."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sidecritic.cli.calibrate import calibrate
from sidecritic.cli.critics import critics
from sidecritic.cli.datagen import datagen
from sidecritic.cli.decisions import decisions, reviews
from sidecritic.cli.doctor import doctor
from sidecritic.cli.eval import compare, demo, evaluate, score, view
from sidecritic.cli.experiment import experiment
from sidecritic.cli.flags import quietly
from sidecritic.cli.gateway.init import init
from sidecritic.cli.gateway.serve import serve
from sidecritic.cli.learn import learn
from sidecritic.cli.mcp_proxy import mcp_proxy
from sidecritic.cli.measure.bench import bench
from sidecritic.cli.measure.report import report
from sidecritic.cli.packs import packs
from sidecritic.cli.pilot import pilot
from sidecritic.cli.promote import promote
from sidecritic.cli.replay import replay
from sidecritic.cli.tasks import tasks
from sidecritic.cli.train import train


class Command(TyperCommand):
    """A command whose `--help` lists options under headings, without boxes around them."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments first, then options without a heading, then heading by heading."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            panel = getattr(each, "rich_help_panel", None)
            if record is not None:
                other = "Arguments" if each.param_type_name == "argument" else "Options"
                sections.setdefault(panel or other, []).append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


app = typer.Typer(
    name="sidecritic",
    help="A small critic beside a powerful LLM agent: every action is judged before it takes "
    "effect.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"sidecritic {version('sidecritic')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


# In the order in which `--help` lists them.
app.command()(demo)
app.command()(init)
app.command("eval")(evaluate)
for _command in (experiment, score, compare, report, replay, bench, serve):
    app.command()(_command)
app.command("mcp-proxy")(mcp_proxy)
for _command in (pilot, promote, learn, calibrate, view, doctor):
    app.command()(_command)
for _name, _group in {
    "decisions": decisions,
    "reviews": reviews,
    "train": train,
    "datagen": datagen,
    "critics": critics,
    "packs": packs,
    "tasks": tasks,
}.items():
    app.add_typer(_group, name=_name)

_groups = [each.typer_instance for each in app.registered_groups if each.typer_instance]
for _info in [info for group in (app, *_groups) for info in group.registered_commands]:
    _info.cls = Command
    _info.callback = quietly(_info.callback) if _info.callback else None
for _info in [group.registered_callback for group in _groups if group.registered_callback]:
    _info.callback = quietly(_info.callback) if _info.callback else None
