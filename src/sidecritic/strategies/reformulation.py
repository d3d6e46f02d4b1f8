"""Input reformulation: what the actor reads is enriched; what it does is not checked.

Source: IRMA, *How Can Input Reformulation Improve Tool Usage Accuracy* (arXiv:2508.20931): the
user's message is rewritten with a memory of the user's requests, the rules that matter, and the
tools that may help.

Different here: one request to the helper gives rules and tools, where the original has an agent
for each; the memory is the user's own words; the prompts are ours. The notes are made once for a
message of the user, kept as `reasoning` of the answer to it, and stand below that message, whose
own words stay as they are, in every later request of the same turn.
"""

from sidecritic.strategies.base import Account, Strategy, is_from_user
from sidecritic.types import Assistant, Completion, Message, Record, Request, User

_QUESTION = """\
[preparation] Do not answer the user yet. Read the user's last message in the light of the \
conversation and answer with one JSON object and nothing else: {"rules": the rules of the policy \
that matter for what to do next, each copied or shortened, at most six, "tools": the names of \
the tools that may help, at most four}."""


class Notes(Record):
    """What the helper finds in the rules for the user's message."""

    rules: list[str]
    tools: list[str]


class Reformulation(Strategy):
    """Adds notes to the user's last message."""

    label = "reformulation"

    async def complete(self, request: Request) -> Completion:
        """Return the actor's answer to the enriched message.

        Raises:
            ModelError: an answer or the notes failed.
        """
        account = Account()
        said = [at for at, message in enumerate(request.messages) if is_from_user(message)]
        if not said:
            return await account.ask(self._actor, request)
        last = said[-1]
        since = (m for m in request.messages[last + 1 :] if isinstance(m, Assistant))
        kept = next((action.reasoning for action in since if action.reasoning), None)
        notes = kept or await self._notes(request, last, account)
        plain = [_without_reasoning(message) for message in request.messages]
        plain[last] = User(text=f"{request.messages[last].text}\n\n{notes}")
        enriched = request.model_copy(update={"messages": tuple(plain)})
        completion = await account.ask(self._actor, enriched)
        message = completion.message.model_copy(update={"reasoning": notes})
        return account.close(completion, message)

    async def _notes(self, request: Request, last: int, account: Account) -> str:
        before = request.model_copy(update={"messages": request.messages[: last + 1]})
        found = await account.fill(self._helper, Notes, before, _QUESTION)
        requests = [m.text for m in before.messages if is_from_user(m)]
        tools = [f"{t.name}: {t.description}" for t in request.tools if t.name in found.tools]
        sections = (
            ("What the user has said so far", requests),
            ("Rules that matter now", found.rules),
            ("Tools that may help", tools),
        )
        notes = ["[notes for the agent, not written by the user]"]
        for title, lines in sections:
            if lines:
                notes += [f"{title}:", *(f"- {' '.join(line.split())}" for line in lines)]
        return "\n".join(notes)


def _without_reasoning(message: Message) -> Message:
    if isinstance(message, Assistant) and message.reasoning:
        return message.model_copy(update={"reasoning": None})
    return message
