"""The feedback that an actor gets on the side with the intervention."""

from collections.abc import Mapping
from types import MappingProxyType

from sidecritic.labelling.logged import LoggedProposal
from sidecritic.types import Fault, Revise

_TRUTH: Mapping[str, str] = MappingProxyType(
    {
        "missing_confirmation": "The user has not confirmed this. Say what you are about to do "
        "and ask for explicit confirmation first.",
        "premature_transfer": "Do not transfer the user to a human: the request can be met. Go on "
        "with it.",
        "extra_write": "The user did not ask for this. Do not do it.",
        "omitted_write": "Something that the user asked for is not done yet. Do it before you say "
        "goodbye.",
        "false_statement": "What you say is not true. Say only what the tools have shown.",
        "forbidden_write": "The policy does not allow this. Do not do it, and say so.",
    }
)


def feedback_on(place: LoggedProposal) -> str:
    """Return what the critic said in the episode, else the truth about a planted fault.

    Empty where neither is known.
    """
    verdict = place.judgement.verdict if place.judgement else None
    if isinstance(verdict, Revise):
        return verdict.feedback
    return true_feedback(place.faults[0]) if place.faults else ""


def true_feedback(fault: Fault) -> str:
    """Return feedback that names a planted fault, as a critic would who has seen all of it."""
    return _TRUTH.get(fault.kind) or f"This is wrong: {fault.note or fault.kind}."
