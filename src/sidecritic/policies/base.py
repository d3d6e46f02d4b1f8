"""What a policy check is, and how checks are bundled.

A check enforces one sentence of a policy. It sees `Facts`, which hold what the proposal holds
and nothing else, and answers with an `Objection` or with `None`. A `Pack` runs the checks of
one domain over an action and returns what fired, strongest first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sidecritic.policies.facts import Facts
from sidecritic.types import Proposal, ToolCall


@dataclass(frozen=True, slots=True)
class Objection:
    """What one check holds against an action."""

    feedback: str
    """Says what is wrong and what would be right, to the actor."""
    evidence: str = ""
    """The words or values that it rests on, for a person who reads the log."""
    risk: float | None = None
    """Overrides the risk of the check where this case is surer, or less sure, than usual."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An objection with its check, and with the call it is about."""

    check: str
    risk: float
    feedback: str
    policy: str
    call_id: str | None
    evidence: str = ""


ExamineCall = Callable[[Facts, ToolCall], Objection | None]
ExamineText = Callable[[Facts, str], Objection | None]


@dataclass(frozen=True, slots=True)
class CallCheck:
    """A check of one proposed call."""

    name: str
    policy: str
    """The sentence of the policy that it enforces."""
    risk: float
    """How likely the action is wrong when only this check fires: its prior precision."""
    examine: ExamineCall
    tools: frozenset[str] = frozenset()
    """Names of the tools it applies to; empty for every tool that may write."""

    def covers(self, facts: Facts, call: ToolCall) -> bool:
        """Whether the check applies to this call."""
        return call.name in self.tools if self.tools else facts.may_write(call.name)


@dataclass(frozen=True, slots=True)
class TextCheck:
    """A check of a message to the user."""

    name: str
    policy: str
    risk: float
    examine: ExamineText


def call_check(
    name: str, *, policy: str, risk: float, tools: Sequence[str] = ()
) -> Callable[[ExamineCall], CallCheck]:
    """Make a check of a function that looks at one call."""

    def make(examine: ExamineCall) -> CallCheck:
        return CallCheck(name, policy, risk, examine, frozenset(tools))

    return make


def text_check(name: str, *, policy: str, risk: float) -> Callable[[ExamineText], TextCheck]:
    """Make a check of a function that looks at a message to the user."""

    def make(examine: ExamineText) -> TextCheck:
        return TextCheck(name, policy, risk, examine)

    return make


@dataclass(frozen=True, slots=True)
class Pack:
    """The checks of one domain."""

    name: str
    calls: tuple[CallCheck, ...] = ()
    texts: tuple[TextCheck, ...] = ()
    generic_tools: frozenset[str] = field(default=frozenset[str]())
    """Tools that change no record although their effect is not declared as `read`."""

    def findings(self, proposal: Proposal) -> tuple[Finding, ...]:
        """Return what fires, strongest first."""
        facts = Facts.of(proposal, harmless=self.generic_tools)
        fired = [*self._call_findings(facts), *self._text_findings(facts)]
        return tuple(sorted(fired, key=lambda finding: -finding.risk))

    def _call_findings(self, facts: Facts) -> Iterator[Finding]:
        for call in facts.proposed:
            for check in self.calls:
                if check.covers(facts, call):
                    objection = check.examine(facts, call)
                    if objection is not None:
                        yield _finding(check, objection, call.id)

    def _text_findings(self, facts: Facts) -> Iterator[Finding]:
        if facts.proposed or not facts.draft.strip():
            return
        for check in self.texts:
            objection = check.examine(facts, facts.draft)
            if objection is not None:
                yield _finding(check, objection, None)


def _finding(check: CallCheck | TextCheck, objection: Objection, call_id: str | None) -> Finding:
    return Finding(
        check=check.name,
        risk=check.risk if objection.risk is None else objection.risk,
        feedback=objection.feedback,
        policy=check.policy,
        call_id=call_id,
        evidence=objection.evidence,
    )
