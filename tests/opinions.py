"""A run that a reader labels in its pages, and the file that these pages then give.

`OPINIONS` is compared with what a browser downloads (`make test-browser`) and is what the tests of
the labels read: the two ends meet here.
"""

import json
from pathlib import Path

from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord
from sidecritic.trace import Executed, Judged, Proposed, Trajectory, to_line
from sidecritic.types import Approve, Assistant, Completion, Judgement, Revise, ToolCall
from tests.labelled import BRIEFING, episode
from tests.rounds import graded

ODD = "t'\"</script><!--&amp;é\u202e"
"""An id that does harm wherever it is taken for markup or changed on its way."""

CALL = "c'2\"<"

ADVICE = 'Put "2" <b>back</b>.\n</script><!-- é \\'

READER = "jo"


def batch() -> Trajectory:
    """Return an episode in which two calls at once are refused, and a message is sent then."""
    calls = tuple(
        ToolCall(id=id, name="put", arguments={"at": at}, raw=f'{{"at": {at}}}')
        for at, id in enumerate(("c1", CALL))
    )
    drafts = (Assistant(calls=calls), Assistant(text="Shall I put it there?"))
    verdicts = (Revise(feedback="Ask first."), Approve())
    events: list[Proposed | Judged] = []
    for attempt, (draft, verdict) in enumerate(zip(drafts, verdicts, strict=True)):
        completion = Completion(message=draft, finish="stop", model="acts")
        events += [
            Proposed(turn=0, attempt=attempt, completion=completion),
            Judged(turn=0, attempt=attempt, judgement=Judgement(verdict=verdict, critic="policy")),
        ]
    plain = episode(1, wrong=False, user="ben_ito_1002")
    opening, *_ = plain.events
    executed = Executed(turn=0, action=drafts[1], source="actor")
    return plain.model_copy(
        update={"id": ODD, "events": (opening, *events, executed, graded(True))}
    )


def write_run(directory: Path, *more: Trajectory) -> Path:
    """Write a run of an episode with a mistake, and of one with a batch; return its directory."""
    trajectories = (episode(0, wrong=True, user="ana_ruiz_1001"), batch(), *more)
    record = RunRecord(
        command="sidecritic eval",
        settings={},
        episodes=len(trajectories),
        versions={},
        briefings={"b": BRIEFING},
    )
    directory.mkdir(parents=True)
    (directory / RUN_FILE).write_text(record.model_dump_json())
    (directory / TRAJECTORIES_FILE).write_text("".join(map(to_line, trajectories)))
    return directory


def _line(**said: object) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


FIRST = _line(trajectory="t0", turn=0, attempt=0, wrong=True, feedback=ADVICE, by=READER)

OPINIONS = (
    FIRST
    + _line(trajectory=ODD, turn=0, attempt=0, call_id=CALL, wrong=True, by=READER)
    + _line(trajectory=ODD, turn=0, attempt=1, wrong=False, by=READER)
)
"""The first action is wrong, with advice; one call of the batch is; the message is right."""
