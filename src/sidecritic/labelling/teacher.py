"""Labels by a teacher: a model that sees the reference writes the feedback.

A teacher counts only where its feedback works: the episode is continued from the proposal with
it and without, and the interval of the difference must lie above 0. Feedback that did not work
becomes the other half of a preference pair.
"""

from dataclasses import dataclass

from pydantic import JsonValue

from sidecritic.critics.prompt import prompt_of
from sidecritic.critics.quoting import quoted
from sidecritic.forms import Filler
from sidecritic.gates import Gate
from sidecritic.labelling.advantage import Branch, Effort, Players, advantage
from sidecritic.labelling.branching import measured
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import LoggedProposal, about, logged_proposals
from sidecritic.labelling.scene import Scene
from sidecritic.simulation.task_record import reference_of
from sidecritic.types import Assistant, Message, Record, Task, User

WEIGHT = 0.8
LESSONS = 2
"""How often the teacher may try."""

_QUESTION = """\
You are the critic's teacher, and know more than the critic: REFERENCE holds the actions and words \
that solve the task. The episode of this action failed. Is the action in the CASE wrong: does it \
depart from the reference, leave something of it out at the end, or break the POLICY? If so, \
write the feedback that makes the actor do the right thing now. It must rest on the policy, the \
conversation and the results of tools, as if you did not know the reference, and take at most \
three sentences. Answer with one JSON object and nothing else: {"wrong": true or false, \
"feedback": the feedback, or ""}."""

_AGAIN = """\
The actor was told that several times and did no better. Write other feedback, in the same form."""


class Lesson(Record):
    """What a teacher says of a proposal."""

    wrong: bool
    feedback: str


@dataclass(frozen=True, slots=True)
class Teacher:
    filler: Filler
    players: Players
    effort: Effort
    gate: Gate = "writes+final"


async def by_teacher(scene: Scene, teacher: Teacher) -> list[Label]:
    """Return labels of the gated proposals of a failed episode, by feedback that helped.

    A teacher that does not answer in the form has said nothing of that proposal.

    Raises:
        ModelError: the teacher cannot be reached.
    """
    trajectory = scene.trajectory
    outcome = trajectory.ended.outcome if trajectory.ended else None
    if outcome is None or outcome.reward >= 1:
        return []
    found: list[Label] = []
    for place in logged_proposals(trajectory, scene.briefing, gate=teacher.gate):
        if place.executed and (label := await _taught(scene, place, teacher)) is not None:
            found.append(label)
    return found


async def _taught(scene: Scene, place: LoggedProposal, teacher: Teacher) -> Label | None:
    snapshot = scene.rebuilt.before.get(place.proposal.turn)
    if snapshot is None:
        return None
    chat = _chat(scene.trajectory.task, place)
    failed: list[str] = []
    for _ in range(LESSONS):
        lesson = (await teacher.filler.fill(Lesson, chat)).form
        feedback = lesson.feedback.strip()
        if not lesson.wrong or not feedback:
            return None
        branch = Branch(scene.trajectory, place, snapshot, feedback)
        effect = await advantage(branch, teacher.players, teacher.effort)
        if effect is not None and effect.helps:
            return Label(
                source="teacher",
                wrong=True,
                weight=WEIGHT,
                category="taught",
                feedback=feedback,
                unhelpful=tuple(failed),
                **about(scene.trajectory, place),
                **measured(effect),
            )
        failed.append(feedback)
        answer = Assistant(text=lesson.model_dump_json())
        chat = (*chat, answer, User(text=_AGAIN))
    return None


def _chat(task: Task, place: LoggedProposal) -> tuple[Message, ...]:
    reference = reference_of(task)
    actions: list[JsonValue] = [
        {
            "by": "user" if action.by_user else "actor",
            "tool": action.name,
            "arguments": dict(action.arguments),
        }
        for action in reference.actions
    ]
    solves: dict[str, JsonValue] = {"actions": actions, "to_be_said": [*reference.communicate]}
    question = f"{_QUESTION}\nREFERENCE {quoted(solves)}"
    return prompt_of(place.proposal).asking(question)
