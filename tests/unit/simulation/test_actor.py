"""The simulated actor: it solves tasks, errs where it is told to, and repairs what it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from sidecritic.envs.shop.benchmark import SPECS, Shop
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.envs.tau2.package import DOMAINS
from sidecritic.episode import run_episode
from sidecritic.gates import Gate
from sidecritic.ports import Benchmark
from sidecritic.simulation.actor import SimulatedActor, simulated_actor
from sidecritic.simulation.fault_feedback import names_fault
from sidecritic.simulation.faults import FaultKind, FaultRates
from sidecritic.simulation.scripted_user import OnWrongPlan, scripted_user
from sidecritic.simulation.task_record import leaves
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Ended, Event, Executed, Proposed, actor_view
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Fault,
    Judgement,
    Limits,
    Outcome,
    Proposal,
    Request,
    Revise,
    Task,
    User,
    Verdict,
)

SHOP = Shop()
TASKS = {task.id: task for split in ("train", "test") for task in SHOP.tasks(split)}
REFUND, TWO_WRITES, FORBIDDEN, TRANSFER = TASKS["3"], TASKS["7"], TASKS["6"], TASKS["4"]

NO_FAULTS = FaultRates(**dict.fromkeys(FaultRates.model_fields, 0.0))


def always(kind: FaultKind) -> FaultRates:
    return NO_FAULTS.model_copy(update={kind: 1.0})


@dataclass
class Judge:
    """A critic that asks a function for its verdict."""

    verdict: Callable[[Proposal], Verdict]
    name: str = "judge"

    async def judge(self, proposal: Proposal) -> Judgement:
        return Judgement(verdict=self.verdict(proposal), critic=self.name)


def approve(proposal: Proposal) -> Verdict:
    return Approve()


class Oracle:
    """A critic that knows the faults, because it sits beside the actor: for tests only."""

    name = "oracle"

    def __init__(self, says: str | None = None) -> None:
        self._says = says
        self.log: list[Event] = []

    async def judge(self, proposal: Proposal) -> Judgement:
        last = next(e for e in reversed(self.log) if isinstance(e, Proposed))
        if not last.completion.faults:
            return Judgement(verdict=Approve(), critic=self.name)
        (fault,) = last.completion.faults
        feedback = self._says if self._says is not None else f"{NAMES[fault.kind]} {fault.note}"
        return Judgement(verdict=Revise(feedback=feedback), critic=self.name)


NAMES: dict[str, str] = {
    "wrong_argument": "A value is wrong.",
    "wrong_item": "The wrong item.",
    "wrong_payment": "The wrong payment method.",
    "missing_confirmation": "The user has not confirmed it.",
    "premature_transfer": "Do not transfer the user.",
    "extra_write": "The user did not ask for this.",
    "omitted_write": "Something is still to be done.",
    "false_statement": "That claim is false.",
    "forbidden_write": "The policy does not allow it.",
}


async def play(
    task: Task,
    rates: FaultRates | float = 0.0,
    critic: Judge | Oracle | None = None,
    *,
    benchmark: Benchmark = SHOP,
    seed: int = 0,
    repair: float = 1.0,
    gate: Gate = "all",
    user: OnWrongPlan = "confirm",
) -> list[Event]:
    log: list[Event] = []
    critic = critic or Judge(approve)
    if isinstance(critic, Oracle):
        critic.log = log
    tools = benchmark.environment(task, scripted_user()(task, seed)).tools
    env = benchmark.environment(task, scripted_user(tools, on_wrong_plan=user)(task, seed))
    actor = simulated_actor(tools, rates=rates, repair=repair)(task, seed)
    supervisor = Supervisor(actor, critic, gate=gate, limits=Limits(max_turns=80))
    await run_episode(env, supervisor, log, task_id=task.id)
    return log


def outcome(log: Sequence[Event]) -> Outcome:
    end = log[-1]
    assert isinstance(end, Ended)
    assert end.outcome is not None, log[-2]
    return end.outcome


def faults(log: Sequence[Event]) -> list[Fault]:
    return [f for e in log if isinstance(e, Proposed) for f in e.completion.faults]


def executed(log: Sequence[Event]) -> list[Assistant]:
    return [e.action for e in log if isinstance(e, Executed)]


def called(log: Sequence[Event]) -> list[str]:
    return [call.name for action in executed(log) for call in action.calls]


async def seeded(kind: FaultKind, task: Task, *, announced: bool) -> int:
    """Return a seed for which the fault shows already in the announcement, or only in the call."""
    for seed in range(40):
        log = await play(task, always(kind), seed=seed)
        carriers = [
            e.completion.message for e in log if isinstance(e, Proposed) if e.completion.faults
        ]
        if carriers and (not carriers[0].calls) is announced:
            return seed
    raise AssertionError("no such seed")


# --- without faults -------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
async def test_without_faults_every_task_of_the_shop_is_solved(task: Task) -> None:
    log = await play(task)
    assert outcome(log).reward == 1.0
    assert not faults(log)


UNSOLVABLE = {"update_task_with_history_and_env_assertions"}
"""Mock tasks whose own reference does not meet their assertions."""


@pytest.mark.parametrize("domain", DOMAINS)
async def test_without_faults_every_tau2_task_is_solved(domain: str) -> None:
    benchmark = Tau2(domain)
    unsolved: set[str] = set()
    for task in benchmark.tasks("base"):
        log = await play(task, benchmark=benchmark, gate="none")
        assert not faults(log)
        if outcome(log).reward < 1.0:
            unsolved.add(task.id)
    assert unsolved == (UNSOLVABLE if domain == "mock" else set())


async def test_every_write_is_announced_with_all_its_values_and_confirmed() -> None:
    log = await play(TWO_WRITES)
    history = actor_view(log)
    writes = [
        (at, call)
        for at, message in enumerate(history)
        if isinstance(message, Assistant)
        for call in message.calls
        if call.name in ("refund_items", "change_address")
    ]
    assert len(writes) == 2
    for at, call in writes:
        announced, answered = history[at - 2 : at]
        assert isinstance(announced, Assistant)
        assert isinstance(answered, User)
        assert answered.text.startswith("Yes")
        assert all(str(value) in announced.text for _, value in leaves(call.arguments or {}))


async def test_the_record_is_looked_up_before_it_is_changed() -> None:
    names = called(await play(TWO_WRITES))
    assert names.index("get_order") < names.index("refund_items")
    assert names[0] == "find_customer"


# --- faults ---------------------------------------------------------------------------------

FAILING: list[tuple[FaultKind, Task]] = [
    ("wrong_item", TASKS["0"]),
    ("wrong_payment", REFUND),
    ("omitted_write", REFUND),
    ("premature_transfer", REFUND),
    ("false_statement", REFUND),
    ("forbidden_write", FORBIDDEN),
]


@pytest.mark.parametrize(("kind", "task"), FAILING)
async def test_a_fault_that_nobody_stops_costs_the_reward(kind: FaultKind, task: Task) -> None:
    log = await play(task, always(kind))
    assert outcome(log).reward == 0.0
    assert {fault.kind for fault in faults(log)} == {kind}


@pytest.mark.parametrize(("kind", "task"), FAILING)
async def test_a_fault_that_feedback_names_is_repaired(kind: FaultKind, task: Task) -> None:
    log = await play(task, always(kind), Oracle())
    assert {fault.kind for fault in faults(log)} == {kind}
    assert outcome(log).reward == 1.0


@pytest.mark.parametrize(("kind", "task"), FAILING)
async def test_a_fault_that_feedback_does_not_name_comes_back_unchanged(
    kind: FaultKind, task: Task
) -> None:
    log = await play(task, always(kind), Oracle(says="Hm."))
    drafts = [e.completion for e in log if isinstance(e, Proposed)]
    at = next(i for i, draft in enumerate(drafts) if draft.faults)
    assert drafts[at + 1].faults == drafts[at].faults
    assert content(drafts[at + 1].message) == content(drafts[at].message)


def content(message: Assistant) -> tuple[object, ...]:
    return message.text, [(call.name, call.arguments) for call in message.calls]


async def test_without_willingness_to_repair_nothing_is_repaired() -> None:
    log = await play(REFUND, always("wrong_payment"), Oracle(), repair=0.0)
    assert outcome(log).reward == 0.0


async def test_a_missing_confirmation_is_made_up_for() -> None:
    log = await play(REFUND, always("missing_confirmation"), Oracle())
    names = called(log)
    asked = [a for a in executed(log) if a.text.startswith("This is what I am going to do")]
    assert names.count("refund_items") == 1
    assert len(asked) == 1


async def test_a_wrong_value_may_be_announced_or_only_called() -> None:
    open_seed = await seeded("wrong_payment", REFUND, announced=True)
    sly_seed = await seeded("wrong_payment", REFUND, announced=False)
    announced = await play(REFUND, always("wrong_payment"), seed=open_seed)
    only_called = await play(REFUND, always("wrong_payment"), seed=sly_seed)
    assert len(faults(announced)) == 2
    assert len(faults(only_called)) == 1
    assert faults(only_called)[0].note == (
        "refund items: payment method id credit_card_2266 instead of gift_card_6071"
    )


async def test_a_user_who_corrects_a_wrong_plan_has_it_repaired() -> None:
    seed = await seeded("wrong_payment", REFUND, announced=True)
    log = await play(REFUND, always("wrong_payment"), seed=seed, user="correct")
    assert len(faults(log)) == 1
    assert outcome(log).reward == 1.0


async def test_wrong_values_stand_beside_the_right_one_in_a_tool_result() -> None:
    for seed in range(10):
        log = await play(TASKS["0"], always("wrong_item"), seed=seed)
        assert "item ids 20011 instead of 20012" in faults(log)[0].note


async def test_an_extra_write_is_one_that_nobody_asked_for() -> None:
    log = await play(TASKS["8"], always("extra_write"), seed=1)
    (kind,) = {fault.kind for fault in faults(log)}
    assert kind == "extra_write"
    assert len([n for n in called(log) if n in ("refund_items", "change_address")]) == 2


async def test_wrong_values_that_a_tool_refuses_are_mended() -> None:
    mended = 0
    for seed in range(20):
        log = await play(TASKS["1"], always("wrong_argument"), seed=seed)
        # Order A1001 has been delivered, so it cannot be sent elsewhere.
        if any("A1001 instead of A1002" in fault.note for fault in faults(log)):
            mended += 1
            assert called(log).count("change_address") == 2
            assert outcome(log).reward == 1.0
    assert mended


# --- the same again -------------------------------------------------------------------------


async def test_the_same_seed_gives_the_same_episode() -> None:
    first = await play(TWO_WRITES, 0.9, Oracle(), seed=5, repair=0.5)
    again = await play(TWO_WRITES, 0.9, Oracle(), seed=5, repair=0.5)
    assert [content(a) for a in executed(first)] == [content(a) for a in executed(again)]
    assert faults(first) == faults(again)


async def test_different_seeds_give_different_faults() -> None:
    logs = [await play(TWO_WRITES, 0.5, seed=seed) for seed in range(12)]
    assert len({tuple(f.kind for f in faults(log)) for log in logs}) > 3


async def test_it_keeps_no_state_between_requests() -> None:
    log = await play(TWO_WRITES, 0.5, seed=3)
    chats = [actor_view(log[:at]) for at, e in enumerate(log) if isinstance(e, Proposed)]
    said = [e.completion.message for e in log if isinstance(e, Proposed)]
    actor = SimulatedActor(TWO_WRITES, SPECS, seed=3, rates=0.5)

    async def reply(at: int) -> Completion:
        return await actor.complete(Request(messages=chats[at], tools=SPECS))

    backwards = [(await reply(at)).message for at in reversed(range(len(chats)))]
    assert [content(m) for m in reversed(backwards)] == [content(m) for m in said]


def test_rates_scale_with_a_number() -> None:
    assert FaultRates.of(0.35) == FaultRates()
    assert FaultRates.of(0.0) == NO_FAULTS
    assert max(dict(FaultRates.of(100.0)).values()) == 1.0


# --- supervision that errs ------------------------------------------------------------------


def against(name: str, times: int) -> Judge:
    """Return a critic that refuses that many calls of a tool, for no good reason."""
    left = [times]

    def verdict(proposal: Proposal) -> Verdict:
        if left[0] and any(call.name == name for call in proposal.action.calls):
            left[0] -= 1
            return Revise(feedback="I do not like it.")
        return Approve()

    return Judge(verdict)


async def test_a_false_alarm_makes_it_insist_or_ask_the_user_once_more() -> None:
    asked: set[int] = set()
    for seed in range(12):
        log = await play(REFUND, critic=against("refund_items", 1), seed=seed)
        plans = [a for a in executed(log) if a.text.startswith("This is what I am going to do")]
        asked.add(len(plans))
        if len(plans) == 2:
            assert outcome(log).reward == 1.0
    assert asked == {1, 2}


async def test_a_step_that_is_blocked_is_given_up_and_the_rest_is_done() -> None:
    log = await play(TWO_WRITES, critic=against("refund_items", 99))
    assert called(log).count("refund_items") == 0
    assert called(log).count("change_address") == 1
    assert isinstance(log[-1], Ended)
    assert log[-1].reason == "env_done"


async def test_a_replaced_call_counts_as_the_step() -> None:
    log = await play(REFUND)
    call = next(c for a in executed(log) for c in a.calls if c.name == "refund_items")
    other = call.model_copy(update={"arguments": {**(call.arguments or {}), "item_ids": ["20061"]}})
    history = actor_view(log)
    at = next(i for i, m in enumerate(history) if isinstance(m, Assistant) and call in m.calls)
    chat = (*history[:at], Assistant(calls=(other,)), history[at + 1])
    actor = SimulatedActor(REFUND, SPECS, seed=0, rates=0.0)
    following = await actor.complete(Request(messages=chat, tools=SPECS))
    assert "anything else" in following.message.text


@pytest.mark.parametrize(
    ("feedback", "named"),
    [
        ("The payment method is wrong.", True),
        ("Use gift_card_6071.", True),
        ("This cannot be right.", False),
        ("The user has not confirmed the plan.", False),
    ],
)
def test_feedback_names_a_fault_by_words_or_by_values(feedback: str, named: bool) -> None:
    fault = Fault(kind="wrong_payment", step=1)
    assert names_fault(feedback, fault, ("payment_method_id", "gift_card_6071")) is named


async def test_a_person_is_called_when_the_reference_does() -> None:
    log = await play(TRANSFER)
    assert called(log)[-1] == "transfer_to_human"
    assert outcome(log).reward == 1.0
