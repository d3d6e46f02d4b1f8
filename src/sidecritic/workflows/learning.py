"""Learn by a recipe: rounds, one at a time in a folder, with a report of all of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sidecritic.errors import MissingExtra
from sidecritic.journal import open_journal
from sidecritic.reports.curves import RoundPoint, plot_rounds
from sidecritic.reports.rounds import RoundRow, to_rounds_page
from sidecritic.reports.sections import label
from sidecritic.runs import write_whole
from sidecritic.scoring.promotion import AUROC, PASSES
from sidecritic.workflows.rounds import Learning, learn
from sidecritic.workflows.stages import writing

LOG_FILE = "learn.log"
REPORT_FILE = "report.md"
PICTURE_FILE = "rounds.png"
RECIPE_FILE = "recipe.json"


def learn_and_report(
    learning: Learning, rounds: int, each: Callable[[RoundRow], None] = lambda row: None
) -> list[RoundRow]:
    """Learn round by round, and rewrite the report after each, which `each` hears of.

    Raises:
        ConfigError: as `learn`, or another process learns in the folder.
    """
    rows: list[RoundRow] = []
    # Two at once would write into each other's stages: the journal's lock keeps the second out.
    with open_journal(learning.out / LOG_FILE) as log, writing(learning.out):
        write_whole(learning.out / RECIPE_FILE, learning.recipe.model_dump_json(indent=2) + "\n")
        for row in learn(learning, rounds):
            rows.append(row)
            log.append(f"round {row.number}: {row.critic} {' '.join(row.decision.reasons)}\n")
            title = learning.recipe.title or "Rounds of learning"
            picture = _draw(rows, learning.out / PICTURE_FILE, title, learning.watcher.say)
            page = to_rounds_page(title, learning.command, rows, picture)
            write_whole(learning.out / REPORT_FILE, page)
            each(row)
    return rows


def _draw(
    rows: Sequence[RoundRow], file: Path, title: str, say: Callable[[str], None]
) -> str | None:
    """Draw the rounds if matplotlib is installed; return the name of the file."""
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
    shown = f"{title}\n{roles}; hollow: not promoted" if roles else title
    try:
        plot_rounds(points, file, title=shown)
    except MissingExtra as error:
        say(str(error))
        return None
    return file.name
