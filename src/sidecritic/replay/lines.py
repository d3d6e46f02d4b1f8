"""The file of a replay: one judgement a line, append-only."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.journal import open_journal
from sidecritic.json_lines import parsed
from sidecritic.recorded import JudgedProposal, Recorded, file_among
from sidecritic.replay.judgement import ReplayPlan

Append = Callable[[Sequence[JudgedProposal]], None]
"""Writes the judgements on one batch of runs, whole, and syncs them to disk."""


@contextmanager
def open_lines(
    file: Path | None, plan: ReplayPlan
) -> Generator[tuple[Sequence[JudgedProposal], Append]]:
    """Open the file of a replay, new or to resume: what is on it, and a way to append more.

    Without a file nothing is written.

    Raises:
        ConfigError: it cannot be written, another process writes it, or it holds something
            other than judgements of this critic behind this gate.
    """
    if file is None:
        yield (), lambda lines: None
        return
    with open_journal(file) as journal:
        # A kill may leave half a line; what it judged is judged again.
        cut = len(journal.unfinished())
        there = list(_parsed(file.read_bytes()[: journal.size - cut], file))
        _require_same(plan, there, file)
        # Only now is it known to be our journal, and not a file that must stay as it is.
        journal.drop(cut)
        yield (
            there,
            lambda lines: journal.append("".join(f"{each.model_dump_json()}\n" for each in lines)),
        )


def read_lines(file: Path) -> tuple[JudgedProposal, ...]:
    """Return the judgements of a replay; a last line that a kill cut off is left out.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    try:
        read = file.read_bytes()
    except OSError as cause:
        raise ConfigError(
            f"cannot read {file}: {cause.strerror}; give what `sidecritic replay --out` wrote"
        ) from cause
    end = read.rfind(b"\n") + 1
    lines = tuple(_parsed(read[:end], file))
    try:
        return (*lines, *_parsed(read[end:], file))
    except ConfigError:
        if lines:
            return lines
        raise


def aligned(
    lines: Iterable[JudgedProposal], runs: Iterable[Recorded]
) -> tuple[JudgedProposal, ...]:
    """Return the judgements with the names that their files have among these runs.

    A file is known by more of its path, or less, where it was judged beside others. What is of
    none of the runs stays as it is.

    Raises:
        ConfigError: a judgement may be of several of the files.
    """
    files = {run.file for run in runs}
    names: dict[str, str] = {}
    found: list[JudgedProposal] = []
    for line in lines:
        if line.file not in names:
            names[line.file] = file_among(line.file, files) or line.file
        name = names[line.file]
        found.append(line if name == line.file else line.model_copy(update={"file": name}))
    return tuple(found)


def _parsed(read: bytes, file: Path) -> Iterator[JudgedProposal]:
    advice = "it is not a judgement of a replay; delete the line, or name another file"
    return parsed(read.splitlines(), JudgedProposal, file, advice=advice)


def _require_same(plan: ReplayPlan, there: Iterable[JudgedProposal], file: Path) -> None:
    wanted = _words(plan)
    for words in map(_words, there):
        if words != wanted:
            raise ConfigError(
                f"{file} holds judgements of {words}; choose another --out for {wanted}"
            )


def _words(of: ReplayPlan | JudgedProposal) -> str:
    return f"--critic {of.critic} --gate {of.gate}" + (f" ({of.terms})" if of.terms else "")
