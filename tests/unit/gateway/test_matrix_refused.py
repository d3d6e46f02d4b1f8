"""Conformance where the critic says no: endpoint × stream × shape, on the wire.

In each cell the first draft is refused and the second approved. Nothing of the draft is in the
bytes that the client gets, the critic has been asked once about each proposal, and what leaves is
well formed event by event, whoever wrote it.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from sidecritic.types import Assistant, Proposal, Replace, Revise, ToolCall, Verdict
from tests.gateway import Asked, Running, gateway
from tests.wire import Json, Received, Reply, failure, wire_server
from tests.wires.checks import Said, events_of, heard
from tests.wires.shapes import CELLS, SHAPES, Shape, cell_name, two_choices

EVERY_CELL = pytest.mark.parametrize(("endpoint", "shape", "stream"), CELLS, ids=cell_name)
WHOLE = [cell for cell in CELLS if cell[1] not in ("error", "truncated")]
ANSWERED = pytest.mark.parametrize(("endpoint", "shape", "stream"), WHOLE, ids=cell_name)
STREAMED = pytest.mark.parametrize(
    ("endpoint", "shape"), [cell[:2] for cell in WHOLE if cell[2]], ids=cell_name
)
EVERY_ENDPOINT = pytest.mark.parametrize("endpoint", SHAPES)
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])

FEEDBACK = "Not like that."
TRACES = (b"wrong", b"Not like that", b"supervisor")
SORRY = "Sorry, not now."
WRONG, RIGHT = (
    {endpoint: shapes(word) for endpoint, shapes in SHAPES.items()} for word in ("wrong", "right")
)
HALF_WRONG = "n = 2, of which one is refused"


def draft_of(endpoint: str, shape: str) -> Shape:
    """Return what is proposed first."""
    if shape == HALF_WRONG:
        return two_choices("wrong", "fine")
    # Where the revision fails there has to be something to revise.
    return WRONG[endpoint]["text" if shape in ("error", "truncated") else shape]


def revision_of(endpoint: str, shape: str) -> Shape:
    """Return what the hidden round trip brings, which asks for one choice."""
    return RIGHT[endpoint]["text" if shape.startswith("n = 2") else shape]


def is_wrong(proposal: Proposal) -> bool:
    action = proposal.action
    return "wrong" in action.text or any("wrong" in call.raw for call in action.calls)


def refuses_wrong(proposal: Proposal) -> Revise | None:
    return Revise(feedback=FEEDBACK) if is_wrong(proposal) else None


def model(received: Received) -> Reply:
    """Answer with the draft of the cell that the request names, and when told so, better."""
    endpoint, shape = received.path.removeprefix("/v1/"), received.body["model"]
    told = FEEDBACK in str(received.body)
    made = (revision_of if told else draft_of)(endpoint, shape)
    return made.reply(stream=received.body["stream"])


def request(endpoint: str, shape: str, *, stream: bool) -> Json:
    key = "input" if endpoint == "responses" else "messages"
    asked = {"model": shape, "stream": stream, key: [{"role": "user", "content": "Hi"}]}
    return {**asked, "n": 2} if shape.startswith("n = 2") else asked


@dataclass
class Bench:
    door: Running
    critic: Asked
    sent: list[Received] = field(default_factory=list[Received])
    """What the upstream was asked."""

    def ask(self, endpoint: str, shape: str, *, stream: bool) -> httpx2.Response:
        self.critic.seen.clear()
        self.sent.clear()
        body = request(endpoint, shape, stream=stream)
        with httpx2.Client(trust_env=False) as client:
            answer = client.post(f"{self.door.root}/v1/{endpoint}", json=body)
        self.door.settled()
        return answer

    def told(self) -> list[dict[str, Any]]:
        """Return the records of the latest request."""
        rows = self.door.rows()
        latest = max(rows, key=lambda row: row["at"])["request"]
        return [row for row in rows if row["request"] == latest]


@contextmanager
def bench(
    judge: Callable[[Proposal], Verdict | None], upstream: Any = model, **route: Any
) -> Generator[Bench]:
    critic = Asked(judge)
    with wire_server(upstream) as server, gateway(server.root, critic=critic, **route) as door:
        yield Bench(door, critic, server.received)


@pytest.fixture(scope="module")
def enforcing() -> Generator[Bench]:
    with bench(refuses_wrong) as made:
        yield made


@pytest.fixture(scope="module")
def shadowing() -> Generator[Bench]:
    with bench(refuses_wrong, mode="shadow") as made:
        yield made


@pytest.fixture(scope="module")
def exhausted() -> Generator[Bench]:
    always = {"writes": "fallback", "text": "fallback"}
    route: Any = {"max_revisions": 0, "on_exhausted": always, "fallback_text": SORRY}
    with bench(refuses_wrong, **route) as made:
        yield made


@pytest.fixture(scope="module")
def replacing() -> Generator[Bench]:
    call = ToolCall(id="better", name="put", arguments={"order": 2}, raw="")

    def judge(proposal: Proposal) -> Verdict | None:
        better = Assistant(text="right", calls=(call,) if proposal.action.calls else ())
        return Replace(action=better, reason="x") if is_wrong(proposal) else None

    with bench(judge) as made:
        yield made


def require_no_trace(answer: httpx2.Response) -> None:
    for trace in TRACES:
        assert trace not in answer.content
        assert trace.decode() not in str(answer.headers)


# --- refused, then approved --------------------------------------------------------------


@EVERY_CELL
def test_a_refused_draft_is_nowhere_in_the_bytes_and_its_revision_is(
    enforcing: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    answer = enforcing.ask(endpoint, shape, stream=stream)
    require_no_trace(answer)
    revised = revision_of(endpoint, shape)
    reply, proposals = revised.reply(stream=stream), draft_of(endpoint, shape).proposals
    # Each draft is one question, and each revision of one.
    assert len(enforcing.critic.seen) == proposals * (1 + revised.proposals)
    assert len(enforcing.sent) == 1 + proposals, "one hidden round trip for each refused choice"
    if shape == "truncated":
        assert answer.status_code == 502
        assert b"right" not in answer.content, "nothing of an answer that never ended may leave"
    elif proposals == 1:
        assert (answer.status_code, answer.content) == (reply.status, reply.body)
    if shape not in ("error", "truncated"):
        said = heard(endpoint, answer.content, stream=stream)
        assert said == heard(endpoint, reply.body, stream=stream) * proposals
        assert answer.headers["x-sidecritic"] == "revised"


@BOTH_WAYS
def test_of_two_choices_only_the_refused_one_is_asked_for_and_judged_again(
    enforcing: Bench, stream: bool
) -> None:
    answer = enforcing.ask("chat/completions", HALF_WRONG, stream=stream)
    require_no_trace(answer)
    assert heard("chat/completions", answer.content, stream=stream) == [
        Said("right", ()),
        Said("fine", ()),
    ]
    assert len(enforcing.critic.seen) == 3
    assert [received.body["n"] for received in enforcing.sent] == [2, 1]
    assert answer.headers["x-sidecritic"] == "mixed"


@EVERY_CELL
def test_in_shadow_a_refusal_changes_no_byte_and_is_one_question_per_proposal(
    shadowing: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    draft = draft_of(endpoint, shape)
    reply = draft.reply(stream=stream)
    answer = shadowing.ask(endpoint, shape, stream=stream)
    assert (answer.status_code, answer.content) == (reply.status, reply.body)
    assert len(shadowing.critic.seen) == draft.proposals
    assert len(shadowing.sent) == 1
    kept = [(row["verdict"], row["fate"]) for row in shadowing.told()]
    assert kept == [("revise", "released")] * draft.proposals


# --- what the supervisor writes itself ---------------------------------------------------


@ANSWERED
def test_a_fallback_is_a_well_formed_answer_in_every_shape(
    exhausted: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    answer = exhausted.ask(endpoint, shape, stream=stream)
    require_no_trace(answer)
    proposals = draft_of(endpoint, shape).proposals
    assert heard(endpoint, answer.content, stream=stream) == [Said(SORRY, ())] * proposals
    assert len(exhausted.critic.seen) == proposals
    assert len(exhausted.sent) == 1


@ANSWERED
def test_a_replacement_is_a_well_formed_answer_in_every_shape(
    replacing: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    answer = replacing.ask(endpoint, shape, stream=stream)
    require_no_trace(answer)
    draft = draft_of(endpoint, shape)
    has_calls = any(said.calls for said in heard(endpoint, draft.plain.body, stream=False))
    better = Said("right", (("put", {"order": 2}),) if has_calls else ())
    assert heard(endpoint, answer.content, stream=stream) == [better] * draft.proposals
    assert len(replacing.critic.seen) == draft.proposals


# --- streams that have begun -------------------------------------------------------------


def slowly(reply: Reply) -> Reply:
    """Return the reply event by event, so that comments are sent meanwhile."""
    return replace(reply, by_event=True)


SOON: Json = {"keep_alive": 0.002}


@STREAMED
def test_a_stream_that_was_held_is_comments_and_then_the_revision(
    endpoint: str, shape: str
) -> None:
    def upstream(received: Received) -> Reply:
        return slowly(model(received))

    with bench(refuses_wrong, upstream, limits=SOON) as held:
        answer = held.ask(endpoint, shape, stream=True)
    require_no_trace(answer)
    assert answer.content.startswith(b": ")
    reply, proposals = revision_of(endpoint, shape).stream, draft_of(endpoint, shape).proposals
    said = heard(endpoint, reply.body, stream=True)
    assert heard(endpoint, answer.content, stream=True) == said * proposals
    if proposals == 1:
        assert events_of(answer.content) == events_of(reply.body)


@EVERY_ENDPOINT
def test_an_error_of_the_hidden_round_trip_ends_a_held_stream_in_the_providers_way(
    endpoint: str,
) -> None:
    busy = failure(429, "busy upstream")
    draft = slowly(WRONG[endpoint]["text"].stream)
    with bench(refuses_wrong, [draft, busy], limits=SOON) as held:
        answer = held.ask(endpoint, "text", stream=True)
    require_no_trace(answer)
    assert answer.status_code == 200
    said = events_of(answer.content)
    assert [event.name for event in said] == {
        "chat/completions": ["", ""],  # and [DONE]
        "messages": ["error"],
        "responses": ["response.created", "response.failed"],
    }[endpoint]
    assert "busy upstream" in answer.text


# --- the checks themselves ---------------------------------------------------------------


@ANSWERED
def test_what_the_upstream_sends_is_well_formed(endpoint: str, shape: str, stream: bool) -> None:
    made = WRONG[endpoint][shape]
    said = heard(endpoint, made.reply(stream=stream).body, stream=stream)
    assert len(said) == made.proposals
    assert "wrong" in str(said)


def without(body: bytes, at: int) -> bytes:
    events = body.removesuffix(b"\n\n").split(b"\n\n")
    return b"\n\n".join([*events[:at], *events[at + 1 :]]) + b"\n\n"


def failing(endpoint: str, bodies: Sequence[bytes]) -> list[bool]:
    """Return for each stream whether the check refuses it or hears something else."""
    whole = heard(endpoint, RIGHT[endpoint]["one call"].stream.body, stream=True)
    found: list[bool] = []
    for body in bodies:
        try:
            found.append(heard(endpoint, body, stream=True) != whole)
        except (AssertionError, KeyError, ValueError, StopIteration):
            found.append(True)
    return found


@EVERY_ENDPOINT
def test_no_event_can_be_left_out_of_a_stream_unnoticed(endpoint: str) -> None:
    body = RIGHT[endpoint]["one call"].stream.body
    sent = events_of(body)
    optional = [n for n, e in enumerate(sent) if e.name == "ping" or e.data.get("choices") == []]
    missed = failing(endpoint, [without(body, at) for at in range(len(sent))])
    assert [n for n, is_noticed in enumerate(missed) if not is_noticed] == optional
