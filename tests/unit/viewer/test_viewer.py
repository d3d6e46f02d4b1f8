"""The pages of a run: what a person must be able to see, and what untrusted text must not do."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.runs import Run, RunRecord
from sidecritic.trace import Ended, Event, Executed, Judged, Observed, Proposed, Trajectory
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Fault,
    Flag,
    Judgement,
    Observation,
    Outcome,
    Revise,
    Task,
    ToolCall,
    ToolResult,
    User,
)
from sidecritic.viewer import write_site
from sidecritic.viewer.story import story_of

HOSTILE = "</p><script>alert(1)</script><img src=http://evil.test/x>\x1b[31m\u202e"


def proposed(action: Assistant, attempt: int, *faults: Fault) -> Proposed:
    completion = Completion(message=action, finish="stop", model="m", faults=faults)
    return Proposed(turn=0, attempt=attempt, completion=completion)


def judged(verdict: Approve | Revise, attempt: int, *, calibrated: bool = False) -> Judged:
    flag = Flag(name="other card", risk=0.6, evidence="card_2")
    judgement = Judgement(
        verdict=verdict, critic="policy", risk=0.91, calibrated=calibrated, flags=(flag,)
    )
    return Judged(turn=0, attempt=attempt, judgement=judgement)


def episode(text: str = "Refund it.", *, calibrated: bool = False) -> Trajectory:
    call = ToolCall(id="1", name="refund", arguments={"card": text}, raw="")
    result = ToolResult(call_id="1", name="refund", text=text)
    events: tuple[Event, ...] = (
        Observed(observation=Observation(messages=(User(text=text),))),
        proposed(Assistant(calls=(call,)), 0, Fault(kind="wrong_payment", step=1, note=text)),
        judged(Revise(feedback=f"Use card_1. {text}"), 0, calibrated=calibrated),
        proposed(Assistant(calls=(call,)), 1),
        judged(Approve(), 1),
        Executed(turn=0, action=Assistant(calls=(call,)), source="actor"),
        Observed(observation=Observation(messages=(result,), done=True)),
        Ended(reason="env_done", outcome=Outcome(reward=1.0, passed=True, parts={"DB": 1.0})),
    )
    task = Task(id=text[:12], env="shop", split="test")
    return Trajectory(
        id="1", task=task, trial=0, actor="a", critic="c", simulated=("actor",), events=events
    )


def run_of(directory: Path, *trajectories: Trajectory) -> Run:
    record = RunRecord(
        command="sidecritic eval", settings={}, episodes=3, versions={}, briefings={}
    )
    return Run(directory, record, trajectories, ())


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


def test_a_refused_draft_its_feedback_and_what_ran_in_its_place_are_told_apart() -> None:
    story = story_of(episode())
    assert [entry.tone for entry in story.entries] == ["user", "refused", "agent", "tool", "end"]
    refused, executed = story.entries[1], story.entries[2]
    assert "Use card_1." in refused.feedback
    assert refused.flags == ("+ other card: card_2",)
    assert refused.faults == ("wrong_payment: Refund it.",)
    assert (executed.feedback, executed.faults) == ("", ())
    assert (story.result, story.refused, story.faults) == ("passed", 1, 1)


OTHER = Assistant(text="Something else.")


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ((Executed(turn=0, action=OTHER, source="critic"),), ["held", "critic"]),
        ((Executed(turn=0, action=OTHER, source="fallback"),), ["held", "fallback"]),
        ((Ended(reason="escalated"),), ["held", "end"]),
        ((), ["last"]),
    ],
)
def test_a_draft_that_nobody_sent_back_and_nobody_ran_is_told_once(
    events: tuple[Event, ...], told: list[str]
) -> None:
    plain = episode()
    draft = proposed(Assistant(text="Shall I?"), 0)
    story = story_of(plain.model_copy(update={"events": (draft, *events)}))
    assert [entry.tone for entry in story.entries] == told
    assert story.entries[0].text == "Shall I?"
    assert [entry.ask is not None for entry in story.entries] == [True] + [False] * len(events)
    assert story.refused == 0


def test_a_draft_that_ran_although_it_was_refused_is_asked_about_once() -> None:
    draft = proposed(OTHER, 0, Fault(kind="wrong_item", step=0))
    ran = Executed(turn=0, action=OTHER, source="actor", approved=False)
    events = (draft, judged(Revise(feedback="No."), 0), ran)
    story = story_of(episode().model_copy(update={"events": events}))
    assert [(entry.tone, entry.ask is not None) for entry in story.entries] == [
        ("refused", True),
        ("open", False),
    ]
    assert story.faults == 1


@pytest.mark.parametrize(
    ("calibrated", "words"), [(False, "score 0.91"), (True, "probability of a mistake 0.91")]
)
def test_a_risk_is_called_a_probability_only_when_it_is_one(calibrated: bool, words: str) -> None:
    refused = story_of(episode(calibrated=calibrated)).entries[1]
    assert words in refused.verdict


def test_text_of_others_is_shown_and_does_nothing(tmp_path: Path) -> None:
    index = write_site(run_of(tmp_path, episode(HOSTILE)), tmp_path / "view")
    pages = [page.read_text() for page in (index, *index.parent.glob("episode-*.html"))]
    for text in pages:
        tags = Tags()
        tags.feed(text)
        assert not {"img", "iframe"} & set(tags.found)
        assert tags.found.count("script") == 1  # ours: see test_viewer_labels.py
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "default-src 'none'" in text
    assert "&lt;script&gt;" in pages[-1]


def test_pages_link_to_each_other_and_say_what_was_simulated(tmp_path: Path) -> None:
    index = write_site(run_of(tmp_path, episode(), episode()), tmp_path / "view")
    assert "2 of 3 episodes" in index.read_text()
    first = (index.parent / "episode-00001.html").read_text()
    assert 'href="episode-00002.html"' in first
    assert "simulated: actor" in first


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot write the pages to .*file"):
        write_site(run_of(tmp_path, episode()), tmp_path / "file")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    run, full = run_of(tmp_path, episode()), tmp_path / "documents"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds 'thesis\.txt', which is no page of a run"):
        write_site(run, full)
    assert [each.name for each in full.iterdir()] == ["thesis.txt"]

    (full / "thesis.txt").rename(full / "index.html")
    with pytest.raises(ConfigError, match=r"holds 'index\.html'"):
        write_site(run, full)


def test_pages_are_written_anew_where_pages_are_whatever_a_reader_put_beside_them(
    tmp_path: Path,
) -> None:
    run, out = run_of(tmp_path, episode()), tmp_path / "view"
    write_site(run, out)
    (out / "labels.json").write_text("{}")
    assert write_site(run, out) == out / "index.html"
