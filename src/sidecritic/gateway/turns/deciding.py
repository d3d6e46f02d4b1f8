"""A route's critic behind the protocols of decision endpoints: what it holds, in probabilities.

    POST /v1/decisions   as OpenAI's Decisions API: `input`, predicates, answers in their order
    POST /v1/systemone   `state`, `noul` questions and their answers by name

Known are, by name, the questions `wrong`, `right` and `unverified`, and the choice `tool`, what to
look up first; what else is asked is declined. Judged is the last thing that the agent said or
called: the end of a conversation, the `action` of a state, or a text alone, as words to the user.
"""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from sidecritic.critics.base import score_of
from sidecritic.dialects.base import Body, Hints
from sidecritic.dialects.responses import Responses
from sidecritic.dialects.strict_json import read_json
from sidecritic.errors import CriticError, CriticTimeout, first_problem
from sidecritic.gateway.modes import with_effects
from sidecritic.gateway.routes import Place, Route
from sidecritic.gateway.wire.refusals import HttpError
from sidecritic.seats.tools import with_effect
from sidecritic.supervisor import judge_in_time
from sidecritic.types import (
    UNVERIFIED,
    Assistant,
    Judgement,
    Message,
    Proposal,
    Record,
    Revise,
    ToolSpec,
)
from sidecritic.values import parse_object

_PATHS = {"decisions": "input", "systemone": "state"}
_MOST_QUESTIONS = 400
_KNOWN = ("wrong", "right", "unverified", "tool")
_ID = "decision"


class _Question(NamedTuple):
    name: str
    choices: tuple[str, ...] = ()
    """Empty for yes or no."""


class _State(Record):
    """A proposal as `critics.asking.decision` sends it; `action` is the one thing it must hold."""

    policy: str = ""
    context: str = ""
    tools: tuple[ToolSpec, ...] = ()
    history: tuple[Message, ...] = ()
    attempt: Annotated[int, Field(ge=0)] = 0
    action: Assistant
    left_out: int = 0
    evidence: tuple[dict[str, JsonValue], ...] = ()
    """What others noticed; the critic that is asked notices for itself."""


_STATE = TypeAdapter(_State)


def is_decision(place: Place, method: str) -> bool:
    """Whether a request is one for the route's critic itself."""
    return place.route.settings.decisions and method == "POST" and place.path in _PATHS


Keep = Callable[[Proposal, Judgement | CriticError], Awaitable[None]]
"""Records what was judged, and what the critic held of it."""


async def decide(place: Place, body: Body, keep: Keep) -> Body:
    """Return the answers to the questions of a request, once they are recorded.

    Raises:
        HttpError: it cannot be read, or the critic failed.
    """
    questions = _questions(place.path, body)
    proposal = _proposal(place.route, body.get(_PATHS[place.path]))
    judgement = await _judged(place.route, proposal)
    await keep(proposal, judgement)
    if isinstance(judgement, CriticError):
        late = isinstance(judgement, CriticTimeout)
        code, name = (504, "critic_timeout") if late else (502, "critic_failed")
        raise HttpError(code, name, str(judgement)) from judgement
    usage = judgement.usage
    counted: dict[str, JsonValue] = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }
    if place.path == "systemone":
        answers: JsonValue = {each.name: _noul(each, judgement) for each in questions}
    else:
        answers = [_predicate(each, judgement) for each in questions]
        counted |= {
            "input_tokens_details": {
                "cached_tokens": usage.cached_tokens,
                "cache_write_tokens": 0,
            },
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.input_tokens + usage.output_tokens,
        }
    return {"model": place.route.critic.name, "answers": answers, "usage": counted}


async def _judged(route: Route, proposal: Proposal) -> Judgement | CriticError:
    try:
        judgement = await judge_in_time(route.critic, proposal, route.limits.critic_timeout)
    except CriticError as error:
        return error
    match judgement.status:
        case "error":
            return CriticError(judgement.rationale or "it gave no verdict")
        case "timeout":
            return CriticTimeout(judgement.rationale or "it gave no verdict in time")
        case _:
            return judgement


