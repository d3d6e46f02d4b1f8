"""What can go wrong, in one tree.

    SidecriticError
    ├── ConfigError          a name, flag, recipe key or file that cannot be used
    │   └── MissingExtra     an optional package is not installed
    ├── TraceError           a recorded line that cannot be read
    ├── ModelError           a model gave no usable completion
    │   ├── ModelUnavailable refused, hung or overloaded: may be tried again
    │   └── ModelRejected    the server refused the request: trying again is pointless
    ├── EnvError             an environment or its user broke
    │   └── UserError        the user simulator gave no usable answer
    ├── CriticError          a critic gave no usable verdict
    │   └── CriticTimeout    it did not answer in time
    ├── StoreError           a decision could not be kept or read
    └── TrainingError        a fine-tune or an export broke; what was finished is kept

Errors are attributed once, where one part calls another, with `boundary()`.
`ConfigError` ends a command with exit code 2; every other kind that happens inside an
episode becomes a `Failed` event of that episode and leaves its siblings alone.
"""

from collections.abc import Generator
from contextlib import contextmanager


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
    """An environment has no checks; the advice is for whoever may choose critic and pack."""

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


class TrainingError(SidecriticError):
    """A fine-tune or an export broke; checkpoints are kept."""


@contextmanager
def boundary(error: type[SidecriticError], doing: str) -> Generator[None]:
    """Attribute whatever escapes the block to `error`, once.

    Errors of this package pass through as they are: the innermost boundary knows best.
    Cancellation and interrupts are not `Exception`s and always propagate.
    """
    try:
        yield
    except SidecriticError:
        raise
    except Exception as cause:
        # The one broad except of the package: foreign code may raise anything, and an
        # unattributed error in one episode would take its siblings down.
        raise error(f"{doing}: {type(cause).__name__}: {cause}") from cause
