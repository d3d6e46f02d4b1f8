"""`report`: runs, and the critic beside them, as one page."""

from pathlib import Path
from typing import Annotated

import typer

from sidecritic.cli.flags import Json, Labels, file, path
from sidecritic.cli.output import command


def report(  # typer makes a flag of each
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=path,
            metavar="[RUN]...",
            help="Directories of runs; the first is the baseline of the others.",
        ),
    ] = None,
    *,
    judged: Annotated[
        Path | None, file("Output of `replay --out`: the critic's curves come from it.")
    ] = None,
    of: Annotated[
        list[Path] | None,
        file("What was judged, runs or chat logs; the first RUN by default.", "--of"),
    ] = None,
    labels: Labels = None,
    out: Annotated[Path, file("The page; Markdown goes beside it.")] = Path("report.html"),
    json: Json = False,
) -> None:
    """Write what runs say as one HTML file with pictures, and as Markdown."""
    with command(as_json=json) as output:
        from sidecritic.workflows.measure.report import ReportRequest, write_report

        request = ReportRequest(tuple(runs or ()), out, judged, tuple(of or ()), labels)
        page, markdown = write_report(request, output.watcher)
        files = {"page": str(page), "markdown": str(markdown)}
        output.show(files, lambda: [f"Open {page}; as Markdown: {markdown}"])
