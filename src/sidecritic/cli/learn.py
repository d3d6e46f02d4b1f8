"""`learn`: rounds of self-play, mining, labelling, training and promotion, from one recipe."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli.flags import Json, Workers, file
from sidecritic.cli.output import command
from sidecritic.settings.names import command_line

if TYPE_CHECKING:
    from sidecritic.reports.rounds import RoundRow


def learn(
    recipe: Annotated[Path, file("TOML file of what to learn, and how.")],
    *,
    out: Annotated[
        Path | None, file("Folder of all stages; by default runs/RECIPE.", metavar="DIR")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=100, help="Number of rounds, instead of the recipe's.")
    ] = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Play, mine, label, train and promote, round after round.

    The same command again resumes.
    """
    with command(as_json=json) as output:
        from sidecritic.reports.rounds import to_round_table, to_round_tables
        from sidecritic.settings.learning import recipe_from
        from sidecritic.workflows.learning import REPORT_FILE, learn_and_report
        from sidecritic.workflows.rounds import Learning

        read = recipe_from(recipe)
        folder = out or Path("runs") / recipe.stem
        line = command_line("learn", recipe=recipe, out=folder, rounds=rounds)
        cores = workers or os.cpu_count() or 1
        learning = Learning(read, folder, line, cores, output.watcher)

        def show(row: "RoundRow") -> None:
            if not json:
                output.tables(*to_round_table(row))

        rows = learn_and_report(learning, rounds or read.rounds, show)
        report = f"Report: {folder / REPORT_FILE}"
        output.show(_plain(rows, folder), lambda: (*to_round_tables(rows), report))


def _plain(rows: "Sequence[RoundRow]", folder: Path) -> dict[str, Any]:
    from sidecritic.scoring.promotion import AUROC, PASSES

    def figures(row: "RoundRow", name: str) -> dict[str, Any]:
        measured = row.decision.figure(name)
        return {"old": measured.old.model_dump(), "new": measured.new.model_dump()}

    return {
        "out": str(folder),
        "simulated": sorted({role for row in rows for role in row.decision.simulated}),
        "in_force": rows[-1].after,
        "rounds": [
            {
                "round": row.number,
                "critic": row.critic,
                "promoted": row.decision.promoted,
                "reasons": list(row.decision.reasons),
                "in_force": row.after,
                "auroc": figures(row, AUROC),
                "pass^1": figures(row, PASSES),
                "seconds": row.seconds,
            }
            for row in rows
        ],
    }
