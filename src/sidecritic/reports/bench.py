"""The table of `bench`, for a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType

from sidecritic.reports.sections import Section
from sidecritic.reports.tables import printed
from sidecritic.scoring.measure.results import BenchReport, BenchRow
from sidecritic.scoring.replay_results import Measured, Share

_RANKS = ("domain", "wrong/n", "AUROC", "at 5 %")
_DECIDED = ("domain", "caught", "disturbed", "runs", "verify")
_COSTS = ("domain", "failed", "tokens", "$ per 1,000", "p50 s", "p95 s")
_MEANING = (
    "At 5 %: wrong ones caught at 5 % false alarms. Caught, disturbed: by the critic's own "
    "threshold. Runs: disturbed, of those without anything wrong. Verify: sent back to verify "
    "first, wrong and right ones; neither caught nor disturbed. Brackets: 95 %, resampling tasks."
)


def to_bench_tables(report: BenchReport) -> Iterator[RenderableType]:
    """Yield what to print, critic by critic; problems stand under their table."""
    for critic in dict.fromkeys(row.critic for row in report.rows):
        rows = [row for row in report.rows if row.critic == critic]
        roles = tuple(sorted({role for row in rows for role in row.simulated}))
        yield from printed(_sections(critic, rows), roles, limit=1000)
    yield from printed([Section("", (), (), report.notes)] if report.notes else [], limit=1000)


def _sections(critic: str, rows: list[BenchRow]) -> Iterator[Section]:
    problems = tuple(f"{_name(row)}: {row.problem}" for row in rows if row.problem)
    ranks = tuple((_name(row), *_ranks(row)) for row in rows)
    yield Section(critic, _RANKS, ranks, problems)
    decided = tuple((_name(row), *_decided(row)) for row in rows)
    yield Section(f"{critic}, at its own threshold", _DECIDED, decided, (_MEANING,))
    costs = tuple((_name(row), *_spent(row)) for row in rows)
    yield Section(f"{critic}: failures, cost and time of a verdict", _COSTS, costs)


def _name(row: BenchRow) -> str:
    domain = row.domain.rpartition(":")[2] if row.domain else "none"
    return row.set if domain == row.set else f"{row.set} {domain}"


def _ranks(row: BenchRow) -> tuple[str, ...]:
    caught = "" if row.recall_at_5.value is None else f"{row.recall_at_5.value:.0%}"
    return (f"{row.wrong}/{row.n}", _decimal(row.auroc), caught)


def _decided(row: BenchRow) -> tuple[str, ...]:
    verify = f"{row.verify_wrong}, {row.verify_right}" if row.n else ""
    return (*map(_counted, (row.caught, row.disturbed, row.runs_disturbed)), verify)


def _spent(row: BenchRow) -> tuple[str, ...]:
    cost = "unknown" if row.cost_usd is None else f"{row.cost_usd:.2f}"
    times = ("" if each is None else f"{each:.3f}" for each in (row.seconds_p50, row.seconds_p95))
    return (f"{row.failed}/{row.asked}", f"{row.tokens:.0f}", cost, *times)


def _decimal(found: Measured) -> str:
    if found.value is None:
        return ""
    ends = "" if found.ci is None else f" ({found.ci[0]:.2f}-{found.ci[1]:.2f})"
    return f"{found.value:.2f}{ends}"


def _counted(found: Share) -> str:
    return f"{found.n} of {found.of}" if found.of else ""
