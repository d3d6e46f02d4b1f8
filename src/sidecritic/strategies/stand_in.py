"""A stand-in for the model behind a strategy's reviewer, verifier or rewriter, or a critic.

It needs no server: it fills in any form with the least that the form allows, which approves,
and blocks now and then, always the same for the same request. Numbers made with it are
simulated.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from sidecritic.errors import ModelError
from sidecritic.forms import form_name
from sidecritic.models.decisions import answered, asked_in
from sidecritic.types import Assistant, Completion, Request, TokenLogprob

ONE_WORD = "Answer with that one word."
"""How a critic's prompt ends that is to be answered by the word drawn."""

FEEDBACK = (
    "Check it against the policy and against what the user asked for and confirmed; "
    "if something is missing, ask the user to confirm first."
)


class StandIn:
    """Fills in forms without reading what is asked."""

    name = "stand-in"
    simulated = True

    def __init__(self, *, blocks: float = 0.1) -> None:
        """Answer the share `blocks` of requests with `block`."""
        self._blocks = blocks

    async def complete(self, request: Request) -> Completion:
        """Return a form, or the verdict token of an LLM critic.

        Raises:
            ModelError: the request asks for neither.
        """
        if request.sampling.top_logprobs:
            yes = TokenLogprob(token="Yes", logprob=-0.1, top={"Yes": -0.1, "No": -2.4})
            return self._completion("Yes", yes)
        if questions := asked_in(request):
            return answered(
                {q.name: dict.fromkeys(q.choices, 0.0) or 0.0 for q in questions}, self.name
            )
        if request.messages[-1].text.endswith(ONE_WORD):
            return self._completion("Yes")
        if not form_name(request):
            raise ModelError(f"model {self.name!r} can fill in forms only, and was asked for text")
        format_ = cast("dict[str, Any]", request.sampling.extra["response_format"])
        schema = cast("dict[str, Any]", format_["json_schema"]["schema"])
        filled: dict[str, Any] = {key: _least(value) for key, value in schema["properties"].items()}
        can_block = "block" in schema["properties"].get("verdict", {}).get("enum", ())
        if can_block and self._minds(request):
            filled |= {"verdict": "block", "feedback": FEEDBACK}
        return self._completion(json.dumps(filled))

    def _completion(self, text: str, *token: TokenLogprob) -> Completion:
        said = Assistant(text=text)
        return Completion(message=said, finish="stop", model=self.name, logprobs=token)

    def _minds(self, request: Request) -> bool:
        seen = "\n".join(message.text for message in request.messages[-2:])
        return int(sha256(seen.encode()).hexdigest()[:8], 16) / 2**32 < self._blocks


def _least(schema: Mapping[str, Any]) -> Any:
    """Return the least value that a schema allows; of an enumeration, its first."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kinds: Mapping[str, Any] = {"boolean": False, "array": [], "object": {}, "string": ""}
    if schema.get("type") in ("integer", "number"):
        return schema.get("minimum", 0)
    return kinds.get(str(schema.get("type")), "")
