"""Names that people write: what they mean, and what to say of unknown ones."""

import shlex
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeVar

from sidecritic.errors import ConfigError

_Name = TypeVar("_Name", bound=str)


def choice(what: str, text: str, known: Iterable[_Name]) -> _Name:
    """Return the known name that the text is; `what` says of what it is a name.

    Raises:
        ConfigError: it is not known.
    """
    names = list(known)
    for name in names:
        if name == text:
            return name
    raise ConfigError(f"unknown {what} {text!r}{suggestion(text, names)}")


def command_line(*words: object, **flags: object) -> str:
    """Return a shell command: `False` and `None` are left out, a tuple repeats its flag."""
    line = ["sidecritic", *map(str, words)]
    for name, given in flags.items():
        flag = f"--{name.replace('_', '-')}"
        for value in given if isinstance(given, tuple) else (given,):  # pyright: ignore[reportUnknownVariableType]
            if value is True:
                line.append(flag)
            elif value is not None and value is not False:
                line += [flag, str(value)]  # pyright: ignore[reportUnknownArgumentType]
    return shlex.join(line)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: what was meant, and what there is."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    shown = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
    return f"{meant} known: {shown}" if meant else f"; known: {shown}"
