"""A conversation as the log of an episode, as `decide()` wants it."""

from collections.abc import Sequence
from itertools import groupby

from sidecritic.trace import Event, Executed, Observed
from sidecritic.types import Assistant, Message, Observation, Usage

_NO_USAGE = Usage.of_parts(input_tokens=0, output_tokens=0, cached_tokens=0, cost_usd=None)


def log_of(history: Sequence[Message]) -> tuple[list[Event], int]:
    """Return a conversation as a log, and the number of the turn that comes next."""
    # Every part is a validated record already; a long chat would be validated once a turn.
    # Fields are all given, because looking up defaults costs more than the rest.
    log: list[Event] = []
    turn = 0
    for is_turn, run in groupby(history, lambda message: isinstance(message, Assistant)):
        if is_turn:
            for action in run:
                log.append(
                    Executed.of_parts(
                        event="executed", turn=turn, action=action, source="actor", approved=True
                    )
                )
                turn += 1
        else:
            observation = Observation.of_parts(
                messages=tuple(run), backstage=(), done=False, usage=_NO_USAGE, seconds=0.0
            )
            log.append(Observed.of_parts(event="observed", observation=observation))
    return log, turn


def is_actors_own(last: Event) -> bool:
    """Whether a turn ended with the actor's draft, and not with words of the supervisor's."""
    return isinstance(last, Executed) and last.source == "actor"


def is_empty(action: Assistant) -> bool:
    """Whether there is nothing to judge: models end a turn without a word after a tool's result."""
    return not action.calls and not action.text.strip()
