"""One file that tells what runs, and the critic beside them, have done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.labelling.label_files import among
from sidecritic.replay.lines import aligned, read_lines
from sidecritic.reports.html import (
    Block,
    Report,
    about,
    aftermath,
    critic,
    reading,
    runs,
    said,
    to_html,
    to_report_markdown,
)
from sidecritic.reports.html.runs import Named
from sidecritic.runs import Run, read_run
from sidecritic.scoring import Comparison, compare
from sidecritic.scoring.comparison import Side
from sidecritic.scoring.measure.aftermath import by_tool, intervened
from sidecritic.scoring.measure.curves import curves
from sidecritic.scoring.measure.seen import Seen, seen_by_replay, seen_in
from sidecritic.scoring.score import latest
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing
from sidecritic.workflows.evaluation import side_of
from sidecritic.workflows.files import require_file, write_file
from sidecritic.workflows.replay import imported_from, labels_at, with_labels
from sidecritic.workflows.watchers import SILENT, Watcher


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What to tell of, and where to write it."""

    runs: tuple[Path, ...]
    """The first is the baseline of the others."""
    out: Path
    judged: Path | None = None
    """What `replay --out` wrote."""
    of: tuple[Path, ...] = ()
    """What was judged; the first run by default."""
    labels: Path | None = None


@dataclass(frozen=True)
class _Played:
    """A run with the name that the report gives it."""

    name: str
    run: Run
    side: Side

    @cached_property
    def named(self) -> Named:
        return Named(self.name, self.side.scores())

    @cached_property
    def episodes(self) -> tuple[Trajectory, ...]:
        return tuple(latest(self.run.trajectories))

    @property
    def briefings(self) -> dict[str, Briefing]:
        return self.run.record.briefings


def write_report(request: ReportRequest, watcher: Watcher = SILENT) -> tuple[Path, Path]:
    """Write the report as HTML, and as Markdown beside it; return both files.

    Raises:
        ConfigError: something cannot be read or written.
        MissingExtra: what draws or writes the page is not installed.
    """
    if request.out.suffix not in (".html", ".htm"):
        raise ConfigError(f"--out is {request.out}; give a file that ends in .html")
    markdown = request.out.with_suffix(".md")
    require_file(request.out)
    require_file(markdown)
    report = report_of(request, watcher)
    write_file(request.out, to_html(report))
    write_file(markdown, to_report_markdown(report))
    return request.out, markdown


def report_of(request: ReportRequest, watcher: Watcher = SILENT) -> Report:
    """Return the contents of the report.

    Raises:
        ConfigError: there is nothing to tell of, or it cannot be read.
    """
    if not request.runs and request.judged is None:
        raise ConfigError("there is nothing to report; give a RUN, or --judged FILE --of CHATS")
    played = [
        _Played(name, run := read_run(directory), side_of(run, watcher))
        for name, directory in zip(_names(request.runs), request.runs, strict=True)
    ]
    compared = [(each, compare(played[0].side, each.side)) for each in played[1:]]
    seen, source = _seen(request, played, watcher)
    blocks = [*_about_runs(played, compared), *_about_critic(seen, source)]
    if played:
        last = played[-1]
        comparison = compared[-1][1] if compared else None
        blocks += _about_turns(last)
        blocks.append(runs.spent([each.named for each in played]))
        blocks += _to_read(last, comparison)
    blocks.append(about.definitions())
    if played:
        settings = {each.name: each.run.record.settings for each in played}
        blocks.append(about.provenance([each.named for each in played], settings))
    sentence, more = _said(played, compared, seen)
    return Report(
        title=_title(request, played),
        said=sentence,
        more=more,
        simulated=tuple(sorted({role for each in played for role in each.named.scores.simulated})),
        warnings=tuple(warning for _, each in compared for warning in each.warnings),
        blocks=tuple(blocks),
    )


def _names(directories: Sequence[Path]) -> tuple[str, ...]:
    match len(directories):
        case 0:
            return ()
        case 1:
            return ("run",)
        case 2:
            return ("baseline", "supervised")
        case number:
            return ("baseline", *(f"run {at}" for at in range(2, number + 1)))


def _title(request: ReportRequest, played: Sequence[_Played]) -> str:
    names = [each.run.directory.resolve().name for each in played]
    return (
        f"Report of {' and '.join(names)}"
        if names
        else f"Report of the judgements in {request.judged.name if request.judged else 'no file'}"
    )


_Compared = tuple[_Played, Comparison]


def _said(played: Sequence[_Played], compared: Sequence[_Compared], seen: Seen) -> tuple[str, str]:
    if compared:
        return said.of_pair(compared[-1][1])
    if played:
        return said.of_run(played[0].named)
    return said.of_replay(curves(seen.verdicts))


def _about_runs(played: Sequence[_Played], compared: Sequence[_Compared]) -> Iterator[Block]:
    if not played:
        return
    yield runs.results([each.named for each in played])
    many = len(compared) > 1
    for at, (each, comparison) in enumerate(compared, start=1):
        end = f", {each.name}" if many else ""
        yield runs.compared(f"compare-{at}", f"Against the baseline{end}", comparison)
        if comparison.by_task:
            yield runs.pairs(f"pairs-{at}", f"Task by task{end}", comparison)
    if not compared:
        yield runs.alone(played[0].named)
        yield runs.tasks(played[0].named)


def _about_critic(seen: Seen, source: str) -> Iterator[Block]:
    if seen.verdicts:
        yield critic.detection_block(curves(seen.verdicts), source)
    if seen.runs:
        yield critic.runs_block(curves(seen.runs), source)


def _about_turns(played: _Played) -> Iterator[Block]:
    marks = by_tool(played.episodes, played.briefings)
    if marks:
        acts = played.named.scores.interventions
        yield aftermath.interventions(acts, marks, played.name)
    turns = list(intervened(played.episodes, played.briefings))
    if turns:
        yield aftermath.aftermath(turns, played.name)


def _to_read(played: _Played, comparison: Comparison | None) -> Iterator[Block]:
    yield reading.reading(played.episodes, played.briefings, played.name, comparison)


def _seen(request: ReportRequest, played: Sequence[_Played], watcher: Watcher) -> tuple[Seen, str]:
    """Return the critic's verdicts: of the replay where there is one, else of the last run."""
    if request.judged is None:
        last = played[-1]
        source = (
            f"The verdicts that the critic gave while it supervised ({last.name}). Where it "
            "refused, the actor was told, and later proposals are other than without it: a replay "
            "of the baseline (--judged) says what it would do to runs that it never touched. A run "
            "is wrong when a proposal in it was; others are right."
        )
        return seen_in(last.episodes, last.briefings), source
    files = request.of or tuple(each.run.directory for each in played[:1])
    if not files:
        raise ConfigError("--judged needs what was judged; give it with --of, or a RUN")
    lines = read_lines(request.judged)
    labels = labels_at(request.labels, files, watcher)
    imported = with_labels(imported_from(files, watcher), labels, watcher)
    lines = aligned(lines, imported.runs)
    readers = None if labels.readers is None else among(labels.readers, imported.runs)
    names = ", ".join(sorted({line.critic for line in lines})) or "no critic"
    source = (
        f"Verdicts of {names} over {len(imported.runs)} recorded runs that it did not touch "
        f"({len(lines)} verdicts); those whose truth is known count. A run is wrong when it "
        "failed with a wrong write, right when it passed; others do not count."
    )
    return seen_by_replay(imported.runs, lines, readers), source
