"""Static pages without fonts or requests: open them from disk, or send them on.

One script of ours (`labels.js`) lets a reader label what the actor did. Without it, all there is
to read is there.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sidecritic.errors import ConfigError
from sidecritic.runs import Run, write_whole
from sidecritic.viewer.label_script import label_script, labels_file
from sidecritic.viewer.story import Story, story_of
from sidecritic.viewer.templating import templates


class Page(NamedTuple):
    """An episode and where it goes."""

    name: str
    story: Story
    replayed: bool
    """Whether the episode was played again: of two with one id, labels are about the later."""


def write_site(run: Run, out: Path) -> Path:
    """Write `index.html` and one page an episode into `out`; return the path of the first.

    Raises:
        ConfigError: Jinja2 is missing, the folder cannot be written, or holds something else.
    """
    pages_of, script = templates(), label_script()
    latest = {trajectory.id: trajectory for trajectory in run.trajectories}
    pages = [
        Page(f"episode-{number:05}.html", story_of(played), latest[played.id] is not played)
        for number, played in enumerate(run.trajectories, start=1)
    ]
    title = run.directory.resolve().name
    _require_ours(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for at, (name, story, replayed) in enumerate(pages):
            page = pages_of.get_template("episode.html", globals=script).render(
                story=story,
                replayed=replayed,
                before=pages[at - 1].name if at else "",
                after=pages[at + 1].name if at + 1 < len(pages) else "",
                labels=labels_file(title, Path(name).stem),
            )
            write_whole(out / name, page)
        index = pages_of.get_template("index.html", globals=script).render(
            title=title,
            command=run.record.command,
            planned=run.record.episodes,
            pages=pages,
            counts=counts([page.story for page in pages]),
            problems=[str(problem) for problem in run.problems],
            labels=labels_file(title),
        )
        write_whole(out / "index.html", index)
    except OSError as cause:
        raise ConfigError(f"cannot write the pages to {out}: {cause.strerror}") from cause
    return out / "index.html"


_GENERATOR = 'name="generator" content="sidecritic"'
_PAGE = re.compile(r"index\.html|episode-\d{5,}\.html")


def _require_ours(out: Path) -> None:
    """Raise a `ConfigError` if a folder holds something, and that is not the pages of a run."""
    try:
        held = sorted(each.name for each in out.iterdir()) if out.exists() else []
        index = out / "index.html"
        marked = index.is_file() and _GENERATOR in index.read_text("utf-8", errors="replace")[:2000]
    except OSError as cause:
        raise ConfigError(f"cannot write the pages to {out}: {cause.strerror}") from cause
    foreign = next((name for name in held if not _PAGE.fullmatch(name)), "")
    if held == ["index.html"]:
        foreign = "index.html"
    if foreign and not marked:
        raise ConfigError(
            f"{out} holds {foreign!r}, which is no page of a run; give a new folder with --out"
        )


def counts(stories: Sequence[Story]) -> dict[str, int]:
    """Return how the episodes ended, and how often drafts were sent back."""
    results = [story.result for story in stories]
    return {
        "passed": results.count("passed"),
        "failed": results.count("failed"),
        "not graded": results.count("not graded"),
        "drafts sent back": sum(story.refused for story in stories),
    }