def _chance(name: str, judgement: Judgement) -> float | None:
    """Return the probability of yes; `None` for a question that a critic does not answer."""
    match name:
        case "wrong":
            return score_of(judgement)
        case "right":
            return 1.0 - score_of(judgement)
        case "unverified":
            return 1.0 if judgement.category == UNVERIFIED else 0.0
        case _:
            return None


def _predicate(question: _Question, judgement: Judgement) -> JsonValue:
    """Return an answer of `/v1/decisions`; a question that is not known is declined."""
    name, chance = question.name, _chance(question.name, judgement)
    if question.choices and name == "tool":
        chances = _tools(question.choices, judgement)
        listed: list[JsonValue] = [{"value": v, "probability": p} for v, p in chances.items()]
        likeliest = max(chances, key=lambda value: chances[value])
        return {
            "type": "choice",
            "name": name,
            "choice": likeliest,
            "confidence": chances[likeliest],
            "probabilities": listed,
        }
    if question.choices or chance is None:
        return {"type": "refusal", "name": name}
    return {"type": "predicate", "name": name, "probability": chance}


def _noul(question: _Question, judgement: Judgement) -> JsonValue:
    """Return an answer of `/v1/systemone`."""
    if question.choices and question.name == "tool":
        chances: dict[str, JsonValue] = {**_tools(question.choices, judgement)}
        likeliest = max(_tools(question.choices, judgement).items(), key=lambda each: each[1])
        return {
            "type": "choice",
            "choice": likeliest[0],
            "confidence": likeliest[1],
            "probabilities": chances,
        }
    chance = _chance(question.name, judgement)
    if question.choices or chance is None:
        raise _unreadable(f"question {question.name!r}: a critic answers {', '.join(_KNOWN)}")
    return {"type": "noul", "noul": chance}


def _tools(choices: Sequence[str], judgement: Judgement) -> dict[str, float]:
    """Return which of the tools a critic demands to be called first; else the last choice."""
    said = judgement.verdict.feedback if isinstance(judgement.verdict, Revise) else ""
    words = set(re.findall(r"[\w.-]+", said)) if judgement.category == UNVERIFIED else set[str]()
    named = next((value for value in choices if value in words), choices[-1])
    return {value: 1.0 if value == named else 0.0 for value in choices}


# --- questions ---------------------------------------------------------------------------


def _questions(path: str, body: Body) -> Sequence[_Question]:
    """Return the questions, in their order.

    Raises:
        HttpError: there are none or too many, or one has no name of its own, or a wrong form.
    """
    asked, given = body.get("questions"), list[tuple[JsonValue, JsonValue]]()
    if isinstance(asked, dict) and path == "systemone":
        given = list(asked.items())
    elif isinstance(asked, list) and path == "decisions":
        given = [(each.get("name") if isinstance(each, dict) else None, each) for each in asked]
    if not 1 <= len(given) <= _MOST_QUESTIONS:
        raise _unreadable(f"questions: give 1 to {_MOST_QUESTIONS}")
    read = [_question(path, name, each) for name, each in given]
    if len({each.name for each in read}) < len(read):
        raise _unreadable("questions: give each a name of its own")
    return read


def _question(path: str, name: JsonValue, given: JsonValue) -> _Question:
    if isinstance(name, str) and isinstance(given, dict):
        match given.get("type"), given.get("choices"), given.get("criteria"):
            case (("noul" | "predicate"), _, _):
                found = _Question(name)
            case "choice", list() as listed, _:
                values = [str(each.get("value")) for each in listed if isinstance(each, dict)]
                found = _Question(name, tuple(values))
            case "choice", _, dict() as named:
                found = _Question(name, tuple(named))
            case _:
                raise _unreadable(f"question {name!r}: a critic answers yes or no, or a choice")
        if given["type"] == "choice" and not found.choices:
            raise _unreadable(f"question {name!r}: a choice without choices")
        # The one protocol has a way to decline an answer, the other has none.
        if path == "systemone" and (name not in _KNOWN or (name == "tool") != bool(found.choices)):
            raise _unreadable(f"question {name!r}: a critic answers {', '.join(_KNOWN)}")
        return found
    raise _unreadable(f"a question without a name; a critic answers {', '.join(_KNOWN)}")


