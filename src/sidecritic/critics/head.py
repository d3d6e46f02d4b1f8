"""A small learned critic over the flags of a policy pack.

    logit(risk) = intercept + offset of the tool + norm of the weights of the objections

It knows domain, kind of action, name of the tool, and which checks fired; no ids, no names, no
words. Weights are at least 0, so a flag never means the opposite of what its check says.
"""

from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple

from sidecritic.checks.base import Finding, Pack
from sidecritic.critics.base import THRESHOLD
from sidecritic.critics.head_weights import Cell, HeadKind, HeadWeights
from sidecritic.critics.policy import noisy_or, rationale, revision
from sidecritic.errors import CriticError, boundary
from sidecritic.handover import hand_overs
from sidecritic.types import Approve, Assistant, Flag, Judgement, Proposal, ToolSpec, Usage

_APPROVED = Approve.of_parts(kind="approve")
_NO_USAGE = Usage.of_parts(input_tokens=0, output_tokens=0, cached_tokens=0, cost_usd=None)

PROVEN = 0.8
"""Prior risk from which an objection to a call stands by itself."""


class Part(NamedTuple):
    """What of an action is judged by itself: a call that may write, or a message."""

    call_id: str | None
    kind: HeadKind
    tool: str
    """Empty for a message."""


def parts_of(
    action: Assistant, reads: frozenset[str], handing: frozenset[str] | None = None
) -> tuple[Part, ...]:
    """Return the parts of an action; calls of the tools that only read are none.

    Without `handing`, the names of calls tell which of them hand over to a person.
    """
    if not action.calls:
        return (Part(None, "final", ""),)
    if handing is None:
        handing = hand_overs((), (call.name for call in action.calls))
    return tuple(
        Part(call.id, "final" if call.name in handing else "write", call.name)
        for call in action.calls
        if call.name in handing or call.name not in reads
    )


def reads_of(tools: Iterable[ToolSpec]) -> frozenset[str]:
    """Return the names of the tools that only read."""
    return frozenset(tool.name for tool in tools if tool.effect == "read")


def flags_of(part: Part, flags: Iterable[Flag]) -> dict[str, Flag]:
    """Return the flags against a part; of several of one name the one of highest risk."""
    mine = (flag for flag in flags if flag.call_id == part.call_id and flag.sign > 0)
    return {flag.name: flag for flag in sorted(mine, key=lambda flag: flag.risk)}


def risks_of(
    weights: HeadWeights, domain: str, parts: Iterable[Part], flags: Sequence[Flag]
) -> dict[str | None, float]:
    """Return the risk of each part by the id of its call."""
    return {
        part.call_id: weights.cell(domain, part.kind).risk(part.tool, flags_of(part, flags))
        for part in parts
    }


def risk_of_action(risks: Mapping[str | None, float]) -> float:
    """Return the highest risk of its parts; an action that only reads has none.

    The highest, as the parts of a message share their talk and thus their mistakes: to take
    them for independent would suspect every long batch.
    """
    return max(risks.values(), default=0.0)


def call_risks(risks: Mapping[str | None, float]) -> dict[str, float]:
    """Return the risks of calls by id where there are several."""
    several = len(risks) > 1
    return {id_: risk for id_, risk in risks.items() if several and id_ is not None}


class HeadCritic:
    """Send back what objections make likely to be wrong, by what was learned about them.

    An action without an objection is never refused, however risky its tool is: there would be
    nothing to say to the actor.
    """

    def __init__(
        self,
        pack: Pack,
        weights: HeadWeights,
        *,
        threshold: float | None = THRESHOLD,
        name: str = "head",
    ) -> None:
        """Use one threshold, or with `None` those of the weights, by domain and kind."""
        self._pack = pack
        self._weights = weights
        self._threshold = threshold
        self.name = name

    @property
    def version(self) -> str:
        """Digest of the weights."""
        return self._weights.digest

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return `Revise` with the objections to the parts that are too risky, weightiest first.

        Raises:
            CriticError: the proposal could not be read. A check that fails costs itself only.
        """
        started = perf_counter()
        with boundary(CriticError, f"checks of {self._pack.name!r}"):
            findings = await self._pack.examined(proposal)
        reads = reads_of(proposal.tools) | self._pack.generic_tools
        called = (call.name for call in proposal.action.calls)
        handing = self._pack.hand_overs or hand_overs(proposal.tools, called)
        parts = parts_of(proposal.action, reads, handing)
        flags = tuple([finding.flag for finding in findings])
        risks = risks_of(self._weights, self._pack.name, parts, flags)
        cells = {part.call_id: self._weights.cell(self._pack.name, part.kind) for part in parts}
        against = _by_weight(findings, cells)
        refused = [f for f in against if risks[f.call_id] >= self._limit(cells[f.call_id])]
        refused = refused or _wrong_in_itself(parts, findings)
        return Judgement.of_parts(
            verdict=revision(refused) if refused else _APPROVED,
            critic=self.name,
            status="ok",
            risk=risk_of_action(risks),
            call_risks=call_risks(risks),
            threshold=min((self._limit(cell) for cell in cells.values()), default=None),
            calibrated=False,
            category=refused[0].check if refused else "",
            policy_ref=refused[0].policy if refused else "",
            rationale=rationale(against),
            flags=flags,
            usage=_NO_USAGE,
            seconds=perf_counter() - started,
        )

    def _limit(self, cell: Cell) -> float:
        return cell.threshold if self._threshold is None else self._threshold


def _wrong_in_itself(parts: Iterable[Part], findings: Sequence[Finding]) -> list[Finding]:
    """Return what makes an action wrong whatever was learned.

    What was learned about farewells and transfers is whether the *run* fails. A false claim is
    to be taken back in a run that succeeds too, so the checks' own verdict stands beside it. Of
    calls it is what records prove: that a booking leads elsewhere is not made good by its price.
    """
    kinds = {part.call_id: part.kind for part in parts}
    proven = [f for f in findings if kinds.get(f.call_id) == "write" and f.risk >= PROVEN]
    finals = [f for f in findings if kinds.get(f.call_id) == "final"]
    return proven + (finals if noisy_or(f.risk for f in finals) >= THRESHOLD else [])


def _by_weight(
    findings: Iterable[Finding], cells: Mapping[str | None, Cell]
) -> tuple[Finding, ...]:
    """Return what speaks against a part that is judged, weightiest first.

    What training gave no weight to is no objection: actions were as often right with it.
    """
    weighed = [(cells[f.call_id].weight(f.flag), f) for f in findings if f.call_id in cells]
    weighed.sort(key=lambda each: (-each[0], -each[1].risk))
    return tuple(finding for weight, finding in weighed if weight > 0)
