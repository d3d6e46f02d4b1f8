"""The parts of a new task: who calls, what they want, and what a right answer does."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple, TypeVar

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action, Arguments
from sidecritic.synthesis.wording import Row, method
from sidecritic.types import Task

_Option = TypeVar("_Option")


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that a user wants, and what a right answer to it does."""

    text: str
    """Whole sentences to the user: `You want to cancel order #W1.`"""
    touches: str
    """Id of the record that it is about; wishes of one task are about different records."""
    kind: str = ""
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


class Subject(NamedTuple):
    """A record that a wish is about, as the user names it."""

    words: str
    key: str
    """Argument that holds its id."""
    id: str
    looks: tuple[Action, ...]
    """Look-ups that the name makes necessary."""

    def wish(
        self,
        text: str,
        tool: str,
        arguments: Arguments,
        *,
        looks: tuple[Action, ...] = (),
        asides: tuple[str, ...] = (),
    ) -> Wish:
        """Return the wish that `tool` be called for the record, with more look-ups if need be."""
        write = Action(tool, {self.key: self.id, **arguments})
        return Wish(text, self.id, looks=(*self.looks, *looks), writes=(write,), asides=asides)


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
        looks = [*self.introduction.looks, *(look for wish in self.wishes for look in wish.looks)]
        summaries = [wish.hands_over for wish in self.wishes if wish.hands_over]
        return (
            *(look for at, look in enumerate(looks) if look not in looks[:at]),
            *(write for wish in self.wishes for write in wish.writes),
            *([Action(TRANSFER, {"summary": " ".join(summaries)})] if summaries else ()),
        )

    @property
    def tempted(self) -> "TaskDraft":
        """The same task answered as the user asks, against the policy."""
        wishes = (
            replace(
                wish,
                writes=(*wish.writes, *filter(None, (wish.forbidden,))),
                forbidden=None,
                hands_over="",
            )
            for wish in self.wishes
        )
        return replace(self, wishes=tuple(wishes))


TRANSFER = "transfer_to_human_agents"

Maker = Callable[[str, Random], Wish]
"""User id and dice to a wish; raises `NoWish` when this user cannot have such a one."""


class NoWish(Exception):
    """The user has no record that such a wish could be about."""


def picked(rng: Random, options: Sequence[_Option]) -> _Option:
    """Draw one.

    Raises:
        NoWish: there is none.
    """
    if not options:
        raise NoWish
    return rng.choice(options)


class Domain(ABC):
    """The records of a domain, and the wishes that come from them."""

    people = "users"
    """Name of the records of those who call."""

    def __init__(self, records: Mapping[str, Mapping[str, Row]]) -> None:
        self.records = records

    @property
    def users(self) -> tuple[str, ...]:
        """Ids of all users on record, in a fixed order."""
        return tuple(sorted(self.records[self.people]))

    def user(self, user_id: str) -> Row:
        return self.records[self.people][user_id]

    def methods(self, user_id: str) -> Mapping[str, Row]:
        return self.user(user_id)["payment_methods"]

    def way(self, user_id: str, key: str) -> str:
        """Return how the user names a payment method."""
        return method(self.methods(user_id)[key], self.methods(user_id))

    def wish(self, kind: str, user: str, rng: Random) -> Wish | None:
        """Return a wish of that kind; `None` when this user cannot have such a one."""
        granted = self.makers.get(kind)
        try:
            wish = (granted or self.refusals[kind])(user, rng)
        except NoWish:
            return None
        if granted:
            return replace(wish, kind=kind)
        asides = wish.asides if wish.hands_over else (*wish.asides, ACCEPTS)
        return replace(wish, kind=kind, writes=(), asides=asides, forbidden=wish.writes[0])

    @property
    @abstractmethod
    def makers(self) -> Mapping[str, Maker]:
        """By kind: what can be asked for and done."""

    @property
    @abstractmethod
    def refusals(self) -> Mapping[str, Maker]:
        """By kind: what is asked for and must be refused, made as if it were to be done."""

    @abstractmethod
    def introduce(self, user_id: str, rng: Random) -> Introduction: ...

    @abstractmethod
    def dossier(self, user_id: str) -> dict[str, JsonValue]:
        """Return the records that a writer of tasks needs to know about a user."""

    @abstractmethod
    def introduced(self, user_id: str) -> tuple[Action, ...]:
        """Return how the desk finds a user, for tasks by another author."""


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
    linked = (
        f"{link}{text[:1].lower()}{text[1:]}" for link, text in zip(links, others, strict=False)
    )
    return " ".join((first, *linked))
