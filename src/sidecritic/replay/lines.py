"""The file of a replay: one judgement a line, appended as it is made."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from sidecritic.errors import ConfigError
from sidecritic.journal import Journal, open_journal
from sidecritic.recorded import JudgedProposal
from sidecritic.replay.judging import Plan


class Lines:
    """What is on file, and where more goes; without a file nothing is kept."""

    def __init__(self, there: Sequence[JudgedProposal], journal: Journal | None) -> None:
        self.there = tuple(there)
        self._journal = journal

    def append(self, lines: Sequence[JudgedProposal]) -> None:
        """Write the judgements on one batch of runs, whole, and sync them to disk."""
        if self._journal is not None and lines:
            self._journal.append("".join(line.model_dump_json() + "\n" for line in lines))


@contextmanager
def open_lines(file: Path | None, plan: Plan) -> Generator[Lines]:
    """Open the file of a replay, a new one or one to go on with.

    Raises:
        ConfigError: it cannot be written, another process writes it, or it holds something
            else than judgements of this critic behind this gate.
    """
    if file is None:
        yield Lines((), None)
        return
    with open_journal(file) as journal:
        # A kill may leave half a line; what it judged is judged again.
        cut = len(journal.unfinished())
        whole = file.read_bytes()[: journal.size - cut]
        there = [
            _line(text, file, number, plan)
            for number, text in enumerate(whole.splitlines(), start=1)
            if text.strip()
        ]
        # Only now is it known to be a journal of ours, and not a file that must stay as it is.
        journal.drop(cut)
        yield Lines(there, journal)


def _line(text: bytes, file: Path, number: int, plan: Plan) -> JudgedProposal:
    try:
        line = JudgedProposal.model_validate_json(text)
    except ValidationError as cause:
        raise ConfigError(
            f"{file}, line {number} is no judgement of a replay; choose another --out, or delete "
            "the line"
        ) from cause
    if (line.critic, line.gate) != (plan.critic, plan.gate):
        raise ConfigError(
            f"{file} holds judgements of --critic {line.critic} --gate {line.gate}; choose "
            f"another --out for --critic {plan.critic} --gate {plan.gate}"
        )
    return line
