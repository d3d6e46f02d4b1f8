"""No reader among the real clients runs what the critic refused, or never saw as it would run."""

from typing import Any

import pytest

from sidecritic.types import Proposal, Revise
from tests.gateway import Asked, approves, gateway
from tests.javascript.processes import Processes
from tests.javascript.readers import Read, readers
from tests.javascript.streams import CASES, REFUND, Case
from tests.wire import Received, Reply, chat, messages, text_block, wire_server
from tests.wires.streams import (
    chat_stream,
    messages_stream,
    output_text,
    response,
    response_stream,
    spoken,
)

pytestmark = pytest.mark.javascript

EACH = [(api, name) for api, cases in CASES.items() for name in cases]
SETTLED = [(api, name) for api, name in EACH if CASES[api][name].means is not None]


every_case = pytest.mark.parametrize(("api", "name"), EACH)
every_settled_case = pytest.mark.parametrize(("api", "name"), SETTLED)


def ended(api: str, stream: bool) -> Reply:
    """Return an answer without calls, for what comes after the case."""
    if api == "chat":
        return chat_stream(spoken("Done.")) if stream else chat("Done.")
    if api == "messages":
        return (messages_stream if stream else messages)(text_block("Done."))
    return (response_stream if stream else response)(output_text("Done."))


def upstream(api: str, case: Case) -> Any:
    """Serve the case to whoever begins, and an end to whoever goes on."""

    def answer(received: Received) -> Reply:
        said = received.body.get("messages") or received.body["input"]
        begins = isinstance(said, str) or len(said) == 1
        return case.reply if begins else ended(api, case.stream)

    return wire_server(answer)


def refuses_danger() -> Asked:
    """Refuse what a check would refuse that looks at names and arguments."""

    def judge(proposal: Proposal) -> Revise | None:
        bad = [c.id for c in proposal.action.calls if (c.name, c.arguments) in REFUND]
        return Revise(feedback="Not that.", calls=tuple(bad)) if bad else None

    return Asked(judge)


def approved(critic: Asked) -> list[tuple[str, Any]]:
    """Return name and arguments of all calls that the critic saw and let pass."""
    passed = (p.action for p in critic.seen if critic.judge_with(p) is None)
    return [(call.name, call.arguments) for action in passed for call in action.calls]


def fits(case: Case, read: Read) -> bool:
    return read.ran == case.means and (bool(case.means) or read.text == case.says)


@every_settled_case
def test_what_settles_a_case_is_how_some_client_reads_it(
    everyone: Processes, api: str, name: str
) -> None:
    case = CASES[api][name]
    with upstream(api, case) as server:
        read = {who: it(server.root, case.stream) for who, it in readers(everyone, api).items()}
    assert any(fits(case, each) for each in read.values()), read


@every_case
def test_no_reader_runs_what_the_critic_refused_or_never_saw(
    everyone: Processes, api: str, name: str
) -> None:
    case, critic = CASES[api][name], refuses_danger()
    ran: dict[str, Any] = {}
    with upstream(api, case) as server, gateway(server.root, critic=critic) as door:
        for who, it in readers(everyone, api).items():
            critic.seen.clear()
            got = it(door.root, case.stream).ran
            ran[who] = [call for call in got if call not in approved(critic)]
    assert not any(ran.values()), ran


@every_settled_case
def test_what_is_settled_is_what_the_critic_sees_and_every_reader_reads(
    everyone: Processes, api: str, name: str
) -> None:
    case, critic = CASES[api][name], approves()
    with upstream(api, case) as server, gateway(server.root, critic=critic) as door:
        read = {who: it(door.root, case.stream) for who, it in readers(everyone, api).items()}
    assert {who: each for who, each in read.items() if not fits(case, each)} == {}
    action = critic.seen[0].action
    assert [(call.name, call.arguments) for call in action.calls] == case.means
    assert action.text == case.says
