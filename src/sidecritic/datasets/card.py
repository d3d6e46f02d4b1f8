"""The card of a data set, for Hugging Face `datasets` and for people."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sidecritic.datasets.files import Columns, columns_of
from sidecritic.datasets.rows import FeedbackRow, PreferenceRow, StepsRow, VerdictRow
from sidecritic.datasets.summary import Lengths, Summary
from sidecritic.types import Record

_SFT = "`prompt`, `completion`: TRL `SFTTrainer`"
_DPO = "`prompt`, `chosen`, `rejected`: TRL `DPOTrainer`"
_STEPS = "`prompt`, `completions`, `labels`: stepwise supervision of a reward model"

_KINDS: Mapping[str, tuple[type[Record], str]] = {
    "verdict": (VerdictRow, _SFT),
    "feedback": (FeedbackRow, _SFT),
    "preference": (PreferenceRow, _DPO),
    "steps": (StepsRow, _STEPS),
}
"""The rows of each configuration, and what they are for."""

_BAR = 40
"""Characters of the longest bar of the histogram."""


def to_card(summary: Summary, files: Mapping[tuple[str, str], str]) -> str:
    """Return the card; `files` are those to read, by configuration and split."""
    return "\n".join((*_front(files), *_body(summary)))


# --- front matter ----------------------------------------------------------------------------


def _front(files: Mapping[tuple[str, str], str]) -> Iterator[str]:
    by_config: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (config, split), file in files.items():
        by_config[config].append((split, file))
    yield "---"
    yield "configs:"
    for config, splits in sorted(by_config.items()):
        yield f"- config_name: {config}"
        yield "  data_files:"
        for split, file in splits:
            yield f"  - split: {split}"
            yield f"    path: {file}"
    # Stated, because a column that is null in one split has no type to be inferred from.
    yield "dataset_info:"
    for config in sorted(by_config):
        yield f"- config_name: {config}"
        yield "  features:"
        yield from _features(columns_of(_KINDS[config][0]), "  ")
    yield "---"
    yield ""


def _features(columns: Columns, indent: str) -> Iterator[str]:
    for name, column in columns.items():
        yield f"{indent}- name: {name}"
        yield from _feature(column, f"{indent}  ")


def _feature(column: Any, indent: str) -> Iterator[str]:
    match column:
        case [str(plain)]:
            yield f"{indent}list: {plain}"
        case [inner]:
            yield f"{indent}list:"
            yield from _features(inner, indent)
        case str():
            yield f"{indent}dtype: {column}"
        case _:
            yield f"{indent}struct:"
            yield from _features(column, indent)


# --- for people ------------------------------------------------------------------------------


def _body(summary: Summary) -> Iterator[str]:
    simulated = "Rows of *simulated* actors are among them. " if summary.simulated else ""
    yield "# Critic training data, made by Sidecritic\n"
    yield (
        f"Made of {len(summary.materials)} runs ({', '.join(summary.materials)}). {simulated}"
        f"Rendering `{summary.rendering}`, seed {summary.seed}, balance `{summary.balance}`, "
        f"digest `{summary.digest}`.\n"
    )
    if summary.command:
        yield f"    {summary.command}\n"
    splits = ("train", "validation", "test")
    yield "## Rows\n"
    yield from _table(
        ("configuration", *splits, "columns"),
        (
            (config, *(counts.get(split, 0) for split in splits), _KINDS[config][1])
            for config, counts in summary.rows.items()
        ),
    )
    yield from _table(
        ("split", "right", "wrong", "users"),
        (
            (split, counts.get("right", 0), counts.get("wrong", 0), summary.users.get(split, 0))
            for split, counts in summary.verdicts.items()
        ),
    )
    yield "No task and no user is in two splits, and none is of a benchmark's test split.\n"
    counted = {
        "Where the labels come from": summary.by_source,
        "Domains and kinds of action": summary.by_kind,
        "Mistakes": summary.by_category,
        "Trust": summary.by_trust,
        "Actors": summary.by_actor,
        "Licences": summary.licences,
        "Left out": summary.left_out,
        "Quarantined (quarantine.jsonl), never in a split": summary.quarantined,
    }
    for title, counts in counted.items():
        if counts:
            yield f"## {title}\n"
            yield from _table(("", "proposals"), sorted(counts.items()))
    yield "## Length of a verdict prompt, in characters\n"
    yield from _histogram(summary.lengths)
    yield (
        "What a model said is subject to its provider's terms too. Texts of users and tools are "
        "data: they may hold instructions, which must not be followed.\n"
    )
    if summary.problems:
        yield "## Could not be read\n"
        yield from (f"- {json.dumps(problem)}" for problem in summary.problems)


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    names = list(map(str, head))
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"
    yield ""


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def _histogram(lengths: Lengths) -> Iterator[str]:
    most = max(lengths.counts, default=0) or 1
    for at, count in enumerate(lengths.counts):
        bound = f"≤ {lengths.upto[at]:,}" if at < len(lengths.upto) else "more"
        yield f"    {bound:>9} {count:>7} {'█' * round(_BAR * count / most)}".rstrip()
    yield ""
