"""Checks of what the agent states: changes that were never made."""

import re
from collections.abc import Iterator

from sidecritic.checks.base import Objection, text_check
from sidecritic.checks.common import EVIDENCE, NO_INVENTION
from sidecritic.checks.facts import Facts
from sidecritic.english.lexicon import GRANT, INTENTS
from sidecritic.english.listings import ids_in, words_of
from sidecritic.english.scope import ahead
from sidecritic.english.text import mentions
from sidecritic.values import scalars

ANSWER = "Each turn of yours is a message to the user or a call of a tool."

_REPORTED = {
    intent: re.compile("|".join(intent.past)) for intent in (*INTENTS, GRANT) if not intent.feeble
}
_CLAIM = re.compile(
    r"(?:\b(?:has|have|is|are) (?:now |all |both |also ){0,3}(?:been )?"
    r"(?:now |successfully |fully ){0,3}"
    r"|\bi(?:'ve| have)? (?:now |also |just ){0,3}(?:successfully )?)"
    rf"({'|'.join(pattern.pattern for pattern in _REPORTED.values())})\b"
)
_MONEY = re.compile(r"\b(refund|money|amount|difference|payment)\b")
"""What is returned without a return of goods."""


@text_check("claim without a write", policy=NO_INVENTION, risk=0.65)
def false_claim(facts: Facts, draft: str) -> Objection | None:
    """Fire when the agent reports a change that no executed call can have made."""
    for claim, sentence in _claims(draft.lower(), _grants(facts)):
        if not _was_done(facts, claim, sentence):
            return Objection(
                feedback=f"You say that something was {claim}, but no such call has succeeded. "
                "Execute it first, or tell the user what is really the case.",
                evidence=sentence.strip()[:160],
                # Of several writes, one may be what is meant by another word.
                risk=EVIDENCE if facts.writes else None,
            )
    return None


@text_check("nothing said", policy=ANSWER, risk=0.9)
def nothing_said(facts: Facts, draft: str) -> Objection | None:
    """Fire on an empty message."""
    if draft.strip():
        return None
    return Objection("Your message is empty. Answer the user, or call a tool.")


def _claims(lower: str, grants: set[str]) -> Iterator[tuple[str, str]]:
    """Walk over the changes that a text reports as done, each with its sentence."""
    for match in _CLAIM.finditer(lower):
        start = max(lower.rfind(mark, 0, match.start()) for mark in (".", "\n", "!", "?")) + 1
        before = lower[start : match.end() - len(match[1])]
        if ahead(before, len(before)) or (match[1] == "returned" and _MONEY.search(before)):
            continue
        end = min(
            (i for i in (lower.find(m, match.end()) for m in (". ", "\n")) if i > 0),
            default=len(lower),
        )
        sentence = lower[start:end]
        if _REPORTED[GRANT].fullmatch(match[1]) and not any(one in sentence for one in grants):
            continue
        yield match[1], sentence


def _grants(facts: Facts) -> set[str]:
    """Return what users are given that a tool can send: `send_coupon` sends coupons."""
    names = (words_of(tool).split(" ") for tool in facts.tools)
    return {"voucher", "coupon", *(" ".join(rest) for first, *rest in names if first == "send")}


def _was_done(facts: Facts, claim: str, sentence: str) -> bool:
    """Whether an executed call, or a record as it was found, bears a report out."""
    kinds = next(one.tools for one, said in _REPORTED.items() if said.fullmatch(claim))
    # Any write may be what somebody calls a change.
    any_will_do = "update" in kinds
    fitting = [done for done in facts.writes if any_will_do or _kind(done.call.name) in kinds]
    if not fitting:
        return not any_will_do and mentions(facts.shown, claim.replace("canceled", "cancelled"))
    named = {word for word in ids_in(sentence) if word in facts.targets}
    touched = {part.lower() for done in fitting for part in scalars(dict(done.arguments))}
    return not named or bool(named & touched) or _found(facts, named, claim)


def _found(facts: Facts, named: set[str], claim: str) -> bool:
    """Whether a record that was named was in that state when it was looked up."""
    return any(
        claim.replace("canceled", "cancelled") in done.text.lower()
        for done in facts.done
        if any(part.lower() in named for part in scalars(dict(done.arguments)))
    )


def _kind(tool: str) -> str:
    return words_of(tool).split(" ", 1)[0]
