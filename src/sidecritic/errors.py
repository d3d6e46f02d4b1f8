"""What can go wrong, in one tree.

    SidecriticError
    ├── ConfigError          a name, flag, recipe key or file that cannot be used
    │   ├── MissingExtra     an optional package is not installed
    │   └── NoChecks         an environment has no pack of policy checks
    ├── TraceError           a recorded line that cannot be read
    ├── ModelError           a model gave no usable completion
    │   ├── ModelUnavailable refused, hung or overloaded: may be tried again
    │   └── ModelRejected    the server refused the request: trying again is pointless
    ├── EnvError             an environment or its user broke
    │   └── UserError        the user simulator gave no usable answer
    ├── CriticError          a critic gave no usable verdict
    │   └── CriticTimeout    it did not answer in time
    ├── StoreError           a decision could not be kept or read
    ├── WorkerLost           a process that worked items of a map has ended
    └── TrainingError        a fine-tune or an export broke; what was finished is kept

Errors are attributed once, where one part calls another, with `boundary()`.
`ConfigError` ends a command with exit code 2; every other kind that happens inside an
episode becomes a `Failed` event of that episode and leaves its siblings alone.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pydantic import ValidationError


class SidecriticError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(SidecriticError):
    """The message names what is wrong, which value, and what to do."""


class MissingExtra(ConfigError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str, why: str) -> None:
        super().__init__(
            f"{why} needs the package {package!r}, which is not installed; "
            f"run: pip install 'sidecritic[{extra}]'"
        )


class NoChecks(ConfigError):
    """An environment has no checks; the advice is for users who may choose critic and pack."""

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__("; ".join(filter(None, (problem, advice))))
        self.problem = problem


class TraceError(SidecriticError):
    """Names file, line and remedy."""


class ModelError(SidecriticError):
    """A model gave no usable completion."""


class ModelUnavailable(ModelError):
    """Refused, hung or overloaded. `retry_after` is in seconds where the server said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelRejected(ModelError):
    """The server refused the request itself."""


class EnvError(SidecriticError):
    """An environment broke."""


class UserError(EnvError):
    """The user simulator gave no usable answer."""


class CriticError(SidecriticError):
    """A critic gave no usable verdict."""


class CriticTimeout(CriticError):
    """A critic did not answer in time."""


class StoreError(SidecriticError):
    """A decision could not be kept or read."""


class WorkerLost(SidecriticError):
    """A process that worked items of a map ended before it answered; the message says how."""


class TrainingError(SidecriticError):
    """A fine-tune or an export broke; checkpoints are kept."""


class boundary:
    """Attribute whatever escapes the block to `error`, once.

    Errors of this package pass through as they are: the innermost boundary knows best.
    Cancellation and interrupts are not `Exception`s and always propagate.
    """

    # A class, as a generator's frame costs ten times as much, several times in every turn.
    __slots__ = ("_doing", "_error")

    def __init__(self, error: type[SidecriticError], doing: str) -> None:
        self._error = error
        self._doing = doing

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, cause: BaseException | None, _: object
    ) -> None:
        # The one broad except of the package: foreign code may raise anything, and an
        # unattributed error in one episode would take its siblings down.
        if isinstance(cause, Exception) and not isinstance(cause, SidecriticError):
            said = f"{self._doing}: {type(cause).__name__}: {cause}"
            raise self._error(said) from cause


_PACKAGE, _PYTHON = str(Path(__file__).parent), str(Path(os.__file__).parent)


def place_of(error: BaseException) -> str:
    """Return where an error was raised, as `checks.py:12`; empty for one that never was."""
    at, lines = error.__traceback__, list[Line]()
    while at is not None:
        lines.append((at.tb_frame.f_code.co_filename, at.tb_lineno))
        at = at.tb_next
    return place_in(lines)


Line = tuple[str, int]
"""A file and the number of a line."""


def place_in(lines: Sequence[Line]) -> str:
    """Return which of the lines that are being carried out, outermost first, says most.

    It is the innermost one of a check, rather than of the libraries that the check calls.
    """
    own = [line for line in lines if not line[0].startswith((_PYTHON, "<"))]
    theirs = [
        (file, line)
        for file, line in own
        if "site-packages" not in file and (not file.startswith(_PACKAGE) or "packs" in file)
    ]
    found = (theirs or own or list(lines))[-1:]
    return "".join(f"{Path(file).name}:{line}" for file, line in found)


class Problem(NamedTuple):
    """The first thing that is wrong with a value, as text: `routes.shop.mode: Input should …`."""

    where: str
    """Keys down to the part at fault, joined by dots; empty for the value as a whole."""
    message: str
    kind: str
    """Pydantic's name of the kind of error, such as `extra_forbidden`."""
    value: object

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


def first_problem(cause: "ValidationError", whole: str = "") -> Problem:
    """Return what pydantic found first; `whole` names a value that is wrong as a whole."""
    first = cause.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or whole
    return Problem(where, first["msg"].removeprefix("Value error, "), first["type"], first["input"])


def first_error(errors: ExceptionGroup[SidecriticError]) -> SidecriticError:
    """Return the first error of a group, however deep it is."""
    error = errors.exceptions[0]
    return first_error(error) if isinstance(error, ExceptionGroup) else error
