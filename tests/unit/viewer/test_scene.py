"""Episodes laid out: places, repeated drafts, differences, and what to look up."""

from pathlib import Path

from sidecritic.trace import Executed, Judged, Observed, Proposed
from sidecritic.types import (
    Approve,
    Assistant,
    Briefing,
    Completion,
    Judgement,
    Observation,
    Revise,
    User,
)
from sidecritic.viewer.changes import changes
from sidecritic.viewer.library import Library
from sidecritic.viewer.pairs import paired, turn_by_turn
from sidecritic.viewer.scene import at_hand, paragraphs, spots_of
from sidecritic.viewer.story import story_of
from tests.labelled import episode
from tests.opinions import write_run

POLICY = "# Refunds\n\nAsk for a yes before any refund.\nNever give away vouchers."


def drafted(turn: int, attempt: int, text: str, judgement: Judgement) -> list[Proposed | Judged]:
    message = Assistant(text=text)
    completion = Completion(message=message, finish="stop", model="m")
    return [
        Proposed(turn=turn, attempt=attempt, completion=completion),
        Judged(turn=turn, attempt=attempt, judgement=judgement),
    ]


def refused_twice() -> tuple[Observed | Proposed | Judged | Executed, ...]:
    refusal = Judgement(
        verdict=Revise(feedback="Ask."),
        critic="llm",
        risk=0.9,
        threshold=0.5,
        policy_ref="ask for a YES before any refund",
    )
    yes = Judgement(verdict=Approve(), critic="llm", risk=0.1, threshold=0.5)
    return (
        Observed(observation=Observation(messages=(User(text="Refund me."),))),
        *drafted(0, 0, "I refunded 20.", refusal),
        *drafted(0, 1, "I refunded 20.", refusal),
        *drafted(0, 2, "Shall I refund 20?", yes),
        Executed(turn=0, action=Assistant(text="Shall I refund 20?"), source="actor"),
        Observed(observation=Observation(messages=(User(text="Yes."),))),
    )


def test_every_entry_has_an_address_of_its_own_and_a_repeated_draft_is_told() -> None:
    played = episode(0, wrong=False, user="u").model_copy(update={"events": refused_twice()})
    spots = spots_of(story_of(played), paragraphs(POLICY))
    assert [spot.anchor for spot in spots] == ["t0", "t0a0", "t0a1", "t0a2", "t1"]
    assert [spot.repeated for spot in spots] == [False, False, True, False, False]
    assert [spot.intervention for spot in spots] == [False, True, True, False, False]
    assert [spot.sentence for spot in spots] == ["", "p1", "p1", "", ""]
    gone = "".join(piece.text for piece in spots[2].instead if piece.kind == "gone")
    new = "".join(piece.text for piece in spots[2].instead if piece.kind == "new")
    assert "refunded" in gone and "Shall" in new


def test_what_changed_is_told_by_words_and_only_where_that_is_cheap() -> None:
    pieces = changes('refund({"id": "#W1"})', 'refund({"id": "#W2"})')
    assert [(p.kind, p.text) for p in pieces if p.kind != "same"] == [
        ("gone", "#W1"),
        ("new", "#W2"),
    ]
    assert changes("a", "a") == () and changes("", "a") == ()
    assert changes("x " * 100_000, "y " * 100_000) == ()


def test_two_runs_are_paired_by_task_and_trial(tmp_path: Path) -> None:
    write_run(tmp_path / "one")
    write_run(tmp_path / "two", episode(5, wrong=False, user="u_5"))
    library = Library(tmp_path)
    found = paired(library.run("one"), library.run("two"))
    assert [pair.flip for pair in found.pairs] == ["both failed", "both passed"]
    assert found.unpaired == 1
    story = story_of(library.run("one").trajectory(found.pairs[1].one))
    assert all(turn.is_same for turn in turn_by_turn(story, story))
    played = episode(0, wrong=False, user="u").model_copy(update={"events": refused_twice()[:2]})
    other = turn_by_turn(story, story_of(played))
    assert not all(turn.is_same for turn in other)


def test_what_a_reader_looks_up_is_at_hand(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run")
    (run,) = Library(directory).runs()
    played = run.trajectory(run.rows()[0])
    data = {"instruction": {"reason": "a refund", "hidden": None}, "actions": [{"name": "refund"}]}
    asked = played.model_copy(update={"task": played.task.model_copy(update={"data": data})})
    told = run.record.model_copy(update={"briefings": {"b": Briefing(policy=POLICY)}})
    hand = at_hand(asked, told)
    assert hand.instruction == "reason: a refund"
    assert [each.call for each in hand.expected] == ["refund({})"]
    assert len(hand.policy) == 3
