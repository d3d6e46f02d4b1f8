"""`learn`: rounds of self-play, mining, labelling, training and promotion, from one recipe."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli.flags import Json, Workers, path
from sidecritic.cli.output import Output, command, note
from sidecritic.errors import MissingExtra
from sidecritic.settings.names import command_line

if TYPE_CHECKING:
    from sidecritic.reports.rounds import RoundRow
    from sidecritic.workflows.rounds import Learning, Round

LOG_FILE = "learn.log"
REPORT_FILE = "report.md"
PICTURE_FILE = "rounds.png"
RECIPE_FILE = "recipe.json"
STAGES = ("play", "mine", "label", "export", "train", "promotion")


def learn(
    recipe: Annotated[
        Path, typer.Option(parser=path, metavar="FILE", help="TOML file of what to learn, and how.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=path, metavar="DIR", help="Folder of all stages; by default runs/RECIPE."
        ),
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
        from sidecritic.reports.rounds import to_round_tables
        from sidecritic.settings.learning import recipe_from
        from sidecritic.workflows.rounds import Learning

        read = recipe_from(recipe)
        folder = out or Path("runs") / recipe.stem
        line = command_line("learn", recipe=recipe, out=folder, rounds=rounds)
        cores = workers or os.cpu_count() or 1
        learning = Learning(read, folder, line, cores, output.watcher)
        rows = _learned(learning, rounds or read.rounds, output)
        report = f"Report: {folder / REPORT_FILE}"
        output.show(_plain(rows, folder), lambda: (*to_round_tables(rows), report))


def _learned(learning: "Learning", rounds: int, output: Output) -> "list[RoundRow]":
    from sidecritic.journal import open_journal
    from sidecritic.reports.rounds import to_round_table, to_rounds_page
    from sidecritic.runs import write_whole
    from sidecritic.workflows.rounds import learn
    from sidecritic.workflows.stages import writing

    rows: list[RoundRow] = []
    # Two at once would write into each other's stages: the journal's lock keeps the second out.
    with open_journal(learning.out / LOG_FILE) as log, writing(learning.out):
        write_whole(learning.out / RECIPE_FILE, learning.recipe.model_dump_json(indent=2) + "\n")
        for done in learn(learning, rounds):
            rows.append(_row(learning, done))
            log.append(f"round {done.number}: {done.critic} {' '.join(done.decision.reasons)}\n")
            title = learning.recipe.title or "Rounds of learning"
            picture = _draw(rows, learning.out / PICTURE_FILE, title)
            page = to_rounds_page(title, learning.command, rows, picture)
            write_whole(learning.out / REPORT_FILE, page)
            if not output.as_json:
                output.tables(*to_round_table(rows[-1]))
    return rows


def _draw(rows: "Sequence[RoundRow]", file: Path, title: str) -> str | None:
    """Draw the rounds where matplotlib is installed; return the name of the file."""
    from sidecritic.reports.curves import RoundPoint, plot_rounds
    from sidecritic.reports.sections import label
    from sidecritic.scoring.promotion import AUROC, PASSES

    points = [
        RoundPoint(
            row.critic,
            row.decision.promoted,
            row.decision.figure(AUROC).new,
            row.decision.figure(PASSES).new,
        )
        for row in rows
    ]
    roles = label(tuple(sorted({role for row in rows for role in row.decision.simulated})))
    try:
        plot_rounds(
            points, file, title=f"{title}\n{roles}; hollow: not promoted" if roles else title
        )
    except MissingExtra as error:
        note(str(error))
        return None
    return file.name


def _row(learning: "Learning", done: "Round") -> "RoundRow":
    from sidecritic.critics.registry import read_registry
    from sidecritic.reports.rounds import RoundRow

    stages = [learning.stage(done.number, name).done for name in STAGES]
    entry = read_registry(learning.registry).entry(done.critic, learning.registry)
    tasks = sum(map(len, entry.data.tasks.values()))
    return RoundRow(
        number=done.number,
        critic=done.critic,
        before=_short(done.before),
        after=_short(done.after),
        decision=done.decision,
        lessons=f"{entry.data.episodes} episodes of {tasks} tasks",
        seconds=sum(each.seconds for each in stages if each is not None),
    )


def _short(critic: str) -> str:
    return critic.rpartition("#")[2]


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
