"""Best of N: several drafts of each action, of which a verifier picks one before it takes effect.

Source: the best-of-N rival of Reinforced Agent (arXiv:2604.27233) and of LLM-as-a-verifier work,
there over whole answers; here over single actions, because an episode has one attempt.

The first draft is sampled as the request says, the others with temperature 1 where the request
sets a lower one, and each with its own seed. Drafts that do the same are shown once; when only
one is left the verifier is not asked.
"""

import asyncio

from pydantic import Field

from sidecritic.errors import ConfigError, ModelError
from sidecritic.ports import Model
from sidecritic.strategies.base import Account, Strategy, shown
from sidecritic.types import Completion, Record, Request

_QUESTION = """\
[selection] These actions are proposed as the next one, and none has been taken yet:
{options}
Which is best: permitted by the rules, right by all that the user and the tools have said, and \
wanted by the user? Answer with one JSON object and nothing else: {{"choice": its number, \
"reason": one sentence}}."""


class Choice(Record):
    """Which draft the verifier picks."""

    choice: int = Field(ge=1)
    reason: str


class BestOfN(Strategy):
    """Lets the helper pick among `n` drafts."""

    label = "best_of_n"

    def __init__(self, actor: Model, verifier: Model | None = None, *, n: int = 3) -> None:
        super().__init__(actor, verifier)
        if n < 1:
            raise ConfigError(f"best of {n}: at least one draft is needed")
        self._n = n

    async def complete(self, request: Request) -> Completion:
        """Return the draft that the verifier picks.

        Raises:
            ModelError: a draft failed, or the verifier picked none.
        """
        account = Account()
        drawn = await asyncio.gather(
            *(account.ask(self._actor, _varied(request, number)) for number in range(self._n))
        )
        drafts = list({shown(draft.message): draft for draft in reversed(drawn)}.values())[::-1]
        if len(drafts) == 1:
            return account.close(drafts[0])
        options = (f"{number}. {shown(d.message)}" for number, d in enumerate(drafts, start=1))
        question = _QUESTION.format(options="\n".join(options))
        picked = await account.fill(self._helper, Choice, request, question)
        if picked.choice > len(drafts):
            raise ModelError(
                f"verifier {self._helper.name!r} picked draft {picked.choice} of {len(drafts)}"
            )
        return account.close(drafts[picked.choice - 1])


def _varied(request: Request, number: int) -> Request:
    if number == 0:
        return request
    sampling = request.sampling
    update = {
        "seed": None if sampling.seed is None else sampling.seed + number,
        "temperature": None if sampling.temperature is None else max(sampling.temperature, 1.0),
    }
    return request.model_copy(update={"sampling": sampling.model_copy(update=update)})
