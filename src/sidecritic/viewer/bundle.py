"""A run as one file that can be mailed: a table, and every episode compressed behind its row.

Nothing is fetched, and one script of ours runs: it opens episodes and searches in them.
"""

from base64 import b64encode
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.runs import write_whole
from sidecritic.viewer.library import Library
from sidecritic.viewer.opened import RunLine, opened_of
from sidecritic.viewer.templating import templates

MOST = 2_000
"""Episodes of a bundle."""


def write_bundle(directory: Path, out: Path) -> Path:
    """Write a run into one HTML file, and return its path.

    Raises:
        ConfigError: there is no run, it has more than `MOST` episodes, or the file cannot be
            written.
        MissingExtra: Jinja2 is not installed.
    """
    runs = Library(directory).runs()
    if len(runs) != 1:
        raise ConfigError(f"--bundle takes one run; {directory} holds {len(runs)}")
    (run,) = runs
    rows = run.rows()
    if len(rows) > MOST:
        raise ConfigError(
            f"{run.title} has {len(rows)} episodes; a bundle holds {MOST}: `view` serves them all"
        )
    pages = templates()
    talk = pages.get_template("server/talk.html")
    episodes = [_packed(talk.render(opened=opened_of(run, row), may_label=False)) for row in rows]
    script = _text("static/bundle.js")
    page = pages.get_template("bundle.html").render(
        line=RunLine(run, rows),
        episodes=episodes,
        style=_text("static/viewer.css"),
        script=script,
        allowed=f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}",
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, page)
    except OSError as cause:
        raise ConfigError(f"cannot write {out}: {cause.strerror}") from cause
    return out


def _packed(page: str) -> str:
    # The same bytes each time: no date.
    return b64encode(compress(page.encode(), mtime=0)).decode()


def _text(name: str) -> str:
    return files("sidecritic.viewer").joinpath(name).read_text(encoding="utf-8")
