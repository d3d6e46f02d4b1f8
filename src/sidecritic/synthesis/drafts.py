"""The parts of a new task: who calls, what they want, and what a right answer does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action
from sidecritic.types import Task


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that a user wants, and what a right answer to it does."""

    kind: str
    text: str
    """Whole sentences to the user: `You want to cancel order #W1.`"""
    touches: str
    """Id of the record that it is about; wishes of one task are about different records."""
    topic: str = ""
    """What else no two wishes of one task are about."""
    looks: tuple[Action, ...] = ()
    """Look-ups that the answer needs."""
    writes: tuple[Action, ...] = ()
    asides: tuple[str, ...] = ()
    """What the user does when the conversation takes a turn: keeps the outcome unambiguous."""
    tells: tuple[str, ...] = ()
    """Texts that the user must be told."""
    forbidden: Action | None = None
    """What the user asks for and the policy refuses."""
    hands_over: str = ""
    """Summary of the transfer, where the policy wants one."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """How the user says who they are."""

    known: str
    unknown: str = ""
    looks: tuple[Action, ...] = ()
    """How the desk finds them."""


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task that is not verified yet."""

    user: str
    introduction: Introduction
    wishes: tuple[Wish, ...]
    manner: str = ""
    """How the user behaves; never what they want."""
    author: str = "templates"

    @property
    def kind(self) -> str:
        """Names of its kinds of wishes, joined."""
        return " + ".join(wish.kind for wish in self.wishes)

    @property
    def refuses(self) -> bool:
        """Whether a right answer to some wish is to refuse or to hand over."""
        return any(wish.forbidden is not None for wish in self.wishes)

    @property
    def actions(self) -> tuple[Action, ...]:
        """The reference: look-ups before writes, transfers last; no look-up twice."""
        return tuple(_actions(self))

    @property
    def tempted(self) -> "TaskDraft":
        """The same task answered as the user asks, against the policy."""
        wishes = tuple(_yielding(wish) for wish in self.wishes)
        return replace(self, wishes=wishes)


def _actions(draft: TaskDraft) -> Iterator[Action]:
    seen: list[Action] = []
    for look in (*draft.introduction.looks, *(a for wish in draft.wishes for a in wish.looks)):
        if look not in seen:
            seen.append(look)
            yield look
    yield from (write for wish in draft.wishes for write in wish.writes)
    summaries = [wish.hands_over for wish in draft.wishes if wish.hands_over]
    if summaries:
        yield Action(TRANSFER, {"summary": " ".join(summaries)})


TRANSFER = "transfer_to_human_agents"


def _yielding(wish: Wish) -> Wish:
    writes = wish.writes if wish.forbidden is None else (*wish.writes, wish.forbidden)
    return replace(wish, writes=writes, forbidden=None, hands_over="")


Maker = Callable[[str, Random], Wish | None]
"""User id and dice to a wish; `None` when this user cannot have such a one."""


class Domain(Protocol):
    """Where wishes come from."""

    @property
    def users(self) -> Sequence[str]:
        """Ids of all users on record, in a fixed order."""
        ...

    @property
    def makers(self) -> Mapping[str, Maker]:
        """By kind: what can be asked for and done."""
        ...

    @property
    def refusals(self) -> Mapping[str, Maker]:
        """By kind: what is asked for and must be refused."""
        ...

    def introduce(self, user_id: str, rng: Random) -> Introduction: ...

    def dossier(self, user_id: str) -> dict[str, JsonValue]:
        """Return the records that a writer of tasks needs to know about a user."""
        ...

    def introduced(self, user_id: str) -> tuple[Action, ...]:
        """Return how the desk finds a user, for tasks by another author."""
        ...


ACCEPTS = (
    "If the agent says that something is not possible, you accept that. You want nothing else in "
    "its place and no transfer to another agent."
)
"""What every user does about a refusal that is right."""

MANNERS = (
    "You are polite and patient.",
    "You are busy and want to get this done quickly.",
    "You are friendly and brief.",
    "You write short messages, all in lower case.",
    "You are a little nervous and want to be told when it is done.",
    "You are matter-of-fact and answer only what you are asked.",
)


def to_task(draft: TaskDraft, *, id: str, env: str, split: str) -> Task:
    """Return the draft in the benchmark's own format."""
    asides = dict.fromkeys(aside for wish in draft.wishes for aside in wish.asides)
    actions: list[JsonValue] = [
        {
            "action_id": f"{id}_{at}",
            "name": action.name,
            "arguments": dict(action.arguments),
            "info": None,
        }
        for at, action in enumerate(draft.actions)
    ]
    data: dict[str, JsonValue] = {
        "id": id,
        "description": {
            "purpose": draft.kind,
            "relevant_policies": None,
            "notes": f"synthetic, by {draft.author}",
        },
        "user_scenario": {
            "persona": None,
            "instructions": {
                "domain": env.removeprefix("tau2:"),
                "reason_for_call": reason_of(draft),
                "known_info": draft.introduction.known,
                "unknown_info": draft.introduction.unknown or None,
                "task_instructions": " ".join((draft.manner, *asides)).strip(),
            },
        },
        "initial_state": None,
        "evaluation_criteria": {
            "actions": actions,
            "communicate_info": [tell for wish in draft.wishes for tell in wish.tells],
            "nl_assertions": None,
        },
    }
    return Task(id=id, env=env, split=split, data=data)


def reason_of(draft: TaskDraft) -> str:
    """Return what the user wants, in one paragraph."""
    first, *others = (wish.text for wish in draft.wishes)
    links = ("Besides, ", "Finally, ") if len(others) > 1 else ("Besides, ",)
    linked = (f"{link}{_lowered(text)}" for link, text in zip(links, others, strict=False))
    return " ".join((first, *linked))


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
