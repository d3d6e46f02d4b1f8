"""The rules of UserBench: what each turn is worth, and when an episode ends.

    [search] text    +0.2 the first time that an aspect is found
    [action] text    +0.2 when it asks for a preference that the user holds and has not told
    [answer] ID      1.0 best, 0.8 correct, 0 otherwise
    [finish]         ends

Nothing here calls a model: the judgements come in as arguments. What `TripProgress` knows is
hidden: neither the actor nor a critic may see any of it before the episode is over.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal, NamedTuple

from sidecritic.envs.userbench.tasks import Aspect, Preference, Trip

ID = re.compile(r"[ACFHR]\d+")

Ends = Literal["aspects", "letters", "never"]
Kind = Literal["search", "action", "answer", "finish", "other"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The options of the benchmark; the defaults are those of the paper's single choice."""

    name: str = "paper"
    one_choice: bool = True
    max_turns: int = 20
    elicitation_interval: int = 3
    """In so many turns without a preference asked for, the user brings one up."""
    search_failure_interval: int = 5
    """Each such search of an episode fails, as if the service were down."""
    wrong: int = 10
    """Options shown that do not satisfy the preferences; `noise` fit no search at all."""
    noise: int = 5
    ends: Ends = "aspects"
    """In one-choice mode: when each aspect of the task is answered; when as many letters are
    used up as the task has aspects, theirs or not; never."""
    answer_lists: bool = False
    """Whether one answer may list several ids; then its reward has no upper limit."""
    volunteers: bool = True
    """Whether the user really says what it brings up."""
    talk_ends: bool = False
    """Whether a reply without a usable call ends the episode. Upstream's script does so; here
    it is taken as an `[action]`, because a critic's message must not cost the episode."""

    @property
    def volunteer_at(self) -> int:
        return self.elicitation_interval - (1 if self.volunteers else 0)


PAPER = Rules()
UPSTREAM_SYNC = Rules(name="upstream-sync", ends="letters", talk_ends=True)
"""Traps: letters are counted, so that an answer for a foreign aspect may end the episode."""
UPSTREAM_ASYNC = Rules(
    name="upstream-async", ends="never", answer_lists=True, volunteers=False, talk_ends=True
)
"""Traps of the released script's asynchronous step: volunteering counts and says nothing, one
turn later; lists of ids have no limit; one-choice episodes do not end with the last answer."""


class Turn(NamedTuple):
    """What one turn came to."""

    kind: Kind
    reward: float
    feedback: str
    note: str = ""
    """What was judged; recorded at the end, and hidden until then."""


