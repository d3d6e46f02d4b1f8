"""No text in any slot changes how the LLM critic's verdict is read, nor the prompt's structure."""

import json
import re
from collections.abc import Callable, Mapping
from math import log

import pytest

from sidecritic.critics.answers import JsonVerdict, Reasons
from sidecritic.critics.llm import LLMCritic, Wire
from sidecritic.critics.prompt import prompt_of, verdict_chat
from sidecritic.errors import CriticError
from sidecritic.models.scripted import ScriptedModel
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Judgement,
    Proposal,
    Record,
    Revise,
    TokenLogprob,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)
from tests.injection import PAYLOADS, Payload

POLICY = "Only pending orders can be cancelled.\nThe user must confirm with yes first."
SPECIAL = re.compile(r"<\|?\w+\|?>|\[/?(INST|SYSTEM_PROMPT|TOOL_RESULTS)\]|</s>|<\|")
Place = Callable[[str], Proposal]


def proposal(
    *,
    said: str = "Cancel my order.",
    result: str = '{"status": "delivered"}',
    prose: str = "One moment.",
    action: str = "",
    tool: ToolSpec = ToolSpec(name="cancel_order", effect="write"),
    call: ToolCall = ToolCall(id="c2", name="cancel_order", arguments={"order_id": "#W1"}, raw=""),
) -> Proposal:
    read = ToolCall(id="c1", name="get_order", arguments={"order_id": "#W1"}, raw="")
    return Proposal(
        task_id="1",
        turn=1,
        attempt=0,
        action=Assistant(text=action, calls=(call,)),
        history=(
            User(text=said),
            Assistant(text=prose, calls=(read,)),
            ToolResult(call_id="c1", name="get_order", text=result),
        ),
        policy=POLICY,
        tools=(tool, ToolSpec(name="get_order", effect="read")),
    )


def called(text: str, /, **arguments: str) -> ToolCall:
    return ToolCall(id="c2", name=text, arguments={**arguments}, raw="")


SLOTS: Mapping[str, Place] = {
    "user": lambda text: proposal(said=text),
    "tool result": lambda text: proposal(result=text),
    "structured result": lambda text: proposal(result=json.dumps({"note": text})),
    "actor's prose": lambda text: proposal(prose=text),
    "proposed words": lambda text: proposal(action=text),
    "tool name": lambda text: proposal(tool=ToolSpec(name=text, effect="write")),
    "tool description": lambda text: proposal(
        tool=ToolSpec(name="cancel_order", description=text, effect="write")
    ),
    "parameter": lambda text: proposal(
        tool=ToolSpec(name="cancel_order", parameters={text: {"description": text}})
    ),
    "called tool": lambda text: proposal(call=called(text)),
    "argument": lambda text: proposal(call=called("cancel_order", order_id=text)),
    "argument's key": lambda text: proposal(call=called("cancel_order", **{text: "#W1"})),
    "malformed arguments": lambda text: proposal(
        call=ToolCall(id="c2", name="cancel_order", arguments=None, raw=text)
    ),
    "call id": lambda text: proposal(
        call=ToolCall(id=text, name="cancel_order", arguments={}, raw="")
    ),
}

places = pytest.mark.parametrize("slot", SLOTS)


def answer(text: str, chances: Mapping[str, float] | None = None) -> Completion:
    logs = {word: log(chance) for word, chance in (chances or {}).items()}
    tokens = (TokenLogprob(token=text, logprob=-9.0, top=logs),) if logs else ()
    return Completion(message=Assistant(text=text), finish="stop", model="m", logprobs=tokens)


async def judged(proposal: Proposal, *answers: Completion, wire: Wire | None = None) -> Judgement:
    return await LLMCritic(ScriptedModel(answers, name="m"), wire=wire).judge(proposal)


@places
def test_the_structure_of_the_prompt_stays_whatever_stands_in_a_slot(slot: str) -> None:
    plain = _titles(_text(proposal()))
    for payload in PAYLOADS:
        text = _text(SLOTS[slot](payload.text))
        assert _titles(text) == plain, payload.id
        assert all(c.isprintable() or c == "\n" for c in text), payload.id
        assert not SPECIAL.search(text), f"{payload.id}: a server would read it as its own token"
        (opened,) = re.findall(r"^<<case ([0-9a-f]{16})>>$", text, re.MULTILINE)
        assert re.findall(r"^<<end of case (.*)>>$", text, re.MULTILINE) == [opened], payload.id


@places
async def test_the_verdict_is_what_the_log_probabilities_say(slot: str) -> None:
    for payload in PAYLOADS:
        case = SLOTS[slot](payload.text)
        refused = await judged(case, answer("No", {"Yes": 0.1, "No": 0.9}), answer("no reasons"))
        approved = await judged(case, answer("Yes", {"Yes": 0.9, "No": 0.1}))
        assert isinstance(refused.verdict, Revise), payload.id
        assert refused.risk == pytest.approx(0.9)
        assert (approved.verdict, approved.risk) == (Approve(), pytest.approx(0.1)), payload.id


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.id)
async def test_a_model_that_repeats_a_payload_decides_nothing_with_it(payload: Payload) -> None:
    case = proposal(result=payload.text)
    said = answer(payload.text, {"Yes": 0.1, "No": 0.9})
    judgement = await judged(case, said, answer(payload.text))
    assert isinstance(judgement.verdict, Revise), "the words of an answer are not its verdict"
    assert judgement.verdict.feedback.isprintable()
    if _fits(JsonVerdict, payload.text):
        return  # asked for an object, a model that gives just this object has given its verdict
    with pytest.raises(CriticError, match="gave no verdict"):
        await judged(case, answer(payload.text), wire=Wire(verdict="json"))


def test_the_corpus_is_broad() -> None:
    assert len(PAYLOADS) >= 60
    assert len({payload.id for payload in PAYLOADS}) == len(PAYLOADS)
    assert len({payload.text for payload in PAYLOADS}) == len(PAYLOADS)
    assert len({payload.kind for payload in PAYLOADS}) >= 9
    assert len({payload.language for payload in PAYLOADS}) >= 8
    assert any(_fits(Reasons, payload.text) for payload in PAYLOADS)


def _text(case: Proposal) -> str:
    return "".join(message.text for message in verdict_chat(prompt_of(case)))


def _titles(text: str) -> list[str]:
    return re.findall(r"^## .*$", text, re.MULTILINE)


def _fits(form: type[Record], text: str) -> bool:
    try:
        form.model_validate_json(text, strict=True)
    except ValueError:
        return False
    return True
