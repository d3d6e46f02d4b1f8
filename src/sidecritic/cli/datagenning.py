"""Data that critics learn from: `datagen play` and `datagen mine`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sidecritic.cli.edge import FAILED, command, note
from sidecritic.cli.flags import path, takes_settings

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]

MINED_FILE = "mined.json"
DIRECTORY = "runs/datagen"


@takes_settings
def play(
    recipe: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="TOML file of these settings; flags win."),
    ] = None,
    json: Json = False,
    **flags: Any,
) -> None:
    """Play train tasks without a critic and with one, into OUT/alone and OUT/supervised.

    Takes the flags of `eval`; the split is train unless another is given. Test tasks and their
    users are refused. The same command again goes on where it was stopped.
    """
    with command(as_json=json) as output:
        from sidecritic.cli.evaluating import failures_of
        from sidecritic.cli.selfplay import play_both
        from sidecritic.config import settings_from
        from sidecritic.reports import to_tables
        from sidecritic.scoring import Scores

        settings = settings_from({**flags, "split": flags.get("split") or _split(recipe)}, recipe)
        found = play_both(settings, Path(settings.out or DIRECTORY))
        runs: tuple[Scores, ...] = tuple(each for each in found[:2] if isinstance(each, Scores))
        if json:
            names = [place.name for place in found.runs]
            scores = [each.model_dump(mode="json") for each in runs]
            output.json(dict(zip(names, scores, strict=True)))
        else:
            for place, each in zip(found.runs, runs, strict=True):
                output.tables(f"{place}:", *to_tables(each))
            output.tables(f"Next: sidecritic datagen mine {found.directory}")
        if line := failures_of(*runs):
            note(line)
            raise typer.Exit(FAILED)


def _split(recipe: Path | None) -> str | None:
    """Return `train` where neither flags nor recipe name a split."""
    from sidecritic.config import settings_from

    named = recipe is not None and "split" in settings_from({}, recipe).model_fields_set
    return None if named else "train"


def mine(  # noqa: PLR0913 # typer makes a flag of each
    run: Annotated[
        Path,
        typer.Argument(parser=path, metavar="DIR", help="Directory of `datagen play`, or a run."),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help=f"DIR/{MINED_FILE} by default."),
    ] = None,
    keep_mixed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of tasks that sometimes failed.")
    ] = 1.0,
    keep_failed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of tasks that always failed.")
    ] = 1.0,
    keep_passed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of tasks that always passed.")
    ] = 0.1,
    at_most: Annotated[
        int | None, typer.Option(min=1, help="Tasks in all: mixed first, always passed last.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which tasks of a share are kept.")] = 0,
    json: Json = False,
) -> None:
    """Choose the tasks worth learning from by how often they succeeded, and say why."""
    with command(as_json=json) as output:
        from sidecritic.reports.mining import to_mining_tables
        from sidecritic.scoring.mining import MiningShares, write_mined
        from sidecritic.scoring.mining import mine as chosen

        shares = MiningShares(
            mixed=keep_mixed, failed=keep_failed, passed=keep_passed, at_most=at_most
        )
        mined = chosen(run, shares=shares, seed=seed)
        file = out or run / MINED_FILE
        write_mined(mined, file)
        if json:
            output.json(mined)
        else:
            output.tables(*to_mining_tables(mined), f"{file}: {len(mined.kept)} tasks kept")