@dataclass
class TripProgress:
    """The hidden state of one episode."""

    trip: Trip
    rules: Rules = PAPER
    searches: int = 0
    found: set[str] = field(default_factory=set[str])
    letters: set[str] = field(default_factory=set[str])
    chosen: list[str] = field(default_factory=list[str])
    """Ids answered, in order."""
    told: set[str] = field(default_factory=set[str])
    """Ids of preferences that the user has told."""
    idle: int = 0
    active: int = 0
    passive: int = 0
    finished: bool = False
    turns: list[Turn] = field(default_factory=list[Turn])

    def copy(self) -> "TripProgress":
        """Return an independent copy."""
        sets = {name: set(getattr(self, name)) for name in ("found", "letters", "told")}
        return replace(self, turns=list(self.turns), chosen=list(self.chosen), **sets)

    # --- search -----------------------------------------------------------------------------

    def begin_search(self) -> bool:
        """Count a search; return whether the service is up."""
        self.searches += 1
        return self.searches % self.rules.search_failure_interval != 0

    def find(self, aspect: Aspect) -> bool:
        """Note that an aspect was found; return whether for the first time."""
        first = aspect.name not in self.found
        self.found.add(aspect.name)
        return first

    def options(self, aspect: Aspect) -> tuple[object, ...]:
        """Return the aspect's options, in an order that depends on the task alone."""
        kinds = aspect.options
        shown = [
            *kinds["correct"],
            *kinds["wrong"][: self.rules.wrong],
            *kinds["noise"][: self.rules.noise],
        ]
        Random(f"options/{self.trip.id}/{aspect.name}").shuffle(shown)
        return tuple(shown)

    # --- action -----------------------------------------------------------------------------

    @property
    def left(self) -> tuple[Preference, ...]:
        """The preferences that can still be told."""
        answered = self.letters if self.rules.one_choice else set[str]()
        gone = {aspect.name for aspect in self.trip.aspects if aspect.letter in answered}
        every = self.trip.preferences
        return tuple(p for p in every if p.id not in self.told and p.aspect not in gone)

    def elicit(self, preference_id: str) -> Preference:
        """Note that a preference was asked for."""
        self.active += 1
        self.idle = 0
        self.told.add(preference_id)
        return next(p for p in self.trip.preferences if p.id == preference_id)

    def volunteers(self) -> bool:
        """Whether the user brings something up unasked."""
        return self.idle >= self.rules.volunteer_at and bool(self.left)

    def volunteer(self) -> Preference | None:
        """Return what the user brings up; `None` where upstream says nothing and counts it."""
        left = self.left
        draw = Random(f"volunteer/{self.trip.id}/{len(self.turns)}").choice(left)
        self.passive += 1
        self.idle = 0
        if not self.rules.volunteers:
            return None
        self.told.add(draw.id)
        return draw

    # --- answer -----------------------------------------------------------------------------

    def answer(self, content: str) -> Turn:
        """Take an answer; every condition of the specification, in its order."""
        ids = [part.strip() for part in content.split(",")]
        if len(ids) > 1 and not self.rules.answer_lists:
            return Turn("answer", 0.0, "Answer with one id at a time.", "refused: list")
        if not all(ID.fullmatch(each) for each in ids):
            return Turn(
                "answer", 0.0, "That is not the id of an option, such as H12.", "refused: id"
            )
        if self.rules.one_choice and any(each[0] in self.letters for each in ids):
            return Turn(
                "answer", 0.0, "You have recommended something for this already.", "refused: used"
            )
        worth = [self._worth(each) for each in ids]
        reward = sum(worth) if self.rules.answer_lists else min(max(sum(worth), 0.0), 1.0)
        return Turn("answer", reward, " ".join(map(_remark, worth)), "answered")

    def _worth(self, id_: str) -> float:
        new = id_ not in self.chosen
        best = new and any(aspect.best == id_ for aspect in self.trip.aspects)
        correct = new and any(id_ in aspect.correct for aspect in self.trip.aspects)
        self.chosen.append(id_)
        self.letters.add(id_[0])
        return 1.0 if best else 0.8 if correct else 0.0

    # --- the end ----------------------------------------------------------------------------

    def ended(self) -> str:
        """Return why the episode is over; empty while it is not."""
        aspects = self.trip.aspects
        if self.finished:
            return "finished"
        if all(aspect.best in self.chosen for aspect in aspects):
            return "all best"
        if self.rules.one_choice and self._answered(aspects):
            return "all answered"
        return "turn limit" if len(self.turns) >= self.rules.max_turns else ""

    def _answered(self, aspects: Sequence[Aspect]) -> bool:
        match self.rules.ends:
            case "aspects":
                return self.letters >= {aspect.letter for aspect in aspects}
            case "letters":
                return len(self.letters) >= len(aspects)
            case "never":
                return False

    def values(self) -> dict[str, float]:
        """Return what was reached for each aspect: 1.0, 0.8 or 0.

        In one-choice mode the first id of an aspect counts, whatever came after it.
        """
        return {aspect.name: self._value(aspect) for aspect in self.trip.aspects}

    def _value(self, aspect: Aspect) -> float:
        own = [id_ for id_ in self.chosen if id_[0] == aspect.letter]
        counted = own[:1] if self.rules.one_choice else own
        if aspect.best in counted:
            return 1.0
        return 0.8 if aspect.correct.intersection(counted) else 0.0


def _remark(worth: float) -> str:
    if worth == 1.0:
        return "That is the best choice. Thank you!"
    if worth > 0:
        return "That suits me, though it is not the best there is."
    return "That does not suit me."
