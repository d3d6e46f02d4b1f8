"""Sections as Markdown."""

from collections.abc import Iterable, Iterator

from sidecritic.reports.sections import Section, comparison_sections, label, made_by, run_sections
from sidecritic.reports.text import code, escaped
from sidecritic.scoring.results import Comparison, Scores


def to_markdown(result: Scores | Comparison) -> str:
    """Return a report of a run or of a comparison."""
    match result:
        case Scores():
            roles, sections = result.simulated, run_sections(result)
            title = f"Run: {', '.join(result.envs) or 'no episodes yet'}"
            sources = [made_by(result)]
        case Comparison():
            roles, sections = result.simulated_roles, comparison_sections(result)
            title = f"Supervised against baseline: {', '.join(result.supervised.envs)}"
            sources = [
                made_by(side)._replace(title=f"How the {name} run was made")
                for name, side in (("baseline", result.baseline), ("supervised", result.supervised))
            ]
    return "\n".join(document(title, roles, [*sections, *sources]))


def document(title: str, roles: tuple[str, ...], sections: Iterable[Section]) -> Iterator[str]:
    """Yield the lines of a report; `roles` are those that were simulated."""
    heading = escaped(title) + (f" (*{label(roles)}*)" if roles else "")
    yield f"# {heading}\n"
    if roles:
        yield (
            f"> *{label(roles).capitalize()}*: played by a script or simulation, not by a real "
            "model. These numbers show that the machinery works; they say nothing about real "
            "models.\n"
        )
    for section in sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    yield f"## {escaped(section.title)}\n"
    if section.header:
        yield _row(map(escaped, section.header))
        yield _row("---" if at == 0 else "---:" for at, _ in enumerate(section.header))
    for first, *rest in section.rows:
        yield _row([escaped(first), *map(code if first == "command" else escaped, rest)])
    yield ""
    for note in section.notes:
        yield f"{escaped(note)}\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
