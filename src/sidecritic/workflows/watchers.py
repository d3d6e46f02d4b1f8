"""Who follows a workflow: a terminal, a log, or nothing."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from sidecritic.labelling import labeller as labelling
from sidecritic.replay import Progress
from sidecritic.rollouts import play as rollouts


class Watcher(rollouts.Silent):
    """Receives the remarks of a workflow and the progress of its parts; this one drops them."""

    def say(self, text: str) -> None:
        """Receive one line."""

    def advance(self) -> None: ...

    def episodes(
        self, title: str, directory: Path, *, hidden: bool = False, brief: bool = False
    ) -> AbstractContextManager[rollouts.Watcher]:
        """Follow a run; `hidden` if a person answers at the terminal, `brief` for one of many."""
        return nullcontext(self)

    def labels(self, directory: Path) -> AbstractContextManager[labelling.Watcher]:
        """Follow the labelling of a run."""
        return nullcontext(self)

    def proposals(self, *, hidden: bool = False) -> AbstractContextManager[Progress]:
        """Follow a replay; `hidden` if a person answers at the terminal."""
        return nullcontext(lambda done, total: None)


SILENT = Watcher()
