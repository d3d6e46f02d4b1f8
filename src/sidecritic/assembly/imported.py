"""Objects of the user's own code, by import path."""

import importlib
from types import ModuleType

from sidecritic.errors import ConfigError, boundary


def module_at(path: str, what: str, example: str) -> tuple[ModuleType, str]:
    """Return the module of `MODULE:NAME`, imported, and the name; `what` says what it names.

    Raises:
        ConfigError: the path cannot be read, or the module does not import.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise ConfigError(
            f"the {what} {path!r} cannot be read; write it as MODULE:NAME, such as {example}"
        )
    with boundary(ConfigError, f"the module of the {what} {path!r} does not import"):
        try:
            return importlib.import_module(module), name
        except ModuleNotFoundError as cause:
            if cause.name is None or not f"{module}.".startswith(f"{cause.name}."):
                raise  # something that the module itself wants
            raise ConfigError(
                f"there is no module {cause.name!r} for the {what} {path!r}; install it, or "
                "put the folder that holds it on PYTHONPATH"
            ) from cause
        except SystemExit as cause:
            raise ConfigError(
                f"the module of the {what} {path!r} ends the process when it is imported "
                f"(exit code {cause.code!r}); it must import without running a program"
            ) from cause
