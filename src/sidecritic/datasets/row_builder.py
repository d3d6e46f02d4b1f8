"""Rows from a labelled proposal: the chat that asks a critic, and the answer."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from sidecritic.critics.compact import Rendering
from sidecritic.critics.prompt import APPROVE, REFUSE, prompt_of, reasons_chat
from sidecritic.datasets.candidates import Candidate
from sidecritic.datasets.rows import FeedbackRow, PreferenceRow, Row, Said, StepsRow, VerdictRow
from sidecritic.errors import ConfigError
from sidecritic.labelling.logged import LoggedProposal
from sidecritic.splits.assignment import Split
from sidecritic.types import Assistant, Flag, Message, System, ToolResult, User


@dataclass(frozen=True, slots=True)
class ChosenRow:
    """A candidate that is part of the data set, with its proposal."""

    candidate: Candidate
    place: LoggedProposal
    split: Split
    flags: tuple[Flag, ...] = ()


def rows_of(chosen: ChosenRow, rendering: Rendering) -> Iterator[tuple[str, Row]]:
    """Yield the rows of one proposal, each with the configuration that it belongs to."""
    candidate, proposal = chosen.candidate, chosen.place.proposal
    common: dict[str, Any] = {
        "weight": candidate.weight,
        "split": chosen.split,
        "provenance": candidate.provenance,
    }
    asked = said(rendering.messages(proposal, chosen.flags))
    wrong = candidate.label.wrong
    verdict, opposite = map(_answer, (REFUSE, APPROVE) if wrong else (APPROVE, REFUSE))
    yield (
        "verdict",
        VerdictRow(id=candidate.id, prompt=asked, completion=verdict, wrong=wrong, **common),
    )
    pair = {"prompt": asked, "chosen": verdict, "rejected": opposite, "about": "verdict"}
    yield "preference", PreferenceRow(id=candidate.id, **pair, **common)
    label = candidate.label
    if not label.feedback:
        return
    why = said(reasons_chat(prompt_of(proposal)))
    helped = _answer(_reasons(candidate, label.feedback))
    yield "feedback", FeedbackRow(id=candidate.id, prompt=why, completion=helped, **common)
    for number, other in enumerate(label.unhelpful):
        worse = _answer(_reasons(candidate, other))
        pair = {"prompt": why, "chosen": helped, "rejected": worse, "about": "feedback"}
        yield "preference", PreferenceRow(id=f"{candidate.id}-{number}", **pair, **common)


_AUTHORITY = frozenset({"missing_confirmation", "forbidden_write", "extra_write"})
_OMISSIONS = frozenset({"omitted_write", "omission", "not told"})


def _reasons(candidate: Candidate, feedback: str) -> str:
    """Fill in the form of `prompt.reasons_chat`."""
    category = candidate.label.category
    fault = "authority" if category in _AUTHORITY else "correctness"
    form: dict[str, JsonValue] = {
        "fault": "omission" if category in _OMISSIONS else fault,
        "reason": category or "the action is wrong",
        "policy_ref": "",
        "feedback": feedback,
        "calls": [],
    }
    return json.dumps(form, ensure_ascii=False)


def steps_of(chosen: Sequence[ChosenRow]) -> StepsRow:
    """Return the labelled actions of one trajectory as steps; they are in order."""
    first, last = chosen[0], chosen[-1]
    completions: list[str] = []
    seen = 0
    for each in chosen:
        history = each.place.proposal.history
        completions.append("\n".join(map(_told, (*history[seen:], each.place.proposal.action))))
        seen = len(history) + each.place.executed
    return StepsRow(
        id=last.candidate.key.trajectory,
        prompt=first.place.proposal.policy,
        completions=tuple(completions),
        labels=tuple(not each.candidate.label.wrong for each in chosen),
        split=first.split,
        provenance=first.candidate.provenance,
    )


def said(messages: Iterable[Message]) -> tuple[Said, ...]:
    """Return messages as chat templates take them.

    Raises:
        ConfigError: a rendering made one that no template takes.
    """
    return tuple(map(_plain, messages))


def _plain(message: Message) -> Said:
    if isinstance(message, ToolResult) or (isinstance(message, Assistant) and message.calls):
        raise ConfigError(f"a prompt cannot hold a message of {message.role!r} with calls")
    return Said(role=message.role, content=message.text)


def _answer(text: str) -> tuple[Said, ...]:
    return (Said(role="assistant", content=text),)


def _told(message: Message) -> str:
    match message:
        case Assistant(text=text, calls=calls):
            made = (f"{call.name}({call.raw})" for call in calls)
            return "actor: " + " ".join(filter(None, (text, *made)))
        case ToolResult(name=name, text=text):
            return f"tool {name}: {text}"
        case System(text=text) | User(text=text):
            return f"{message.role}: {text}"
