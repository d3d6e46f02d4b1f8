"""Tasks that a language model writes: from the same records, verified the same way.

The model's answer is untrusted: it is a form, and one that cannot be used is a counted rejection.
"""

import json
import re
from collections.abc import Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.errors import ModelError, ModelUnavailable
from sidecritic.forms import Filler
from sidecritic.ports import Model
from sidecritic.simulation.task_record import Action, argument_leaves, is_write
from sidecritic.synthesis.drafts import ACCEPTS, Domain, Introduction, TaskDraft, Wish
from sidecritic.synthesis.verifier import Rejection
from sidecritic.types import Message, Record, System, ToolSpec, User
from sidecritic.values import parse_object

LONGEST = 1500
"""Characters of one text of a scenario."""

MOST_ACTIONS = 12

_ID = re.compile(r"(_ids?|number)$")


class WrittenCall(Record):
    name: str
    arguments: str
    """A JSON object as text: schemas of servers allow no object of unknown shape."""


class WrittenTask(Record):
    """What the model is asked for."""

    reason_for_call: str
    known_info: str
    task_instructions: str
    actions: list[WrittenCall]
    communicate_info: list[str]
    forbidden: WrittenCall | None
    """What the user asks for although the policy refuses it; null in most tasks."""


_PROMPT = """\
You write test tasks for a customer service agent. A task says what a customer wants, to a person
who will play that customer, and which tool calls solve it.

Rules:
- Write to the customer, as "You want ...". Exactly one outcome must be right: name every value
  that the solution depends on, such as the payment method, in words that fit nothing else.
- `known_info` says who the customer is: name, and e-mail address or user id.
- `task_instructions` holds the manner, and what the customer does when asked for a choice.
- `actions` holds the calls that change records, in order, after the look-ups that they need.
  Arguments are a JSON object, as text. Every call must succeed on the records below.
- Obey the policy. {case}
- `communicate_info` holds texts, such as a sum, that the agent must say; usually nothing.
- Do not use anybody who is not in the records.

<policy>
{policy}
</policy>

<tools>
{tools}
</tools>"""

_LEGAL = "The customer asks for nothing that it refuses; `forbidden` is null."
_REFUSED = (
    "But this time the customer asks for something that it refuses. Put that call into "
    "`forbidden` and leave it out of `actions`, which may then hold look-ups only."
)


class ModelAuthor:
    """An author who asks a model."""

    def __init__(
        self,
        model: Model,
        domain: Domain,
        users: Sequence[str],
        *,
        policy: str,
        tools: Sequence[ToolSpec],
    ) -> None:
        """Ask `model` for tasks of `users`, who may all be learned from."""
        self._filler = Filler(model, max_tokens=2048, temperature=None)
        self.domain = domain
        self.users = users
        self._policy = policy
        self._tools = tools
        self.name = model.name

    async def draft(self, rng: Random, *, refuse: bool) -> TaskDraft | Rejection:
        """Return what the model wrote about a user drawn by `rng`, or why it is of no use.

        Raises:
            ModelUnavailable: the model cannot be reached at all.
        """
        user = rng.choice(self.users)
        try:
            filled = await self._filler.fill(WrittenTask, self._chat(user, rng, refuse=refuse))
        except ModelUnavailable:
            raise
        except ModelError as cause:
            return Rejection("the model's answer is not a task", str(cause))
        return self._read(filled.form, user, refuse=refuse)

    def _chat(self, user: str, rng: Random, *, refuse: bool) -> tuple[Message, ...]:
        tools: list[JsonValue] = [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            for tool in self._tools
        ]
        rules = _PROMPT.format(
            case=_REFUSED if refuse else _LEGAL, policy=self._policy, tools=json.dumps(tools)
        )
        records = json.dumps(self.domain.dossier(user))
        # A number that differs, so that a model without temperature does not repeat itself.
        asked = f"Write task number {rng.randrange(10**6)} for this customer.\n\n{records}"
        return System(text=rules), User(text=asked)

    def _read(self, form: WrittenTask, user: str, *, refuse: bool) -> TaskDraft | Rejection:
        problem = _unusable(form, refuse=refuse)
        if problem is not None:
            return problem
        written = [*form.actions, *filter(None, (form.forbidden,))]
        broken = [call.name for call in written if parse_object(call.arguments) is None]
        if broken:
            return Rejection("arguments are not a JSON object", broken[0])
        calls = tuple(map(_action, form.actions))
        unsaid = _unsaid(form, self.domain.dossier(user), calls)
        if unsaid:
            return Rejection("the solution needs an unknown identifier", unsaid)
        writes = tuple(action for action in calls if is_write(action.name, self._tools))
        looks = tuple(action for action in calls if action not in writes)
        wish = Wish(
            kind=f"written, {'refused' if refuse else 'granted'}",
            text=form.reason_for_call.strip(),
            touches=user,
            looks=looks,
            writes=writes,
            asides=(form.task_instructions.strip(), *((ACCEPTS,) if refuse else ())),
            tells=tuple(form.communicate_info),
            forbidden=_action(form.forbidden) if form.forbidden else None,
        )
        known = Introduction(form.known_info.strip(), looks=self.domain.introduced(user))
        return TaskDraft(user, known, (wish,), author=f"model {self.name}")


def _unusable(form: WrittenTask, *, refuse: bool) -> Rejection | None:
    texts = (form.reason_for_call, form.known_info, form.task_instructions)
    if not all(text.strip() for text in texts[:2]):
        return Rejection("a text of the scenario is empty")
    if any(len(text) > LONGEST for text in texts):
        return Rejection("a text of the scenario is too long", f"at most {LONGEST} characters")
    if len(form.actions) > MOST_ACTIONS:
        return Rejection("too many actions", f"{len(form.actions)}, at most {MOST_ACTIONS}")
    if refuse != (form.forbidden is not None):
        return Rejection("not of the kind asked for", "refused" if refuse else "granted")
    return None


def _action(call: WrittenCall) -> Action:
    return Action(call.name, parse_object(call.arguments) or {})


def _unsaid(form: WrittenTask, dossier: JsonValue, actions: Sequence[Action]) -> str:
    """Return an identifier of a call that stands neither in the scenario nor in the records."""
    words = (form.reason_for_call, form.known_info, form.task_instructions, json.dumps(dossier))
    known = "\n".join(words)
    found = (
        f"{action.name}: {key} {value}"
        for action in actions
        for key, value in argument_leaves(action.arguments)
        if isinstance(value, str) and _ID.search(key) and value not in known
    )
    return next(found, "")
