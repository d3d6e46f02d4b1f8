"""Rounds of learning as one table, and as a page with the table of each promotion."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType

from sidecritic.reports.markdown import document
from sidecritic.reports.promotion import decision_sections, number, verdict
from sidecritic.reports.sections import Section, label
from sidecritic.reports.tables import to_table
from sidecritic.scoring.promotion import AUROC, PASSES, PromotionDecision


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One round of learning."""

    number: int
    critic: str
    """Name of the critic that was trained."""
    before: str
    after: str
    """Critic in force afterwards."""
    decision: PromotionDecision
    lessons: str
    """What it learned from, in words."""
    seconds: float


def round_section(row: RoundRow) -> Section:
    """Return the table of one round."""
    auroc, passes = row.decision.figure(AUROC), row.decision.figure(PASSES)
    lines = (
        (row.before, "in force", auroc.old.said(), passes.old.said()),
        (row.critic, verdict(row.decision), auroc.new.said(), passes.new.said()),
    )
    note = (
        f"Measured on {auroc.n} proposals and {passes.n} episodes of {passes.tasks} held-out "
        f"tasks; learned from {row.lessons}; {row.seconds:.0f} s."
    )
    header = ("critic", "", "validation AUROC", "supervised pass^1")
    return Section(f"Round {row.number}", header, lines, (*row.decision.reasons, note))


def rounds_section(rows: Sequence[RoundRow]) -> Section:
    """Return the table over all rounds: the critic that was trained, and the one in force after."""
    lines = tuple(
        (
            str(row.number),
            row.critic,
            *(number(row.decision.figure(name).new) for name in (AUROC, PASSES)),
            verdict(row.decision),
            row.after,
            *(_in_force(row, name) for name in (AUROC, PASSES)),
        )
        for row in rows
    )
    trained = ("round", "trained", "AUROC", "pass^1", "promotion")
    header = (*trained, "then in force", "its AUROC", "its pass^1")
    notes = (
        "Validation AUROC and supervised pass^1, with their intervals in the table of each round, "
        "are those on held-out tasks, which share no user with those that are learned from. "
        "Promotion chooses by the same tasks in every round, so figures of what it chose are "
        "slightly better than on tasks that play no part in the choice.",
    )
    return Section("Rounds", header, lines, notes)


def _in_force(row: RoundRow, name: str) -> str:
    measured = row.decision.figure(name)
    return number(measured.new if row.decision.promoted else measured.old)


def to_round_tables(rows: Sequence[RoundRow]) -> Iterator[RenderableType]:
    """Yield what to print when all rounds are done."""
    return _printed(rounds_section(rows), rows)


def to_round_table(row: RoundRow) -> Iterator[RenderableType]:
    """Yield what to print when a round is done."""
    return _printed(round_section(row), (row,))


def _printed(section: Section, rows: Sequence[RoundRow]) -> Iterator[RenderableType]:
    yield to_table(section, label(_roles(rows)))
    yield from section.notes


def _roles(rows: Sequence[RoundRow]) -> tuple[str, ...]:
    return tuple(sorted({role for row in rows for role in row.decision.simulated}))


def to_rounds_page(
    title: str, command: str, rows: Sequence[RoundRow], picture: str | None = None
) -> str:
    """Return all of it as Markdown; `picture` is a file in the same folder."""
    made = Section("How it was made", ("", ""), (("command", command),))
    parts = [rounds_section(rows), *map(round_section, rows)]
    for row in rows:
        parts += [
            section._replace(title=f"Promotion in round {row.number}: {section.title}")
            for section in decision_sections(row.decision)
        ]
    text = "\n".join(document(title, _roles(rows), [*parts, made]))
    return text if picture is None else f"{text}\n![AUROC and pass^1 of each round]({picture})\n"
