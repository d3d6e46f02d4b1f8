"""Objects of the user's own code, by import path or in a file."""

import importlib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from sidecritic.errors import ConfigError, boundary


def module_at(
    path: str, what: str, example: str, folder: Path | None = None
) -> tuple[ModuleType, str]:
    """Return the module of `MODULE:NAME` or `FILE.py:NAME`, imported, and the name.

    `what` says what it names; files are relative to the folder.

    Raises:
        ConfigError: the path cannot be read, or the module does not import.
    """
    module, colon, name = path.rpartition(":")
    if not (module and colon and name):
        raise ConfigError(
            f"the {what} {path!r} cannot be read; write it as MODULE:NAME or FILE.py:NAME, such "
            f"as {example}"
        )
    with boundary(ConfigError, f"the module of the {what} {path!r} does not import"):
        try:
            return _imported(module, what, folder or Path()), name
        except ModuleNotFoundError as cause:
            if cause.name is None or not f"{module}.".startswith(f"{cause.name}."):
                raise  # something that the module itself wants
            raise ConfigError(
                f"there is no module {cause.name!r} for the {what} {path!r}; install it, "
                "put the folder that holds it on PYTHONPATH, or name its file: FILE.py:NAME"
            ) from cause
        except SystemExit as cause:
            raise ConfigError(
                f"the module of the {what} {path!r} ends the process when it is imported "
                f"(exit code {cause.code!r}); it must import without running a program"
            ) from cause


def _imported(module: str, what: str, folder: Path) -> ModuleType:
    if not module.endswith(".py"):
        return importlib.import_module(module)
    file = folder / module
    if not file.is_file():
        raise ConfigError(f"there is no file {file} that holds the {what}; check the path")
    spec = spec_from_file_location(f"own_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"the file {file} of the {what} cannot be imported")
    imported = module_from_spec(spec)
    spec.loader.exec_module(imported)
    return imported
