"""Pages without scripts, fonts or requests of their own: open them from disk, or send them on."""

from collections.abc import Sequence
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.runs import Run, write_whole
from sidecritic.viewer.story import Story, story_of

_INSTALL = "the viewer needs Jinja2; run: pip install 'sidecritic[report]'"


def write_site(run: Run, out: Path) -> Path:
    """Write `index.html` and one page an episode into `out`; return the path of the first.

    Raises:
        ConfigError: Jinja2 is missing, or the folder cannot be written.
    """
    try:
        import jinja2
    except ImportError as cause:
        raise ConfigError(_INSTALL) from cause

    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("sidecritic.viewer"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["visible"] = visible
    stories = [story_of(trajectory) for trajectory in run.trajectories]
    pages = [(f"episode-{number:05}.html", story) for number, story in enumerate(stories, start=1)]
    title = run.directory.resolve().name
    try:
        out.mkdir(parents=True, exist_ok=True)
        for at, (name, story) in enumerate(pages):
            page = templates.get_template("episode.html").render(
                title=title,
                story=story,
                before=pages[at - 1][0] if at else "",
                after=pages[at + 1][0] if at + 1 < len(pages) else "",
            )
            write_whole(out / name, page)
        index = templates.get_template("index.html").render(
            title=title,
            command=run.record.command,
            planned=run.record.episodes,
            pages=pages,
            counts=counts(stories),
            problems=[str(problem) for problem in run.problems],
        )
        write_whole(out / "index.html", index)
    except OSError as cause:
        raise ConfigError(f"cannot write the pages to {out}: {cause.strerror}") from cause
    return out / "index.html"


def counts(stories: Sequence[Story]) -> dict[str, int]:
    """Return how the episodes ended, and how often drafts were sent back."""
    results = [story.result for story in stories]
    return {
        "passed": results.count("passed"),
        "failed": results.count("failed"),
        "not graded": results.count("not graded"),
        "drafts sent back": sum(story.refused for story in stories),
    }


def visible(text: str) -> str:
    """Return a text in which every control and direction character is one that is seen."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )
