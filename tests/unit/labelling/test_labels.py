"""What is known about a proposal, by whom, and who is believed."""

import json
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from sidecritic.assembly.past_run import benchmarks_of
from sidecritic.errors import ConfigError, EnvError
from sidecritic.labelling.decisions import import_decisions
from sidecritic.labelling.faults import by_faults
from sidecritic.labelling.label import Label
from sidecritic.labelling.label_files import read_labels_file
from sidecritic.labelling.labeller import Labeller, Subject, label_run
from sidecritic.labelling.outcomes import OMITTED, UNREACHABLE, by_outcome
from sidecritic.labelling.people import by_people
from sidecritic.labelling.reach import goal_lost_at
from sidecritic.labelling.rules import SURE, by_rules
from sidecritic.labelling.scene import rebuild
from sidecritic.labelling.store import LABELS_FILE, open_labels, read_labels
from sidecritic.labelling.trust import settled
from sidecritic.packs import pack_for
from sidecritic.runs import Run
from sidecritic.trace import Observed, Trajectory
from sidecritic.types import Assistant, Briefing, Fault, Proposal, ToolCall, User
from tests.labelled import BRIEFING, ENV, label, played
from tests.rounds import answered, executed, graded, proposed, trajectory

RIGHT = ToolCall(id="a", name="put", arguments={"at": 1}, raw="{}")
OTHER = ToolCall(id="b", name="put", arguments={"at": 2}, raw="{}")
BYE = Assistant(text="All done. Is there anything else I can help you with?")


def of(run: Run, trajectory: Trajectory) -> Briefing:
    return run.record.briefings[trajectory.briefing]


def wrote(call: ToolCall, faults: Iterable[Fault] = ()) -> tuple[object, ...]:
    action = Assistant(calls=(call,))
    return (proposed(action, faults=tuple(faults)), executed(action), answered(call))


def told(*events: object, passed: bool, reference: Iterable[ToolCall]) -> Trajectory:
    made = trajectory(events=events, end=graded(passed, tuple(reference)))  # pyright: ignore[reportArgumentType]
    return made


# --- faults and outcomes ---------------------------------------------------------------------


def test_a_planted_fault_is_wrong_and_the_rest_is_right() -> None:
    fault = Fault(kind="wrong_item", step=0, note="item 1 instead of 2")
    made = told(*wrote(RIGHT), *wrote(OTHER, [fault]), passed=False, reference=[RIGHT])

    labels = list(by_faults(made, BRIEFING))

    assert [(each.call_id, each.wrong, each.category) for each in labels] == [
        ("a", False, ""),
        ("b", True, "wrong_item"),
    ]
    assert {each.weight for each in labels} == {1.0}
    assert "item 1 instead of 2" in labels[1].evidence


def test_a_real_actor_has_no_fault_labels() -> None:
    made = trajectory(events=wrote(RIGHT), simulated=("user",))  # pyright: ignore[reportArgumentType]

    assert list(by_faults(made, BRIEFING)) == []


def test_a_farewell_after_a_fault_that_ran_is_not_labelled() -> None:
    fault = Fault(kind="wrong_item", step=0)
    made = told(
        *wrote(OTHER, [fault]), proposed(BYE), executed(BYE), passed=False, reference=[RIGHT]
    )

    assert [each.wrong for each in by_faults(made, BRIEFING)] == [True]


def test_writes_of_a_passed_episode_are_right_and_those_off_the_reference_say_nothing() -> None:
    made = told(*wrote(OTHER), *wrote(RIGHT), passed=True, reference=[RIGHT])

    labels = list(by_outcome(made, BRIEFING))

    assert [(each.call_id, each.wrong, each.weight) for each in labels] == [("a", False, 1.0)]


def test_what_follows_a_wrong_write_counts_half() -> None:
    third = OTHER.model_copy(update={"id": "c", "arguments": {"at": 3}})
    made = told(*wrote(OTHER), *wrote(third), passed=False, reference=[RIGHT])

    labels = list(by_outcome(made, BRIEFING))

    assert [(each.call_id, each.wrong, each.weight) for each in labels] == [
        ("b", True, 0.8),
        ("c", True, 0.5),
    ]


def test_what_was_never_done_is_held_against_the_farewell() -> None:
    made = told(proposed(BYE), executed(BYE), passed=False, reference=[RIGHT])

    (found,) = by_outcome(made, BRIEFING)

    assert (found.wrong, found.category, found.call_id) == (True, OMITTED, None)
    assert "put" in found.evidence


def test_the_farewell_of_an_episode_that_went_wrong_before_is_not_an_omission() -> None:
    made = told(
        *wrote(OTHER), proposed(BYE), executed(BYE), passed=False, reference=[RIGHT, OTHER, RIGHT]
    )
    wrong = told(*wrote(OTHER), proposed(BYE), executed(BYE), passed=False, reference=[RIGHT])

    assert [each.category for each in by_outcome(made, BRIEFING)] == ["", OMITTED]
    assert [each.category for each in by_outcome(wrong, BRIEFING)] == ["departs from the reference"]


async def test_the_step_that_loses_the_goal_is_found_by_going_on_with_the_reference(
    tmp_path: Path,
) -> None:
    run = await played(tmp_path / "run")
    benchmark = benchmarks_of(run)[ENV]
    lost: list[tuple[Trajectory, int]] = []
    for each in run.trajectories:
        turn = await goal_lost_at(each, of(run, each), await rebuild(each, benchmark))
        passed = bool(each.ended and each.ended.outcome and each.ended.outcome.reward >= 1)
        assert turn is None or not passed
        if turn is not None:
            lost.append((each, turn))

    assert lost
    for each, turn in lost:
        labels = list(by_outcome(each, of(run, each), lost_at=turn))
        (at_fault,) = (found for found in labels if found.category == UNREACHABLE)
        assert (at_fault.turn, at_fault.wrong, at_fault.weight) == (turn, True, 1.0)


# --- rebuilding ------------------------------------------------------------------------------


async def test_a_log_that_the_environment_contradicts_is_not_built_upon(tmp_path: Path) -> None:
    run = await played(tmp_path / "run")
    first = run.trajectories[0]
    at = max(i for i, e in enumerate(first.events) if isinstance(e, Observed))
    last = first.events[at]
    assert isinstance(last, Observed)
    forged = last.observation.model_copy(update={"messages": (User(text="Never said."),)})
    events = list(first.events)
    events[at] = Observed(observation=forged)
    other = first.model_copy(update={"events": tuple(events)})

    with pytest.raises(EnvError, match="rebuil"):
        await rebuild(other, benchmarks_of(run)[ENV])


async def test_checks_label_what_they_are_sure_of(tmp_path: Path) -> None:
    run = await played(tmp_path / "run")
    pack, benchmark = pack_for(ENV), benchmarks_of(run)[ENV]
    found: list[Label] = []
    for each in run.trajectories:
        rebuilt = await rebuild(each, benchmark)
        found.extend(await by_rules(each, of(run, each), pack, rebuilt))

    assert found
    assert all(each.wrong and each.weight >= SURE and each.category for each in found)


# --- people ----------------------------------------------------------------------------------


def test_an_opinion_becomes_a_label_with_its_feedback(tmp_path: Path) -> None:
    file = tmp_path / "opinions.jsonl"
    file.write_text(
        '{"trajectory": "t0/0", "turn": 0, "wrong": true, '
        '"feedback": "The blue one.", "by": "jo"}\n'
    )
    made = told(*wrote(OTHER), passed=True, reference=[])

    (found,) = by_people(made, BRIEFING, read_labels_file(file).opinions)

    assert (found.source, found.wrong, found.feedback) == ("human", True, "The blue one.")
    assert found.evidence.startswith("jo")


def test_an_opinion_about_nothing_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "opinions.jsonl"
    file.write_text('{"trajectory": "t0/0", "turn": 9, "wrong": true}\n')
    made = told(*wrote(OTHER), passed=True, reference=[])

    with pytest.raises(ConfigError, match="turn 9"):
        list(by_people(made, BRIEFING, read_labels_file(file).opinions))
    file.write_text('{"trajectory": "t0/0", "turn": 0, "call_id": "gone", "wrong": true}\n')
    with pytest.raises(ConfigError, match=r"call 'gone' of turn 0.*no such call, only 'b'"):
        list(by_people(made, BRIEFING, read_labels_file(file).opinions))
    file.write_text('{"trajectory": "t0/0", "wrong": true}\n')
    with pytest.raises(ConfigError, match="line 1: turn"):
        read_labels_file(file)


def decision(id: str, label: str, content: bool = True, words: str = "Put it there.") -> str:
    proposal = Proposal(
        task_id="",
        turn=3,
        attempt=0,
        action=Assistant(calls=(OTHER,)),
        history=(User(text=words),),
        policy="Be right.",
        tools=BRIEFING.tools,
    )
    kept = {"proposal": proposal.model_dump(mode="json"), "judgement": None}
    row = {
        "id": id,
        "tenant": "acme",
        "route": "desk",
        "model": "m",
        "critic": "policy",
        "label": label,
        "label_note": "not there",
        "labelled_by": "jo",
        "content": kept if content else None,
        "schema_version": 1,
    }
    return json.dumps(row) + "\n"


async def test_decisions_of_the_gateway_become_a_run_of_whole_proposals(tmp_path: Path) -> None:
    from sidecritic.runs import read_run

    export = tmp_path / "decisions.jsonl"
    export.write_text(decision("1", "wrong") + decision("2", "") + decision("3", "right", False))

    found = import_decisions(export, tmp_path / "live")
    run = read_run(tmp_path / "live")
    (first, _) = run.trajectories
    (own,) = by_people(first, of(run, first), found.opinions)

    assert found.without_content == 1
    assert run.record.settings == {"origin": "gateway"}
    assert (own.wrong, own.tool, own.turn) == (True, "put", 3)
    with pytest.raises(ConfigError, match="another run"):
        import_decisions(export, (await played(tmp_path / "run")).directory)


# --- trust -----------------------------------------------------------------------------------


def test_the_most_trusted_source_decides() -> None:
    labels = [
        label(wrong=True, source="rule", weight=0.9),
        label(wrong=False, source="outcome"),
        label(wrong=True, source="branching", feedback="Ask first."),
    ]

    (found,) = settled(labels).values()

    assert (found.source, found.wrong, found.feedback) == ("branching", True, "Ask first.")
    assert found.weight == 0.5, "the outcome dissents"


def test_a_fault_that_left_no_trace_counts_in_full() -> None:
    labels = [label(wrong=False, source="outcome"), label(wrong=True, source="fault")]

    (found,) = settled(labels).values()

    assert (found.source, found.wrong, found.weight) == ("fault", True, 1.0)


def test_one_wrong_call_makes_the_action_wrong() -> None:
    labels = [label(wrong=False, call_id="a"), label(wrong=True, call_id="b")]

    (found,) = settled(labels).values()

    assert found.wrong


# --- on file ---------------------------------------------------------------------------------


class Counts:
    """A watcher that counts; kills the process at a step, as the system would."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.done = self.finished = 0
        self._dies_at = dies_at

    def begin(self, *, total: int, finished: int) -> None:
        self.finished = finished

    def advance(self) -> None:
        self.done += 1
        if self.done == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def notice(self, text: str) -> None: ...


async def _faults(subject: Subject) -> list[Label]:
    return list(by_faults(subject.trajectory, subject.briefing))


async def labelled(
    run: Run,
    watcher: Counts | None = None,
    *,
    finds: Callable[[Subject], Awaitable[Iterable[Label]]] = _faults,
    settings: str = "",
) -> int:
    with open_labels(run.directory) as store:
        labeller = Labeller("fault", finds, settings)
        return await label_run(run, [labeller], store, watcher or Counts())


def _die_labelling(directory: Path) -> None:
    import asyncio

    from sidecritic.runs import read_run

    asyncio.run(labelled(read_run(directory), Counts(dies_at=7)))


async def test_a_killed_labelling_goes_on_and_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    run, other = await played(tmp_path / "run"), await played(tmp_path / "other")
    child = multiprocessing.get_context("spawn").Process(
        target=_die_labelling, args=(run.directory,)
    )
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    with (run.directory / LABELS_FILE).open("a") as file:
        file.write('{"trajectory": "cut o')

    watcher = Counts()
    await labelled(run, watcher)
    await labelled(other)

    assert watcher.finished >= 6
    assert sorted(map(str, read_labels(run.directory))) == sorted(
        map(str, read_labels(other.directory))
    )


async def test_what_is_labelled_is_not_labelled_again_unless_told_otherwise(tmp_path: Path) -> None:
    run = await played(tmp_path / "run")

    assert await labelled(run) > 0
    assert await labelled(run) == 0
    before = len(read_labels(run.directory))
    assert await labelled(run, settings="another gate") > 0
    assert len(read_labels(run.directory)) == before, "the later label of a place counts"


async def test_an_error_of_a_source_ends_the_labelling_and_keeps_what_was_done(
    tmp_path: Path,
) -> None:
    run = await played(tmp_path / "run")
    asked = 0

    async def breaks(subject: Subject) -> list[Label]:
        nonlocal asked
        asked += 1
        if asked > 3:
            raise ConfigError("out of order")
        return await _faults(subject)

    with pytest.raises(ConfigError, match="out of order"):
        await labelled(run, finds=breaks)
    watcher = Counts()
    await labelled(run, watcher)

    assert watcher.finished == 3


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / LABELS_FILE).write_text("{}\n")

    with pytest.raises(ConfigError, match=r"labels.jsonl, line 1: trajectory"):
        read_labels(tmp_path)
