"""What a policy check is, and how checks are bundled.

A check enforces one sentence of a policy. It sees a `Case`, or `Facts` where words are checked:
what the proposal holds, and what the pack looked up. It answers with an `Objection` or `None`.
A `Pack` runs the checks of one domain over an action and returns what fired, strongest first.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from types import ModuleType
from typing import Protocol, TypeVar, cast

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts, size_of
from sidecritic.checks.looking import Wants, failure, informed
from sidecritic.checks.quotes import stands_in
from sidecritic.checks.terms import Unstated
from sidecritic.checks.thread import CHECKS
from sidecritic.english.lexicon import Synonyms
from sidecritic.errors import CriticError, SidecriticError, boundary
from sidecritic.types import Flag, Proposal, ToolCall

MOST_INLINE = 20_000
"""Characters of a proposal that are read on the event loop: a few milliseconds."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


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
    graded: bool = False
    """Whether the risk is a score of its own for each case, by which none is told from others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An objection with its check, and with the call it is about.

    Without feedback it is a note: what was not read in full, which check failed with what, or
    could not judge as the policy does not state its number.
    """

    check: str
    risk: float
    feedback: str
    policy: str
    """The sentence of the proposal's policy that is at stake; empty where it has no such one."""
    call_id: str | None
    evidence: str = ""
    messages: tuple[int, ...] = ()
    case: str = ""
    """Which case of the check, where it tells surer from less sure ones."""
    prior: float | None = None
    """Its whole risk, for a learned head, where not all of it counts here."""
    is_founded: bool = True
    """Whether it is exact, or enforces a sentence that the proposal's policy has."""

    @property
    def flag(self) -> Flag:
        """The same as a record for the log."""
        return Flag(
            name=f"{self.check}, {self.case}" if self.case else self.check,
            risk=self.risk if self.prior is None else self.prior,
            call_id=self.call_id,
            evidence=self.evidence,
            messages=self.messages,
        )


Answer = Objection | None
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
    needed = [p for p in signature(examine).parameters.values() if p.default is p.empty]
    if len(needed) == 1:
        return cast(ExamineCall, examine)
    of_facts = cast(ExamineFacts, examine)

    def of_a_case(case: Case) -> Answer:
        return of_facts(case.facts, case.call)

    of_a_case.__module__ = of_facts.__module__
    return of_a_case


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
    is_foreign: bool = field(init=False, compare=False, repr=False)
    """Whether some of it is not of this package."""

    def __post_init__(self) -> None:
        asked = (*(check.examine for check in (*self.calls, *self.texts)), self.wants)
        homes = (getattr(each, "__module__", "") for each in asked if each is not None)
        is_foreign = any(not home.startswith("sidecritic.") for home in homes)
        object.__setattr__(self, "is_foreign", is_foreign)

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

    def over(self, below: "Pack") -> "Pack":
        """Return this pack with the checks of another below it; of two of one name, its own."""
        mine = {check.name for check in (*self.calls, *self.texts)}
        calls = [check for check in below.calls if check.name not in mine]
        texts = [check for check in below.texts if check.name not in mine]
        return replace(self, calls=(*self.calls, *calls), texts=(*self.texts, *texts))

    def findings(self, proposal: Proposal) -> tuple[Finding, ...]:
        """Return what fires without looking anything up, strongest first."""
        return self._fired(self._facts(proposal))

    async def examined(self, proposal: Proposal) -> tuple[Finding, ...]:
        """Return what fires after looking up what the pack wants to know, strongest first.

        Long proposals are read in a thread, so that one tenant's text does not hold up others, and
        so are all where checks are not of this package: one that never returns holds up nobody.
        """
        run = _in_thread if self.is_foreign or size_of(proposal) > MOST_INLINE else _here
        facts = await run(self._facts, proposal)
        if self.wants is not None and proposal.look is not None:
            facts = await informed(facts, self.wants, proposal.look, run)
        return await run(self._fired, facts)

    def _facts(self, proposal: Proposal) -> Facts:
        return Facts.of(
            proposal,
            harmless=self.generic_tools,
            hand_overs=self.hand_overs,
            synonyms=self.synonyms,
        )

    def _fired(self, facts: Facts) -> tuple[Finding, ...]:
        # Nobody is held to a sentence that their policy does not have.
        fired = [
            found
            if not found.policy or stands_in(found.policy, facts.policy)
            else replace(found, policy="", is_founded=False)
            for found in (*self._call_findings(facts), *self._text_findings(facts))
        ]
        fired += [Finding(name, 0.0, "", "", None, what) for name, what in facts.notes]
        return tuple(sorted(fired, key=lambda finding: -finding.risk))

    def _call_findings(self, facts: Facts) -> Iterator[Finding]:
        for call in facts.proposed:
            case = Case(facts, call)
            for check in self.calls:
                if check.covers(facts, call):
                    yield from _findings(check, partial(check.examine, case), call.id)

    def _text_findings(self, facts: Facts) -> Iterator[Finding]:
        if facts.proposed and not facts.draft:
            return
        for check in self.texts:
            yield from _findings(check, partial(_examined, check, facts), None)


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


def objections(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without notes on what was not read, or failed."""
    return tuple(finding for finding in findings if finding.feedback)


async def _here(function: Callable[[_In], _Out], argument: _In) -> _Out:
    return function(argument)


async def _in_thread(function: Callable[[_In], _Out], argument: _In) -> _Out:
    return await CHECKS.run(function, argument)


def _examined(check: TextCheck, facts: Facts) -> Answer:
    # Dozens of checks share one condition: it is asked for once, not once for each of them.
    if check.when is not None and not facts.once(check.when):
        return None
    return check.examine(facts, facts.draft)


def _findings(
    check: CallCheck | TextCheck, examine: Callable[[], Answer], call_id: str | None
) -> Iterator[Finding]:
    try:
        with boundary(CriticError, f"check {check.name!r}"):
            answer = examine()
    except Unstated as unknown:
        yield Finding(f"{check.name} not judged", 0.0, "", check.policy, call_id, str(unknown))
        return
    except SidecriticError as failed:
        # It costs itself and no other check: the log names it.
        name, error = failure(check.name, failed)
        yield Finding(name, 0.0, "", check.policy, call_id, error)
        return
    if answer is None:
        return
    prior = check.risk if answer.risk is None else answer.risk
    yield Finding(
        check=check.name,
        risk=prior if answer.counts == 1.0 else 1.0 - (1.0 - prior) ** answer.counts,
        prior=prior,
        feedback=answer.feedback,
        policy=check.policy,
        call_id=call_id,
        evidence=answer.evidence,
        messages=answer.messages,
        case="" if answer.risk is None or answer.graded else f"case {answer.risk:.2f}",
    )
