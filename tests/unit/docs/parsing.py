"""Whether a command could be typed: by the parsers of the program itself, without running it."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

from sidecritic.cli.app import app
from sidecritic.errors import ConfigError
from sidecritic.settings.evaluation import Settings, settings_from
from tests.unit.docs.pages import ROOT, Command

OTHERS = {
    "export": "the shell's own",
    "your-agent": "the reader's",
    "useradd": "of the image",
    "accelerate": "of an extra; what follows `-m` is parsed",
    "pytest": "of the extra `dev`",
    "vllm": "a server of models, on the reader's machine",
    "llama-server": "a server of models, on the reader's machine",
    "ollama": "a server of models, on the reader's machine",
}
"""Programs that are not ours."""
NUMBERS = {"N": "2", "K": "2", "R": "2", "S": "2", "SHARE": "0.5"}
"""What a grammar calls a number."""

_PROGRAM: Any = typer.main.get_command(app)


def problem(command: Command) -> str:
    """Return what is wrong with a command; nothing where nothing is."""
    words = [word for word in command.words if not re.match(r"[A-Z_]+=", word)]
    match Path(words[0]).name, words[1:]:
        case "sidecritic", rest:
            return _parsed(command, rest)
        case (("python" | "accelerate"), rest) if "-m" in rest:
            at = rest.index("-m")
            return _module(command, rest[at + 1], rest[at + 2 :])
        case "python", [file] if file.endswith(".py"):
            return ""
        case "pip", ["install", *rest]:
            return _installed(rest)
        case "make", targets:
            return _made(targets)
        case name, _:
            return "" if name in OTHERS else f"{name} is no program that these tests know"


def _parsed(command: Command, words: list[str]) -> str:
    """Parse the words as the program does, and read settings from flags."""
    given = words if command.typed else [NUMBERS.get(word, word) for word in words]
    here = _PROGRAM
    context: Any = None
    while True:
        if given and _ends_it(here, given):
            return ""  # such as `--install-completion`, which parsing would carry out
        if not given and not command.typed:
            return ""  # a name alone, in prose
        try:
            context = here.make_context(here.name, list(given), parent=context)
            given = [*context._protected_args, *context.args]
            if not hasattr(here, "commands"):
                break
            _, here, given = here.resolve_command(context, given)
        except TyperException as cause:
            return str(cause) or repr(cause)
    return _settings(context.params) if command.typed else ""


def _ends_it(here: Any, words: list[str]) -> bool:
    """Whether the first word is an option that acts at once and ends the program."""
    parameters = here.get_params(typer.Context(here))
    acting = [each for each in parameters if each.is_eager or not each.expose_value]
    return words[0] in {name for each in acting for name in each.opts}


def _settings(parameters: dict[str, Any]) -> str:
    """Return what settings say to the flags, which the command line leaves to them."""
    given = {k: v for k, v in parameters.items() if k in Settings.model_fields and v}
    texts = {k: v for k, v in given.items() if not isinstance(v, Path)}
    try:
        settings_from(texts)
    except ConfigError as cause:
        return str(cause)
    return ""


def _module(command: Command, name: str, words: list[str]) -> str:
    if name == "sidecritic":
        return _parsed(command, words)
    if name.split(".")[0] not in ("benchmarks", "scripts"):
        return "" if name == "llama_cpp.server" else f"{name} is no module of ours"
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return f"there is no module {name}"
    source = Path(spec.origin).read_text(encoding="utf-8")
    unknown = [word for word in words if word.startswith("--") and f'"{word}"' not in source]
    return f"{name} has no {', '.join(unknown)}" if unknown else ""


def _installed(words: list[str]) -> str:
    extras = _project()["optional-dependencies"]
    asked = [extra for word in words for extra in _extras(word)]
    unknown = [extra for extra in asked if extra not in extras]
    return f"there is no extra {', '.join(unknown)}" if unknown else ""


def _extras(word: str) -> list[str]:
    found = re.fullmatch(r"(?:sidecritic|\.)\[([\w,-]+)\]", word)
    return found[1].split(",") if found else []


def _made(words: list[str]) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [word for word in words if "=" not in word and not word.startswith("-")]
    unknown = [t for t in targets if not re.search(rf"^{re.escape(t)}:", makefile, re.MULTILINE)]
    return f"there is no target {', '.join(unknown)}" if unknown else ""


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
