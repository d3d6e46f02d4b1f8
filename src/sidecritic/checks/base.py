"""What a policy check is, and how checks are bundled.

A check enforces one sentence of a policy. It sees a `Case`, or `Facts` where words are checked:
what the proposal holds, and what the pack looked up. It answers with an `Objection`, with
`Support`, or with `None`.
A `Pack` runs the checks of one domain over an action and returns what fired, strongest first.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from types import ModuleType
from typing import Literal, Protocol, assert_never, cast

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import Wants, informed
from sidecritic.english.lexicon import Synonyms
from sidecritic.types import Flag, Proposal, ToolCall


@dataclass(frozen=True, slots=True)
class Objection:
    """What one check holds against an action."""

    feedback: str
    """Says what is wrong and what would be right, to the actor."""
    evidence: str = ""
    """The words or values that it rests on, for a person who reads the log."""
    risk: float | None = None
    """Overrides the risk of the check where this case is surer, or less sure, than usual."""
    messages: tuple[int, ...] = ()
    """Positions of the messages that it rests on, in the history of the proposal."""
    counts: float = 1.0
    """How much of the risk counts where nothing has been learned, as an exponent of 1 - risk.

    A hint that fires on many right actions too has a risk that is not much above their base
    rate, and several hints must not add up to a refusal as several reasons do.
    """


@dataclass(frozen=True, slots=True)
class Support:
    """What speaks for an action: it lowers the risk of a learned head, and refuses nothing."""

    evidence: str = ""
    messages: tuple[int, ...] = ()
    risk: float = 0.0
    """How often an action is wrong all the same, where that is well below the usual; 0 says
    nothing of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An objection with its check, and with the call it is about."""

    check: str
    risk: float
    feedback: str
    policy: str
    call_id: str | None
    evidence: str = ""
    sign: Literal[1, -1] = 1
    """-1 when it speaks for the action; its risk is then 0 and its feedback empty."""
    messages: tuple[int, ...] = ()
    case: str = ""
    """Which case of the check, where it tells surer from less sure ones."""
    prior: float | None = None
    """Its whole risk, for a learned head, where not all of it counts here."""

    @property
    def flag(self) -> Flag:
        """The same as a record for the log."""
        return Flag(
            name=f"{self.check}, {self.case}" if self.case else self.check,
            sign=self.sign,
            risk=self.risk if self.prior is None else self.prior,
            call_id=self.call_id,
            evidence=self.evidence,
            messages=self.messages,
        )


Answer = Objection | Support | None
ExamineCall = Callable[[Case], Answer]
ExamineFacts = Callable[[Facts, ToolCall], Answer]
"""How checks of a call were written before there was a `Case`; both forms are good."""
ExamineText = Callable[[Facts, str], Answer]
Condition = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class CallCheck:
    """A check of one proposed call."""

    name: str
    policy: str
    """The sentence of the policy that it enforces."""
    risk: float
    """How likely the action is wrong when only this check fires: its prior precision."""
    examine: ExamineCall
    tools: tuple[str, ...] = ()
    """Names of the tools it applies to; empty for every tool that may write."""
    hand_overs: bool = False
    """Whether it applies to hand-overs instead."""

    def covers(self, facts: Facts, call: ToolCall) -> bool:
        """Whether the check applies to this call."""
        if self.hand_overs:
            return call.name in facts.hand_overs
        return call.name in self.tools if self.tools else facts.may_write(call.name)


@dataclass(frozen=True, slots=True)
class TextCheck:
    """A check of a message to the user."""

    name: str
    policy: str
    risk: float
    examine: ExamineText
    when: Condition | None = None
    """What must hold for it to be asked at all; told once for all checks that share it."""


@dataclass(frozen=True, slots=True)
class EndCheck:
    """A check of the end of a conversation, whether by words or by a hand-over."""

    call: CallCheck
    text: TextCheck


Check = CallCheck | TextCheck | EndCheck
Source = ModuleType | Mapping[str, object] | Check
"""Where a pack finds checks: a module, the `vars()` of one, or a single check."""


def call_check(
    name: str, *, policy: str, risk: float, tools: Sequence[str] = (), hand_overs: bool = False
) -> Callable[[ExamineCall | ExamineFacts], CallCheck]:
    """Return a decorator that makes a check of a function that looks at one call.

    The function takes a `Case`, or the `Facts` and the `ToolCall` of one.
    """

    def make(examine: ExamineCall | ExamineFacts) -> CallCheck:
        return CallCheck(name, policy, risk, _of_a_case(examine), tuple(tools), hand_overs)

    return make


def _of_a_case(examine: ExamineCall | ExamineFacts) -> ExamineCall:
    if len(signature(examine).parameters) == 1:
        return cast(ExamineCall, examine)
    of_facts = cast(ExamineFacts, examine)
    return lambda case: of_facts(case.facts, case.call)


def text_check(name: str, *, policy: str, risk: float) -> Callable[[ExamineText], TextCheck]:
    """Return a decorator that makes a check of a function that looks at a message."""

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
    hand_overs: frozenset[str] = field(default=frozenset[str]())
    """Tools that give the conversation to a person; empty: those whose names or descriptions
    say so (`handover.py`)."""
    wants: Wants | None = None
    """What is worth looking up before judging, where the proposal allows it."""
    synonyms: Synonyms = ()
    """What users call the things in the names of tools and records, in the singular."""

    @classmethod
    def of(
        cls,
        name: str,
        *sources: Source,
        generic_tools: Collection[str] = (),
        hand_overs: Collection[str] = (),
        wants: Wants | None = None,
        synonyms: Synonyms = (),
    ) -> "Pack":
        """Return a pack of all checks that the sources hold, in the order of their definition."""
        checks = dict.fromkeys(check for source in sources for check in _checks_in(source))
        return cls(
            name,
            calls=tuple(check for check in checks if isinstance(check, CallCheck)),
            texts=tuple(check for check in checks if isinstance(check, TextCheck)),
            generic_tools=frozenset(generic_tools),
            hand_overs=frozenset(hand_overs),
            wants=wants,
            synonyms=synonyms,
        )

    def findings(self, proposal: Proposal) -> tuple[Finding, ...]:
        """Return what fires without looking anything up, strongest first."""
        return self._fired(self._facts(proposal))

    async def examined(self, proposal: Proposal) -> tuple[Finding, ...]:
        """Return what fires after looking up what the pack wants to know, strongest first."""
        facts = self._facts(proposal)
        if self.wants is not None and proposal.look is not None:
            facts = await informed(facts, self.wants, proposal.look)
        return self._fired(facts)

    def _facts(self, proposal: Proposal) -> Facts:
        return Facts.of(
            proposal,
            harmless=self.generic_tools,
            hand_overs=self.hand_overs,
            synonyms=self.synonyms,
        )

    def _fired(self, facts: Facts) -> tuple[Finding, ...]:
        fired = [*self._call_findings(facts), *self._text_findings(facts)]
        return tuple(sorted(fired, key=lambda finding: -finding.risk))

    def _call_findings(self, facts: Facts) -> Iterator[Finding]:
        for call in facts.proposed:
            case = Case(facts, call)
            for check in self.calls:
                if check.covers(facts, call):
                    yield from _findings(check, check.examine(case), call.id)

    def _text_findings(self, facts: Facts) -> Iterator[Finding]:
        if facts.proposed and not facts.draft:
            return
        # Dozens of checks share one condition: it is asked for once, not once for each of them.
        unmet = {when for when in self._conditions() if not facts.once(when)}
        for check in self.texts:
            if check.when not in unmet:
                yield from _findings(check, check.examine(facts, facts.draft), None)

    def _conditions(self) -> set[Condition]:
        return {check.when for check in self.texts if check.when is not None}


class Examiner(Protocol):
    """What a critic or a person is shown evidence by, such as a `Pack`."""

    async def examined(self, proposal: Proposal) -> Sequence[Finding]:
        """Return what fires after looking up what it wants to know, strongest first."""
        ...


def _checks_in(source: Source) -> Iterator[CallCheck | TextCheck]:
    match source:
        case CallCheck() | TextCheck():
            yield source
        case EndCheck(call=call, text=text):
            yield from (call, text)
        case ModuleType():
            yield from _checks_in(vars(source))
        case Mapping():
            for value in source.values():
                if isinstance(value, CallCheck | TextCheck | EndCheck):
                    yield from _checks_in(value)


def _findings(
    check: CallCheck | TextCheck, answer: Answer, call_id: str | None
) -> Iterator[Finding]:
    match answer:
        case None:
            return
        case Support(evidence=evidence, messages=messages, risk=risk):
            blank = Finding(check.name, 0.0, "", check.policy, call_id)
            yield replace(blank, evidence=evidence, sign=-1, messages=messages, prior=risk)
        case Objection(feedback=feedback, risk=risk, counts=counts):
            prior = check.risk if risk is None else risk
            yield Finding(
                check=check.name,
                risk=prior if counts == 1.0 else 1.0 - (1.0 - prior) ** counts,
                prior=prior,
                feedback=feedback,
                policy=check.policy,
                call_id=call_id,
                evidence=answer.evidence,
                messages=answer.messages,
                case="" if risk is None else f"case {risk:.2f}",
            )
        case _ as other:
            assert_never(other)
