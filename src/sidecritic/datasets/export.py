"""From labelled runs to the folder of a data set.

Three passes. The first collects what is labelled, without prompts, and decides which rows are
taken and which split each goes into. The second finds prompts that two rows share, as compact
renderings can. The third writes the rows. In memory are the candidates of all runs, a digest of
each prompt, and one run at a time.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from sidecritic.critics.compact import FULL, Rendering
from sidecritic.datasets.balance import Balance, balanced, require_both_classes
from sidecritic.datasets.candidates import Candidate, candidates_of, labelled_places
from sidecritic.datasets.card import to_card
from sidecritic.datasets.files import Shelf, new_folder, require_parquet
from sidecritic.datasets.material import VOUCHED_FILE, Material, Reads
from sidecritic.datasets.repetitions import SIMILAR, without_contradictions, without_duplicates
from sidecritic.datasets.row_builder import ChosenRow, rows_of, steps_of
from sidecritic.datasets.rows import Row, VerdictRow
from sidecritic.datasets.summary import Summary, bin_of, lengths_of
from sidecritic.errors import ConfigError
from sidecritic.splits.assignment import Split, SplitShares, assign, require_no_leak
from sidecritic.splits.held_out import HeldOut, require_none_held_out
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing, Flag

CARD_FILE = "README.md"
DATA_FILE = "data.json"
QUARANTINE_FILE = "quarantine.jsonl"

Flags = Mapping[tuple[int, int], tuple[Flag, ...]]
"""Turn and attempt to what checks notice about that proposal."""

Notices = Callable[[Trajectory, Briefing], Awaitable[Flags]]


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """How a data set is made."""

    rendering: Rendering = FULL
    shares: SplitShares = field(default_factory=SplitShares)
    balance: Balance = "downsample"
    seed: int = 0
    similar: float = SIMILAR
    held_out: HeldOut = field(default_factory=HeldOut)
    drops_held_out: bool = False
    """Whether rows of test tasks and users are left out instead of refused."""
    parquet: bool = True
    notices: Notices | None = None
    command: str = ""


def export(reads: Sequence[Reads], out: Path, wanted: ExportSettings) -> Summary:
    """Write the data set of some labelled runs; the same input and seed give the same files.

    Raises:
        ConfigError: there is nothing to learn from, a row is held out, or the disk is full.
    """
    return asyncio.run(_export(reads, out, wanted))


async def _export(reads: Sequence[Reads], out: Path, wanted: ExportSettings) -> Summary:
    if wanted.parquet:
        require_parquet()
    choice, tally = await _distinct(_choose(reads, wanted), reads, wanted), _Tally()
    places = _places(choice)
    with new_folder(out) as folder:
        with Shelf(folder, parquet=wanted.parquet) as shelf:
            for read in reads:
                async for config, row in _rows(read(), places, wanted):
                    shelf.put(config, row)
                    tally.add(config, row)
        summary = _summary(choice, tally, wanted)
        for name, text in (
            (QUARANTINE_FILE, "".join(map(_quarantined, choice.quarantined))),
            (DATA_FILE, summary.model_dump_json(indent=2) + "\n"),
            (CARD_FILE, to_card(summary, shelf.files)),
        ):
            (folder / name).write_text(text, encoding="utf-8")
    return summary


# --- first pass: what is taken ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Choice:
    rows: list[Candidate]
    splits: dict[str, Split]
    """By id of the row."""
    quarantined: list[Candidate]
    left_out: dict[str, int]
    materials: list[str]
    problems: list[str]


def _choose(reads: Sequence[Reads], wanted: ExportSettings) -> _Choice:
    found: list[Candidate] = []
    materials: list[str] = []
    problems: list[str] = []
    for read in reads:
        material = read()
        materials.append(material.name)
        problems.extend(material.problems)
        found.extend(candidates_of(material))
    quarantined = [row for row in found if row.quarantine]
    rows = [row for row in found if not row.quarantine]
    if not wanted.drops_held_out:
        require_none_held_out((row.provenance for row in rows), wanted.held_out)
    known = [row for row in rows if not wanted.held_out.objection(row.provenance)]
    agreed, contradictory = without_contradictions(known)
    new, duplicates = without_duplicates(agreed, similar=wanted.similar)
    splits = assign({row.id: row.provenance for row in new}, wanted.shares, wanted.seed)
    require_no_leak((splits[row.id], row.provenance) for row in new)
    left_out = {
        "quarantined": len(quarantined),
        "of a test split": len(rows) - len(known),
        "contradicts another": contradictory,
        "near-duplicate": duplicates,
    }
    train = [row for row in new if splits[row.id] == "train"]
    if not rows and quarantined:
        why = ", ".join(sorted({row.quarantine for row in quarantined}))
        raise ConfigError(
            f"no rows at all: all {len(quarantined)} are quarantined ({why}). Look at them, and "
            f"list what may be learned from in {VOUCHED_FILE} beside the run, or * for all of it; "
            "what is hostile stays out"
        )
    require_both_classes(train, left_out)
    kept = balanced(train, wanted.balance, wanted.seed)
    left_out["balance of classes"] = len(train) - len(kept)
    taken = kept + [row for row in new if splits[row.id] != "train"]
    return _Choice(taken, splits, quarantined, left_out, materials, problems)


# --- second pass: prompts --------------------------------------------------------------------


async def _distinct(choice: _Choice, reads: Sequence[Reads], wanted: ExportSettings) -> _Choice:
    """Return the choice without rows whose prompt stands there with the other label.

    Raises:
        ConfigError: one class is left without a row to train on.
    """
    prompts: dict[str, bytes] = {}
    places = _places(choice)
    for read in reads:
        async for config, row in _rows(read(), places, wanted):
            if config == "verdict" and isinstance(row, VerdictRow):
                said = "\n".join(message.content for message in row.prompt)
                prompts[row.id] = sha256(said.encode()).digest()
    kept, away = without_contradictions(
        choice.rows, lambda row: prompts.get(row.id, row.id.encode())
    )
    left_out = {**choice.left_out, "same prompt, other label": away}
    require_both_classes([row for row in kept if choice.splits[row.id] == "train"], left_out)
    return replace(choice, rows=kept, left_out=left_out)


# --- third pass: rows -----------------------------------------------------------------------


_Places = Mapping[tuple[str, str], Mapping[tuple[int, int], tuple[Candidate, Split]]]
"""Names of material and trajectory to what is taken of it, by turn and attempt."""


def _places(choice: _Choice) -> _Places:
    found: dict[tuple[str, str], dict[tuple[int, int], tuple[Candidate, Split]]] = defaultdict(dict)
    for row in choice.rows:
        own = found[row.provenance.run, row.key.trajectory]
        own[row.key.turn, row.key.attempt] = (row, choice.splits[row.id])
    return found


async def _rows(
    material: Material, places: _Places, wanted: ExportSettings
) -> AsyncIterator[tuple[str, Row]]:
    for trajectory in material.trajectories:
        own = places.get((material.name, trajectory.id))
        if not own:
            continue
        briefing, notices = material.briefings[trajectory.id], wanted.notices
        flags: Flags = await notices(trajectory, briefing) if notices else {}
        chosen: list[ChosenRow] = []
        for place in labelled_places(material, trajectory, own):
            at = (place.proposal.turn, place.proposal.attempt)
            candidate, split = own[at]
            chosen.append(ChosenRow(candidate, place, split, flags.get(at, ())))
        for each in chosen:
            for row in rows_of(each, wanted.rendering):
                yield row
        if steps := [each for each in chosen if not each.place.proposal.attempt]:
            yield "steps", steps_of(steps)


def _quarantined(row: Candidate) -> str:
    line = {
        "id": row.id,
        "why": row.quarantine,
        "wrong": row.label.wrong,
        "provenance": row.provenance.model_dump(mode="json"),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


# --- counting --------------------------------------------------------------------------------


class _Tally:
    def __init__(self) -> None:
        self.rows: dict[str, Counter[str]] = defaultdict(Counter[str])
        self.lengths = Counter[int]()
        self._digest = sha256()

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()[:16]

    def add(self, config: str, row: Row) -> None:
        self.rows[config][row.split] += 1
        self._digest.update(f"{config}\n{row.model_dump_json()}\n".encode())
        if isinstance(row, VerdictRow):
            self.lengths[bin_of(sum(len(said.content) for said in row.prompt))] += 1


def _summary(choice: _Choice, tally: _Tally, wanted: ExportSettings) -> Summary:
    rows = choice.rows
    verdicts: dict[str, Counter[str]] = defaultdict(Counter[str])
    users: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        verdicts[choice.splits[row.id]]["wrong" if row.label.wrong else "right"] += 1
        users[choice.splits[row.id]].add((row.domain, row.provenance.user_id))
    return Summary(
        command=wanted.command,
        rendering=wanted.rendering.name,
        seed=wanted.seed,
        balance=wanted.balance,
        simulated=any(row.provenance.trust == "simulated" for row in rows),
        materials=tuple(choice.materials),
        rows={config: dict(counts) for config, counts in sorted(tally.rows.items())},
        verdicts={split: dict(counts) for split, counts in sorted(verdicts.items())},
        by_source=dict(Counter(row.label.source for row in rows)),
        by_kind=dict(Counter(f"{row.domain} {row.kind}" for row in rows)),
        by_category=dict(Counter(r.label.category or "none" for r in rows if r.label.wrong)),
        by_trust=dict(Counter(row.provenance.trust for row in rows)),
        by_actor=dict(Counter(row.provenance.actor for row in rows)),
        licences=dict(Counter(row.provenance.licence for row in rows)),
        users={split: len(names) for split, names in sorted(users.items())},
        left_out={why: number for why, number in choice.left_out.items() if number},
        quarantined=dict(Counter(row.quarantine for row in choice.quarantined)),
        lengths=lengths_of(tally.lengths),
        digest=tally.digest,
        problems=tuple(choice.problems),
    )
