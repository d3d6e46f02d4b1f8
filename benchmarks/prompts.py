"""What a change of the prompt is worth: two versions over the same proposals, paired.

    sidecritic replay CHATS --critic llm:openai:MODEL --record tape-4 --out prompt-4.jsonl
    # change the prompt, raise PROMPT_VERSION, and again with --record tape-5 --out prompt-5.jsonl
    python -m benchmarks.prompts prompt-4.jsonl prompt-5.jsonl --on CHATS [--labels FILE]

Each version has a cassette of its own, since it sends other requests: `--cassette tape-4` on its
commit gives `prompt-4.jsonl` again without a model. Two ways to ask, or two models, compare alike.
Intervals resample tasks, the same for both. Proposals that one of them failed on are left out and
counted. The exit code is 1 when the new version is worse: the whole interval of the difference of
AUROC, or of the share of right verdicts, lies below 0.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.recorded import JudgedProposal, ProposalKey, ReadersLabels, Recorded
from sidecritic.recordings import Operator
from sidecritic.replay.lines import aligned, read_lines
from sidecritic.scoring import paired
from sidecritic.scoring.paired import CriticVerdict, Difference, PairedCase
from sidecritic.scoring.replays import KnownProposal, known_proposals
from sidecritic.scoring.verdicts import refused
from sidecritic.types import Record
from sidecritic.workflows.replay import imported_from, labels_at, operator_of, with_labels
from sidecritic.workflows.watchers import SILENT


class Flips(Record):
    """Verdicts that changed, at the critics' own thresholds."""

    mended: int
    """Wrong before, and right now."""
    spoilt: int
    unchanged: int

    @property
    def said(self) -> str:
        return f"{self.mended} mended, {self.spoilt} spoilt, {self.unchanged} as before"


class Change(Record):
    """A prompt, and the one before it, over the same proposals."""

    old: str
    """Critic and version."""
    new: str
    simulated: tuple[str, ...] = ()
    n: int
    wrong: int
    left_out: int
    """Proposals of known truth that one of the two did not judge."""
    auroc: Difference
    """Not measured without right and wrong proposals."""
    right: Difference
    """Share of right verdicts: wrong proposals refused, right ones approved."""
    on_wrong: Flips
    on_right: Flips

    @property
    def is_worse(self) -> bool:
        """Whether the new one loses, beyond chance."""
        return any(
            each.difference.ci is not None and each.difference.ci[1] < 0
            for each in (self.auroc, self.right)
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """The runs whose proposals were judged, as `replay` takes them."""

    files: tuple[Path, ...]
    labels: Path | None = None
    operator: Operator = field(default_factory=lambda: operator_of(None, None))


def change(old: Path, new: Path, asked: Asked) -> Change:
    """Return what the new judgements are worth beside the old ones.

    Raises:
        ConfigError: a file cannot be read, or the two have no labelled proposal in common.
    """
    given = labels_at(asked.labels, asked.files, SILENT)
    imported = imported_from(asked.files, SILENT, operator=asked.operator)
    runs = with_labels(imported, given, SILENT).runs
    before, after = (aligned(read_lines(file), runs) for file in (old, new))
    olds, news = (_known(runs, lines, given.readers) for lines in (before, after))
    both = sorted(olds.keys() & news.keys())
    if not both:
        raise ConfigError(
            f"{old} and {new} judge no proposal of known truth in common; replay the same files "
            "with both, and give these with --on"
        )
    cases = [_case(olds[key], news[key]) for key in both]
    wrong = [case for case in cases if case.wrong]
    right = [case for case in cases if not case.wrong]
    return Change(
        old=_name(before),
        new=_name(after),
        simulated=tuple(sorted({role for key in both for role in olds[key].simulated})),
        n=len(cases),
        wrong=len(wrong),
        left_out=len(olds.keys() ^ news.keys()),
        auroc=paired.auroc(cases) if wrong and right else Difference(),
        # Whether a verdict is right is a share of cases, as a refusal is.
        right=paired.refused([_rightness(case) for case in cases]),
        on_wrong=_flips(wrong),
        on_right=_flips(right),
    )


_Key = tuple[ProposalKey, str, str, int]
"""Proposal, kind and tool, and which of those in one turn."""


def _known(
    runs: Sequence[Recorded], lines: Sequence[JudgedProposal], readers: ReadersLabels | None
) -> dict[_Key, KnownProposal]:
    seen: Counter[tuple[ProposalKey, str, str]] = Counter()
    found: dict[_Key, KnownProposal] = {}
    for each in known_proposals(runs, lines, readers):
        place = (each.line.key, each.kind, each.tool)
        found[(*place, seen[place])] = each
        seen[place] += 1
    return found


def _case(old: KnownProposal, new: KnownProposal) -> PairedCase:
    return PairedCase(
        f"{old.line.env}/{old.line.task_id}",
        bool(old.example.wrong),
        CriticVerdict(old.example.score, refused(old.line)),
        CriticVerdict(new.example.score, refused(new.line)),
    )


def _rightness(case: PairedCase) -> PairedCase:
    old, new = (
        CriticVerdict(each.risk, each.refused == case.wrong) for each in (case.old, case.new)
    )
    return PairedCase(case.task, case.wrong, old, new)


def _flips(cases: Sequence[PairedCase]) -> Flips:
    changed = [case for case in cases if case.old.refused != case.new.refused]
    mended = sum(case.new.refused == case.wrong for case in changed)
    return Flips(mended=mended, spoilt=len(changed) - mended, unchanged=len(cases) - len(changed))


def _name(lines: Sequence[JudgedProposal]) -> str:
    return ", ".join(sorted({f"{each.critic} {each.critic_version}".strip() for each in lines}))


def shown(found: Change) -> Iterator[str]:
    """Yield the report, a line at a time."""
    yield f"old: {found.old}"
    yield f"new: {found.new}"
    if found.simulated:
        yield f"simulated: {', '.join(found.simulated)}"
    yield f"proposals: {found.n}, of them wrong {found.wrong}; left out {found.left_out}"
    for name, each in (("AUROC", found.auroc), ("right verdicts", found.right)):
        if each.difference.value is None:
            yield f"{name}: too few"
        else:
            yield f"{name}: {each.old.value:.3f} -> {each.new.value:.3f}, {each.said}"
    yield f"of the wrong ones: {found.on_wrong.said}"
    yield f"of the right ones: {found.on_right.said}"


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--on", type=Path, nargs="+", required=True, help="runs or chat logs")
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--tools", type=Path)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args(words)
    try:
        asked = Asked(tuple(said.on), said.labels, operator_of(said.policy, said.tools))
        found = change(said.old, said.new, asked)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    text = found.model_dump_json(indent=1) if said.json else "\n".join(shown(found))
    sys.stdout.write(f"{text}\n")
    return int(found.is_worse)


if __name__ == "__main__":
    raise SystemExit(main())
