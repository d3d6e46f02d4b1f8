"""What a caller in Python gives, checked when it is given and not when it is first used."""

import re
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.ports import Critic

_FILE = re.compile(r"[^\n]+\.(md|txt)")


def prose_of(policy: object) -> str:
    """Return the text of a policy: prose, or what stands in the file.

    A file is a `Path`, or one line that ends in `.md` or `.txt`.

    Raises:
        ConfigError: it is neither, or the file cannot be read.
    """
    if isinstance(policy, str) and not _FILE.fullmatch(policy):
        return policy
    if not isinstance(policy, str | Path):
        raise ConfigError(
            f"policy is {policy!r:.80}; give prose, or the Path of a file that holds it"
        )
    return read_policy(Path(policy))


def read_policy(file: Path) -> str:
    """Read a policy in plain text or Markdown.

    Raises:
        ConfigError: it cannot be read, or is empty.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(f"cannot read the policy {file}: {cause}; check the path") from cause
    if not text:
        raise ConfigError(f"the policy {file} is empty; write the rules into it, or leave it out")
    return text


def require_critic(critic: object) -> Critic:
    """Return what is given as a critic, if it can judge.

    Raises:
        ConfigError: it is a name, a class, a function or something else.
    """
    judge, name = getattr(critic, "judge", None), getattr(critic, "name", None)
    if callable(judge) and isinstance(name, str) and not isinstance(critic, type):
        return critic  # pyright: ignore[reportReturnType]
    if isinstance(critic, str):
        what, do = f"the name {critic!r}", "import this from `sidecritic` itself, which knows names"
    elif isinstance(critic, type):
        what, do = f"the class {critic.__name__}", "make one of it"
    elif callable(critic):
        what, do = "a function", "give FunctionCritic(function)"
    else:
        what, do = f"{critic!r:.80}", "give a name such as llm:openai:MODEL, or a Critic"
    raise ConfigError(f"critic is {what}; {do}")
