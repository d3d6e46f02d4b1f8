"""A critic that says "look" at the town's desk: wrong writes are refused, open ones looked up.

The critic is `LLMCritic` with a scripted model behind it, and the agent is simulated: what is
measured is the machinery between them, and no model.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from sidecritic.critics.llm import LLMCritic
from sidecritic.envs.procedures.benchmark import Procedures
from sidecritic.envs.procedures.data import TABLES
from sidecritic.envs.procedures.records import Records
from sidecritic.envs.procedures.rules import Examined, LookUp, examined
from sidecritic.envs.procedures.simulated import simulated_agent
from sidecritic.envs.procedures.tools import SPECS, TOOLS
from sidecritic.episode import LOOK_BUDGET, run_episode
from sidecritic.models.scripted import FunctionModel
from sidecritic.simulation.scripted_user import PATIENCE, scripted_user
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Ended, Event, Executed, Judged, Proposed
from sidecritic.types import (
    UNVERIFIED,
    Assistant,
    Completion,
    Limits,
    Outcome,
    Request,
    Revise,
    Task,
    TokenLogprob,
    ToolCall,
)
from sidecritic.values import object_of, objects_of, text_of

TASKS = [task for split in ("train", "test") for task in Procedures().tasks(split)]
NAMED = re.compile(r"with the tool (\w+)")
DRAFTS = 4
"""Of one turn: the first, and as many as may be sent back."""
MOST = 3
"""Look-ups that unverified feedback names at a time."""


@dataclass(frozen=True)
class Shown:
    """What the prompt of a critic shows: the proposed write, and the look-ups made."""

    write: Mapping[str, JsonValue]
    looked: frozenset[LookUp]

    @classmethod
    def in_(cls, request: Request) -> "Shown":
        lines = "\n".join(message.text for message in request.messages).splitlines()
        objects = [json.loads(line) for line in lines if line.startswith("{")]
        calls = [call for o in objects for call in o.get("calls", [])]
        calls += [o["looked_up"] for o in objects if "looked_up" in o]
        (proposed,) = [o["proposed"]["calls"] for o in objects if "proposed" in o]
        looked = {
            (call["tool"], *map(str, call["arguments"].values()))
            for call in calls
            if len(call.get("arguments") or {}) == 1
        }
        return cls(proposed[0], frozenset((name, id) for name, id in looked))

    @property
    def missing(self) -> list[LookUp]:
        wanted = (each.look_up for each in self._conditions)
        return [look for look in dict.fromkeys(wanted) if look and look not in self.looked]

    @property
    def is_right(self) -> bool:
        return all(each.holds for each in self._conditions)

    @property
    def _conditions(self) -> list[Examined]:
        arguments = object_of(self.write, "arguments")
        return list(examined(text_of(self.write, "tool"), arguments, Records(TABLES)))


def said(text: str) -> Completion:
    """Return an answer of one certain token, or of words."""
    tokens = (TokenLogprob(token=text, logprob=log(0.9), top={text: log(0.9)}),)
    return Completion(
        message=Assistant(text=text),
        finish="stop",
        model="m",
        logprobs=tokens if " " not in text else (),
    )


def wants(*look_ups: LookUp) -> Completion:
    listed = [
        {"fact": tool, "tool": tool, "arguments": json.dumps({asks(tool): id})}
        for tool, id in look_ups
    ]
    return said(json.dumps({"lookups": listed}))


def asks(tool: str) -> str:
    (name,) = TOOLS[tool].asks.model_fields
    return name


def careful(request: Request) -> Completion:
    """Answer Look until every condition was looked up, and then as the records are."""
    shown, question = Shown.in_(request), request.messages[-1].text.rpartition("## QUESTION")[2]
    if "must be looked up" in question:
        return wants(*shown.missing)
    if "Why not?" in question:
        reasons = {"fault": "authority", "reason": "A condition does not hold.", "policy_ref": ""}
        return said(json.dumps({**reasons, "feedback": "A rule forbids it.", "calls": [1]}))
    return said("Look" if shown.missing else "Yes" if shown.is_right else "No")


@dataclass
class Played:
    log: list[Event] = field(default_factory=list[Event])

    @property
    def ended(self) -> Ended:
        (*_, last) = self.log
        assert isinstance(last, Ended)
        return last

    @property
    def outcome(self) -> Outcome:
        assert self.ended.outcome is not None
        return self.ended.outcome

    @property
    def labels(self) -> list[str]:
        return [text_of(write, "label") for write in objects_of(self.outcome.native, "writes")]

    @property
    def refusals(self) -> list[Judged]:
        judged = [event for event in self.log if isinstance(event, Judged)]
        return [each for each in judged if isinstance(each.judgement.verdict, Revise)]

    @property
    def categories(self) -> list[str]:
        return [each.judgement.category for each in self.refusals]

    @property
    def made(self) -> list[ToolCall]:
        ran = (event.action for event in self.log if isinstance(event, Executed))
        return [call for action in ran for call in action.calls]


async def played(
    task: Task,
    model: FunctionModel | None,
    *,
    seed: int = 0,
    rate: float = 1.0,
    repair: float = 1.0,
    lookups: int = 0,
) -> Played:
    """Play a task with a simulated agent; `model` is behind the critic."""
    found = Played()
    environment = Procedures().environment(task, scripted_user(SPECS)(task, seed))
    agent = simulated_agent(rate=rate, repair=repair)(task, seed)
    critic = LLMCritic(model or FunctionModel(lambda _: said("Yes"), name="m"), lookups=lookups)
    supervisor = Supervisor(agent, critic, gate="writes", limits=Limits(max_revisions=DRAFTS - 1))
    await run_episode(environment, supervisor, found.log, task_id=task.id)
    return found


CAREFUL = FunctionModel(careful, name="m")
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)


def may(task: Task) -> bool:
    request = object_of(task.data, "request")
    met = examined(text_of(request, "name"), object_of(request, "arguments"), Records(TABLES))
    return all(each.holds for each in met)


@every_task
async def test_without_faults_every_task_is_solved_and_every_write_is_right(task: Task) -> None:
    alone = await played(task, None, rate=0)
    assert alone.outcome.passed
    assert alone.labels == (["right"] if may(task) else [])
    watched = await played(task, CAREFUL, rate=0)
    assert watched.outcome == alone.outcome
    assert watched.refusals == []


async def test_an_agent_with_faults_acts_unverified_and_wrongly_where_nobody_looks() -> None:
    runs = [(task, await played(task, None)) for task in TASKS]
    assert {label for task, run in runs if may(task) for label in run.labels} == {"unverified"}
    assert {label for task, run in runs if not may(task) for label in run.labels} == {"wrong"}
    for task, run in runs:
        faults = {f.kind for e in run.log if isinstance(e, Proposed) for f in e.completion.faults}
        assert faults == {"unverified_write" if may(task) else "forbidden_write"}


@every_task
async def test_with_look_ups_of_its_own_the_critic_refuses_what_is_wrong_and_nothing_else(
    task: Task,
) -> None:
    run = await played(task, CAREFUL, lookups=LOOK_BUDGET)
    assert run.outcome.passed
    assert UNVERIFIED not in run.categories
    assert len(run.refusals) == (0 if may(task) else 1)
    # The critic verified it: the agent itself did not.
    assert run.labels == (["unverified"] if may(task) else [])


@every_task
async def test_without_look_ups_unverified_feedback_names_the_tool_and_the_agent_looks(
    task: Task,
) -> None:
    run = await played(task, CAREFUL)
    first = run.refusals[0]
    assert first.judgement.category == UNVERIFIED
    assert isinstance(first.judgement.verdict, Revise)
    named = NAMED.findall(first.judgement.verdict.feedback)
    assert named
    assert set(named) <= {call.name for call in run.made}
    assert run.outcome.passed
    assert run.labels == (["right"] if may(task) else [])


@every_task
async def test_what_is_right_but_unverified_is_sent_back_once_and_then_passes(task: Task) -> None:
    if not may(task):
        return
    run = await played(task, CAREFUL)
    skipped = {call.name for call in (await played(task, None, rate=0)).made}
    skipped -= {call.name for call in (await played(task, None)).made}
    # No feedback names more than a few look-ups at a time.
    assert run.categories == [UNVERIFIED] * (1 if len(skipped) <= MOST else 2)


async def test_an_agent_that_does_not_listen_is_stopped_by_the_budget() -> None:
    for task in TASKS[:12]:
        run = await played(task, CAREFUL, repair=0)
        # Each turn ends in the same apology, until the user has had enough of it.
        assert len(run.refusals) <= DRAFTS * (PATIENCE + 3)
        assert run.ended.reason == "env_done"
        assert run.labels == []


# --- no end of looking ----------------------------------------------------------------------

KNOWN_IDS = [id for table in TABLES.values() for id in list(table)[:3]]
ANY_LOOK_UP = st.tuples(
    st.sampled_from([tool.name for tool in SPECS if tool.effect == "read"]),
    st.sampled_from([*KNOWN_IDS, "", "R0"]),
)
ANY_ANSWER = st.sampled_from(["Look", "Look", "Look", "Yes", "No"])


@dataclass
class Restless:
    """A model that wants to look up anything, over and over."""

    data: st.DataObject
    asked: int = 0

    def answer(self, request: Request) -> Completion:
        self.asked += 1
        question = request.messages[-1].text.rpartition("## QUESTION")[2]
        if "must be looked up" in question:
            own = Shown.in_(request).missing
            drawn = self.data.draw(st.lists(ANY_LOOK_UP | st.sampled_from(own or [("x", "y")])))
            return wants(*(each for each in drawn if each[0] in TOOLS))
        if "Why not?" in question:
            return said(json.dumps({"feedback": "No. Look again."}))
        return said(self.data.draw(ANY_ANSWER))


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    task=st.sampled_from(TASKS),
    seed=st.integers(0, 99),
    lookups=st.integers(0, LOOK_BUDGET),
)
async def test_no_critic_can_keep_an_episode_looking(
    data: st.DataObject, task: Task, seed: int, lookups: int
) -> None:
    restless = Restless(data)
    model = FunctionModel(restless.answer, name="m")
    run = await played(task, model, seed=seed, rate=0.7, lookups=lookups)
    assert run.ended.reason not in ("max_turns", "failed")
    turns = [event.turn for event in run.log if isinstance(event, Proposed)]
    drafts = max(turns.count(turn) for turn in turns)
    assert drafts <= DRAFTS
    assert len(set(turns)) <= 3 + sum(tool.effect == "read" for tool in SPECS)
    # For each draft: the verdicts after each round of look-ups, what to look up, and the reasons.
    assert restless.asked <= len(turns) * 2 * (lookups + 2)