def _unreadable(problem: str) -> HttpError:
    return HttpError(400, "invalid_decision_request", problem)


# --- what is judged ----------------------------------------------------------------------


def _proposal(route: Route, given: JsonValue) -> Proposal:
    """Return what is to be judged.

    Raises:
        HttpError: it holds no action, or what no critic can be shown.
    """
    if isinstance(given, list):
        given = _only_text(given) or given
    if isinstance(given, list):
        return _of_conversation(route, given)
    state = _as_state(given)
    if state is not None:
        return _of_state(route, state)
    if isinstance(given, str) and given.strip():
        return _made(route, Assistant(text=given))
    raise _unreadable("there is nothing to judge: give a text, a state, or a conversation")


def _only_text(items: Sequence[JsonValue]) -> str:
    """Return the text of a single message of a user; empty for any other conversation."""
    if len(items) != 1 or not isinstance(items[0], dict) or items[0].get("role") != "user":
        return ""
    asked = Responses().asked({"input": list(items)})
    return "" if asked.unknown else "\n\n".join(message.text for message in asked.history)


def _as_state(given: JsonValue) -> dict[str, JsonValue] | None:
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            read = read_json(given.encode())
        except ValueError:
            return None
        if read.repeats:
            raise _unreadable("the state repeats a key")
        given = read.value
    return given if isinstance(given, dict) else None


def _of_state(route: Route, state: dict[str, JsonValue]) -> Proposal:
    try:
        read = _STATE.validate_python(_with_raw(state))
    except ValidationError as cause:
        raise _unreadable(f"state: {first_problem(cause)}") from cause
    rules, trusts = route.settings.tools, route.settings.trust_annotations
    tools = tuple(
        with_effect(tool, _hints(tool), rules, trusts_hints=trusts) for tool in read.tools
    )
    return _made(
        route,
        read.action,
        history=read.history,
        policy=read.policy,
        context=read.context,
        tools=tools,
        attempt=read.attempt,
    )


def _hints(tool: ToolSpec) -> Hints:
    return Hints(read_only=tool.effect == "read", destructive=tool.effect == "write")


def _with_raw(state: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the state with the text of the arguments of each call, which says nothing new."""
    history = state.get("history")
    for message in [*(history if isinstance(history, list) else ()), state.get("action")]:
        calls = message.get("calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            if not isinstance(call, dict):
                continue
            given, raw = call.get("arguments"), call.get("raw")
            if raw is None:
                call["raw"] = json.dumps(given, ensure_ascii=False)
            elif given is not None and (not isinstance(raw, str) or parse_object(raw) != given):
                raise _unreadable("state: the raw arguments of a call say something else")
    return state


def _of_conversation(route: Route, items: Sequence[JsonValue]) -> Proposal:
    asked = Responses().asked({"input": list(items)})
    if asked.unknown or asked.kept:
        raise _unreadable(f"input: {(*asked.unknown, *asked.kept)[0]} cannot be judged")
    last = asked.history[-1] if asked.history else None
    if not isinstance(last, Assistant):
        raise _unreadable("input: end it with the message or the calls of the agent to be judged")
    return _made(
        route,
        last,
        history=asked.history[:-1],
        policy=asked.system,
        tools=with_effects(asked, route.settings),
    )


def _made(route: Route, action: Assistant, *, policy: str = "", **known: Any) -> Proposal:
    """Return the proposal; where the operator has a policy, the caller's is told as context."""
    told = [known.pop("context", ""), policy] if route.policy else [known.pop("context", "")]
    return Proposal(
        task_id=_ID,
        turn=sum(isinstance(message, Assistant) for message in known.get("history", ())),
        attempt=known.pop("attempt", 0),
        action=action,
        history=known.pop("history", ()),
        policy=route.policy or policy,
        context="\n\n".join(part for part in told if part),
        tools=known.pop("tools", ()),
    )
