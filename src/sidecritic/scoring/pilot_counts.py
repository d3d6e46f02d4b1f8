"""What a pilot counts: decisions of a gateway, pairs of episodes, and replays.

A *case* of a gateway is the first proposal of a turn that the critic judged. A wrong one that was
refused is *repaired* when what the turn sent in its place is labelled right. A right one that was
refused is *spoilt* when what the turn sent is labelled wrong, or nothing of the actor's was sent.
Both are known only where a route enforces. What was sent back to be verified first is counted
apart: it cost a step, and is a refusal only where nothing of the actor's was sent after it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, Field

from sidecritic.errors import ConfigError
from sidecritic.scoring.pilot import (
    JudgedLabels,
    LabelledDecisions,
    PairedEpisodes,
    Rate,
    Sample,
)
from sidecritic.scoring.score import latest
from sidecritic.trace import Trajectory
from sidecritic.types import UNVERIFIED, Proposal, User
from sidecritic.writes import outcome_of


class _Said(BaseModel, extra="ignore", frozen=True):
    wrong: bool


class _Content(BaseModel, extra="ignore", frozen=True):
    proposal: Proposal


class DecisionLine(BaseModel, extra="ignore", frozen=True):
    """One line of `decisions export`, as far as a pilot reads it."""

    id: str
    request: str
    choice: int = 0
    attempt: int
    tenant: str = ""
    route: str
    mode: str
    fate: str
    source: str = ""
    verdict: str
    digest: str = ""
    critic: str = ""
    category: str = ""
    label: Literal["right", "wrong", ""] = ""
    as_label: _Said | None = None
    conversation: str = ""
    content: _Content | None = None

    @property
    def is_judged(self) -> bool:
        return self.verdict != "none"

    @property
    def is_refused(self) -> bool:
        return self.verdict not in ("approve", "none")

    @property
    def is_unverified(self) -> bool:
        return self.is_refused and self.category == UNVERIFIED

    @property
    def wrong(self) -> bool | None:
        """What a person said of the action; `None` where nobody did."""
        if self.as_label is not None:
            return self.as_label.wrong
        return self.label == "wrong" if self.label else None

    @property
    def talk(self) -> str:
        """The conversation: by name, by its opening, or the request alone."""
        if self.conversation:
            return self.conversation
        history = self.content.proposal.history if self.content else ()
        opening = next((m.text for m in history if isinstance(m, User)), None)
        if opening is None:
            return self.request
        return sha256(f"{self.tenant}\n{opening}".encode()).hexdigest()


_Turn = Sequence[DecisionLine]
"""The proposals of one turn, in order."""


def decisions_counted(
    lines: Iterable[DecisionLine], *, repair: float, spoil: float
) -> tuple[LabelledDecisions, Sample]:
    """Count labelled decisions; `repair` and `spoil` are assumed where nothing was enforced.

    Raises:
        ConfigError: there is none, or the critic judged none of them.
    """
    turns: dict[tuple[str, int], list[DecisionLine]] = defaultdict(list)
    for line in lines:
        turns[line.request, line.choice].append(line)
    ordered = [sorted(turn, key=lambda each: each.attempt) for turn in turns.values()]
    judged = [turn for turn in ordered if turn[0].is_judged]
    if not judged:
        raise ConfigError(
            "no decision was judged by a critic; let a route run in shadow, then label some: "
            "sidecritic decisions label ID right|wrong"
        )
    labelled = [turn for turn in judged if turn[0].wrong is not None]
    refused = [turn for turn in labelled if _is_refused(turn)]
    enforced = [(turn, _sent(turn)) for turn in refused if turn[0].fate == "withheld"]
    known = [(turn, sent) for turn, sent in enforced if sent is not None]
    evidence = LabelledDecisions(
        refused=_rate(judged, _is_refused),
        wrong_refused=_rate(refused, _is_wrong),
        wrong_approved=_rate([t for t in labelled if not _is_refused(t)], _is_wrong),
        repaired=_or_assumed([(t, s == "right") for t, s in known if _is_wrong(t)], repair),
        spoilt=_or_assumed([(t, s != "right") for t, s in known if not _is_wrong(t)], spoil),
    )
    sample = Sample(
        basis="decisions",
        labels=len(labelled),
        conversations=len({turn[0].talk for turn in labelled}),
        remarks=tuple(_doubts(judged, unknown=len(enforced) - len(known))),
    )
    return evidence, sample


def _is_refused(turn: _Turn) -> bool:
    if turn[0].is_unverified:
        return turn[0].fate == "withheld" and _sent(turn) == "nothing"
    return turn[0].is_refused


def _is_wrong(turn: _Turn) -> bool:
    return bool(turn[0].wrong)


def _sent(turn: _Turn) -> Literal["right", "wrong", "nothing"] | None:
    """Return what the turn sent in the end; `None` where nobody has labelled it."""
    said = {line.digest: line.wrong for line in turn if line.wrong is not None}
    last = turn[-1]
    if last.fate != "released":
        return "nothing"
    wrong = said.get(last.digest) if last.wrong is None else last.wrong
    return None if wrong is None else "wrong" if wrong else "right"


def _rate(turns: Sequence[_Turn], happened: Callable[[_Turn], bool]) -> Rate:
    return Rate(
        n=sum(map(happened, turns)), of=len(turns), conversations=len({t[0].talk for t in turns})
    )


def _or_assumed(cases: Sequence[tuple[_Turn, bool]], assumed: float) -> Rate:
    if not cases:
        return Rate(assumed=assumed)
    talks = {turn[0].talk for turn, _ in cases}
    return Rate(n=sum(met for _, met in cases), of=len(cases), conversations=len(talks))


def _doubts(judged: Sequence[_Turn], *, unknown: int) -> Iterable[str]:
    critics = Counter(turn[0].critic for turn in judged)
    routes = Counter(turn[0].route for turn in judged)
    for what, found in (("critics", critics), ("routes", routes)):
        if len(found) > 1:
            yield f"{len(found)} {what} are pooled: {', '.join(sorted(found))}"
    back = sum(turn[0].is_unverified and not _is_refused(turn) for turn in judged)
    if back:
        yield (
            f"{back} of {len(judged)} first proposals were sent back to be verified first: one "
            "step more each, counted with what was not refused"
        )
    if unknown:
        yield (
            f"{unknown} labelled refusals under enforcement do not count as repaired or spoilt: "
            "nobody has labelled what was sent in their place"
        )
    if not any(turn[0].content or turn[0].conversation for turn in judged):
        yield "without contents every request counts as a conversation of its own"


# --- episodes -------------------------------------------------------------------------------


def episodes_counted(
    alone: Sequence[Trajectory], supervised: Sequence[Trajectory]
) -> tuple[PairedEpisodes, Sample]:
    """Count pairs of the same task and trial, without and with the critic.

    Raises:
        ConfigError: no episode is graded in both.
    """
    before, after = _passed(alone), _passed(supervised)
    keys = sorted(before.keys() & after.keys())
    if not keys:
        raise ConfigError(
            "no episode is graded in both runs; play the same tasks, trials and seed with "
            "--critic none and with the critic"
        )
    failed = [key for key in keys if not before[key]]
    passed = [key for key in keys if before[key]]
    evidence = PairedEpisodes(
        failed=_share_of(keys, failed),
        repaired=_share_of(failed, [key for key in failed if after[key]]),
        spoilt=_share_of(passed, [key for key in passed if not after[key]]),
    )
    roles = {role for each in (*alone, *supervised) for role in each.simulated}
    tasks = len({key[:2] for key in keys})
    sample = Sample(
        basis="runs", labels=len(keys), conversations=tasks, simulated=tuple(sorted(roles))
    )
    return evidence, sample


_Key = tuple[str, str, int]


def _passed(episodes: Sequence[Trajectory]) -> Mapping[_Key, bool]:
    graded = ((each.key, outcome_of(each)) for each in latest(episodes))
    return {key: o.passed for key, o in graded if o is not None and o.passed is not None}


def _share_of(cases: Sequence[_Key], met: Sequence[_Key]) -> Rate:
    # Trials of one task are alike.
    return Rate(n=len(met), of=len(cases), conversations=len({key[:2] for key in cases}))


# --- replays --------------------------------------------------------------------------------


class _Counted(BaseModel, extra="ignore", frozen=True):
    n: int
    of: int


class _Decided(BaseModel, extra="ignore", frozen=True):
    caught: _Counted
    disturbed: _Counted


class _Interference(BaseModel, extra="ignore", frozen=True):
    failed_caught: _Counted
    failed_caught_anywhere: _Counted
    passed_disturbed: _Counted


class ReplayLine(BaseModel, extra="ignore", frozen=True):
    """What `replay --json` printed, as far as a pilot reads it."""

    simulations: int
    critic: str = ""
    decided: dict[str, _Decided] = Field(default_factory=dict[str, _Decided])
    """Of labelled chats: actions."""
    interference: dict[str, _Interference] = Field(default_factory=dict[str, _Interference])
    """Of benchmark runs: whole runs."""


def replay_counted(
    found: ReplayLine, *, repair: float, spoil: float
) -> tuple[JudgedLabels, Sample]:
    """Count what a critic says of labelled chats, or of graded runs.

    Raises:
        ConfigError: nothing of it is labelled.
    """
    decided = found.decided.get("all")
    if decided is not None:
        wrong, caught, right, disturbed = (
            *(decided.caught.of, decided.caught.n),
            *(decided.disturbed.of, decided.disturbed.n),
        )
    else:
        runs = found.interference.get("all")
        if runs is None:
            raise ConfigError("the replay holds no labelled action and no graded run")
        wrong, caught = runs.failed_caught_anywhere.of, runs.failed_caught.n
        right, disturbed = runs.passed_disturbed.of, runs.passed_disturbed.n
    if not wrong + right:
        raise ConfigError("the replay holds no labelled action and no graded run; label some")
    # At most as many conversations as there are simulations; which ones, the sums do not say.
    talks = found.simulations
    evidence = JudgedLabels(
        wrong=Rate(n=wrong, of=wrong + right, conversations=talks),
        caught=Rate(n=caught, of=wrong, conversations=talks),
        disturbed=Rate(n=disturbed, of=right, conversations=talks),
        repaired=Rate(assumed=repair),
        spoilt=Rate(assumed=spoil),
    )
    return evidence, Sample(basis="replay", labels=wrong + right, conversations=talks)
