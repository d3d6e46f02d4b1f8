"""`calibrate`: a profile of a critic from the judgements of a replay."""

from pathlib import Path
from typing import Annotated

import typer

from sidecritic.cli.flags import Json, file, place
from sidecritic.cli.output import command

_RunsDisturbed = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Instead: share of right conversations and successful runs of which an action "
        "may be refused, in (0, 1).",
    ),
]
_PassOn = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="With it: share of proposals that may be handed on to the next link of a chain, "
        "in [0, 1]; fits two thresholds.",
    ),
]
_Stronger = Annotated[
    Path | None,
    file("With --pass-on: judgements of the next link, by `replay --out` of the same files."),
]
_Prices = Annotated[
    Path | None, file("Prices of models by name, a TOML file: what the cascade costs.")
]
_HandedOn = Annotated[
    float | None,
    typer.Option(min=0, metavar="USD", help="What a person costs for one proposal handed on."),
]


def calibrate(  # noqa: PLR0913 # typer makes a flag of each
    judged: Annotated[Path, place("JUDGED", "Output of `replay --out`, uncalibrated.")],
    files: Annotated[
        list[Path], typer.Argument(help="The recorded runs that were judged, as for `replay`.")
    ],
    *,
    out: Annotated[Path, file("The profile, a TOML file.")],
    labels: Annotated[Path | None, file("Readers' labels, as for `replay`.")] = None,
    method: Annotated[str, typer.Option(help="isotonic|platt")] = "isotonic",
    false_alarms: Annotated[
        float | None,
        typer.Option(help="Share of right actions that may be refused, in [0, 1); 0.05."),
    ] = None,
    runs_disturbed: _RunsDisturbed = None,
    pass_on: _PassOn = None,
    stronger: _Stronger = None,
    prices: _Prices = None,
    handed_on_usd: _HandedOn = None,
    minimum: Annotated[
        int, typer.Option(min=1, help="Right examples that a tool needs for its own threshold.")
    ] = 60,
    name: Annotated[
        str | None, typer.Option(help="Name of the profile; that of the file by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Turn a critic's scores into probabilities and choose its thresholds, by recorded runs."""
    with command(as_json=json) as output:
        from sidecritic.reports.calibration import to_calibration_tables
        from sidecritic.workflows.calibration import CalibrationRequest, fit_profile
        from sidecritic.workflows.measure.cascades import CascadeRequest

        cascade = CascadeRequest(runs_disturbed, pass_on, stronger, prices, handed_on_usd)
        request = CalibrationRequest(
            judged, tuple(files), out, labels, method, false_alarms, minimum, name, cascade
        )
        report = fit_profile(request, output.watcher)
        output.show(report, lambda: to_calibration_tables(report))
