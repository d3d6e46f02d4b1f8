"""`eval`, `demo`, `score`, `compare` and `view`: play runs, and look at them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, Recipe, file, place, takes_settings
from sidecritic.cli.output import FAILED, command
from sidecritic.errors import ConfigError

if TYPE_CHECKING:
    from sidecritic.scoring import Scores

Run = Annotated[Path, place("RUN", "Directory of the run.")]


def demo(
    out: Annotated[
        str, typer.Option(metavar="PREFIX", help="Runs go to PREFIX-baseline, PREFIX-supervised.")
    ] = "runs/demo",
    seed: Annotated[int, typer.Option(help="Seed of both runs.")] = 0,
    json: Json = False,
) -> None:
    """Play 40 τ² tasks twice, without and with a critic; no keys needed, all simulated."""
    with command(as_json=json) as output:
        from sidecritic.reports import to_tables
        from sidecritic.workflows.evaluation import demonstrate

        comparison = demonstrate(out, seed, output.watcher)
        reports = f"Reports: {out}-supervised/comparison.md, {out}-*/report.md"
        output.show(comparison, lambda: (*to_tables(comparison), reports))
        exit_if_failed(comparison.baseline, comparison.supervised)


@takes_settings()
def evaluate(recipe: Recipe = None, json: Json = False, **flags: Any) -> None:
    """Play tasks × trials with an actor, a critic and a user, and score them.

    The same command again resumes.
    """
    with command(as_json=json) as output:
        from sidecritic.assembly.packs import unused
        from sidecritic.reports import to_tables
        from sidecritic.settings.evaluation import settings_from
        from sidecritic.workflows.evaluation import evaluate as play

        settings = settings_from(flags, recipe)
        if remark := unused(settings.pack, settings.critic):
            note(remark)
        scores = play(settings, watcher=output.watcher)
        output.show(scores, lambda: to_tables(scores))
        exit_if_failed(scores)


def score(run: Run, json: Json = False) -> None:
    """Score a run again from its files, finished or not."""
    with command(as_json=json) as output:
        from sidecritic.reports import to_tables
        from sidecritic.runs import read_run
        from sidecritic.workflows.evaluation import publish

        scores = publish(read_run(run), output.watcher)
        output.show(scores, lambda: to_tables(scores))


def compare(
    baseline: Annotated[Path, place("BASELINE", "Directory of the run without the critic.")],
    supervised: Annotated[Path, place("SUPERVISED", "Directory of the run with it.")],
    out: Annotated[Path | None, file("Write the report here, as Markdown.")] = None,
    json: Json = False,
) -> None:
    """Compare two runs over the episodes that both have graded."""
    with command(as_json=json) as output:
        from sidecritic.reports import to_tables
        from sidecritic.workflows.evaluation import compare_runs

        comparison = compare_runs(baseline, supervised, out, watcher=output.watcher)
        output.show(comparison, lambda: to_tables(comparison))


def view(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="A run, or a folder of runs.")
    ] = None,
    *,
    live: Annotated[
        Path | None, file("Settings of a gateway: its decisions and reviews, live.")
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where; port 0 takes a free one.")
    ] = "127.0.0.1:8788",
    out: Annotated[
        Path | None, file("Write the pages of one run here instead of serving.", metavar="DIR")
    ] = None,
    bundle: Annotated[
        Path | None, file("Write one run into one HTML file that can be mailed.")
    ] = None,
    json: Json = False,
) -> None:
    """Read runs in the browser: each turn with its drafts, verdicts, feedback and what ran."""
    with command(as_json=json) as output:
        if out is not None or bundle is not None:
            page = _written(path, out, bundle)
            output.show({"page": str(page)}, lambda: [f"Open {page}"])
            return
        from sidecritic.workflows.viewing import serve_pages

        folder = path or (Path("runs") if live is None else None)
        serve_pages(
            folder,
            live,
            listen,
            lambda address: output.show({"url": address}, lambda: [f"Open {address}"]),
        )


def _written(path: Path | None, out: Path | None, bundle: Path | None) -> Path:
    from sidecritic.runs import read_run
    from sidecritic.viewer import write_bundle, write_site

    if path is None or (out and bundle):
        raise ConfigError("name one run, and either --out DIR or --bundle FILE")
    return write_bundle(path, bundle) if bundle else write_site(read_run(path), out or path)


def exit_if_failed(*runs: "Scores") -> None:
    """End with exit code 1 if an episode ended in an infrastructure failure."""
    from sidecritic.workflows.evaluation import failures_of

    if line := failures_of(*runs):
        note(line)
        raise typer.Exit(FAILED)
