"""`bench`: critics over the labelled sets at hand."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, JudgedBy, Labels, file, judging_on, takes_settings
from sidecritic.cli.output import FAILED, command


@takes_settings(
    "critic_threshold",
    "pack",
    "gate",
    "critic_base_url",
    "critic_timeout",
    "critic_lookups",
    "critic_evidence",
    "record",
    "cassette",
)
def bench(  # noqa: PLR0913 # typer makes a flag of each
    critics: Annotated[list[str], typer.Argument(metavar="CRITIC", help="Names, as --critic.")],
    *,
    on: Annotated[
        list[Path] | None,
        typer.Option(
            help="Set: a file of runs or chat logs, a folder of them (with policy.md and "
            "tools.json), or a run of eval. Again for more; ours are played without."
        ),
    ] = None,
    labels: Labels = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; by default one a core, one for a local model."),
    ] = None,
    executor: JudgedBy = None,
    out: Annotated[Path, file("Folder for the judgements; the same folder again goes on.")] = Path(
        "runs/bench"
    ),
    json: Json = False,
    **flags: Any,
) -> None:
    """Measure critics on every labelled set at hand, in one table."""
    with command(as_json=json) as output:
        from sidecritic.reports.bench import to_bench_tables
        from sidecritic.settings.evaluation import settings_from
        from sidecritic.workflows.measure.bench import BenchRequest
        from sidecritic.workflows.measure.bench import bench as measured

        where, cores = judging_on(executor, workers, critics)
        settings = settings_from({**flags, **where})
        request = BenchRequest(tuple(critics), tuple(on or ()), settings, out, labels)
        report = measured(request, workers=cores, watcher=output.watcher)
        output.show(report, lambda: to_bench_tables(report))
        if not report.sound:
            note("not every set was judged whole: the rows say why")
            raise typer.Exit(FAILED)
