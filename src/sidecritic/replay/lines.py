"""The file of a replay: one judgement a line, append-only."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.journal import Journal, open_journal
from sidecritic.json_lines import parsed
from sidecritic.recorded import JudgedProposal
from sidecritic.replay.judgement import ReplayPlan


class Lines:
    """The judgements on file, and a place to append more; without a file nothing is written."""

    def __init__(self, there: Sequence[JudgedProposal], journal: Journal | None) -> None:
        self.there = tuple(there)
        self._journal = journal

    def append(self, lines: Sequence[JudgedProposal]) -> None:
        """Write the judgements on one batch of runs, whole, and sync them to disk."""
        if self._journal is not None and lines:
            self._journal.append("".join(line.model_dump_json() + "\n" for line in lines))


@contextmanager
def open_lines(file: Path | None, plan: ReplayPlan) -> Generator[Lines]:
    """Open the file of a replay, new or to resume.

    Raises:
        ConfigError: it cannot be written, another process writes it, or it holds something
            other than judgements of this critic behind this gate.
    """
    if file is None:
        yield Lines((), None)
        return
    with open_journal(file) as journal:
        # A kill may leave half a line; what it judged is judged again.
        cut = len(journal.unfinished())
        whole = file.read_bytes()[: journal.size - cut]
        there = [_of(plan, line, file) for line in _parsed(whole, file)]
        # Only now is it known to be our journal, and not a file that must stay as it is.
        journal.drop(cut)
        yield Lines(there, journal)


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


def _parsed(read: bytes, file: Path) -> Iterator[JudgedProposal]:
    advice = "it is not a judgement of a replay; delete the line, or name another file"
    return parsed(read.splitlines(), JudgedProposal, file, advice=advice)


def _of(plan: ReplayPlan, line: JudgedProposal, file: Path) -> JudgedProposal:
    if (line.critic, line.gate, line.terms) != (plan.critic, plan.gate, plan.terms):
        there = _words(line.critic, line.gate, line.terms)
        raise ConfigError(
            f"{file} holds judgements of {there}; choose another --out for "
            f"{_words(plan.critic, plan.gate, plan.terms)}"
        )
    return line


def _words(critic: str, gate: str, terms: str) -> str:
    return f"--critic {critic} --gate {gate}" + (f" ({terms})" if terms else "")
