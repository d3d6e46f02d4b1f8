"""Chat logs become runs with labels; a line that cannot be read is named and costs itself."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from sidecritic.errors import ConfigError
from sidecritic.recorded import Opinion, Recorded
from sidecritic.recordings import Imported, Operator, load, read_policy, read_tools
from sidecritic.trace import proposals
from sidecritic.types import Assistant, Proposal, ToolResult, User
from tests.library import (
    POLICY,
    PROMPT,
    TOOLS,
    Json,
    batch,
    calls,
    function,
    label,
    renewal,
    result,
    says,
    user,
    written,
)

DOMAINS = Path(os.environ.get("SIDECRITIC_DOMAINS", "domains"))
OTHER = Path(os.environ.get("SIDECRITIC_OTHER_DOMAINS", "other-domains"))


def read(folder: Path, *lines: Json, operator: Operator | None = None) -> Imported:
    return load([written(folder / "chats.jsonl", *lines)], operator)


def only(found: Imported) -> Recorded:
    assert not found.problems
    (run,) = found.runs
    return run


def proposed(run: Recorded) -> list[Proposal]:
    made = proposals(run.trajectory.events, task_id="t", briefing=run.briefing)
    return [proposal for proposal, _ in made]


def effects(run: Recorded) -> dict[str, str]:
    return {tool.name: tool.effect for tool in run.briefing.tools}


# --- our form --------------------------------------------------------------------------------


def test_a_conversation_says_where_it_was_held_and_by_whom(tmp_path: Path) -> None:
    run = only(read(tmp_path, {"tools": TOOLS}, renewal()))
    assert (run.benchmark, run.domain, run.critic_env) == ("chats", "library", "chats:library")
    assert (run.trajectory.id, run.trajectory.actor) == ("renewal", "desk-model")
    assert run.user_id == "library renewal"
    assert effects(run) == {"list_loans": "read", "renew_loan": "write", "pay_fine": "write"}


def test_a_critic_sees_what_came_before_the_turn(tmp_path: Path) -> None:
    _, renews, ends = proposed(only(read(tmp_path, {"tools": TOOLS}, renewal())))
    assert [type(message) for message in renews.history] == [User, Assistant, ToolResult]
    assert renews.action.calls[0].arguments == {"loan": "B-7"}
    assert ends.action.text.startswith("Your loan")
    assert isinstance(answered := ends.history[-1], ToolResult)
    assert (answered.name, answered.call_id) == ("renew_loan", "c2")


def test_labels_are_of_turns_and_of_calls(tmp_path: Path) -> None:
    run = only(read(tmp_path, {"tools": TOOLS}, renewal(verdict="wrong")))
    assert run.opinions == (
        Opinion(trajectory="renewal", turn=0, call_id="c1", wrong=False),
        Opinion(trajectory="renewal", turn=1, call_id="c2", wrong=True, note="the user named B-7"),
        Opinion(trajectory="renewal", turn=2, wrong=True),
    )


def test_several_calls_of_one_turn_have_labels_of_their_own(tmp_path: Path) -> None:
    run = only(read(tmp_path, {"tools": TOOLS}, batch()))
    assert run.domain == "library:night"
    assert [(o.turn, o.call_id, o.wrong) for o in run.opinions] == [
        (0, "c1", False),
        (0, "c2", True),
    ]


def test_a_label_finds_its_call_where_an_id_comes_twice(tmp_path: Path) -> None:
    chat = renewal()
    again = [calls(("c2", "pay_fine", {"cents": 50})), result("c2", "paid")]
    chat["messages"][6:6] = again
    chat["labels"] = [label(4, "right", "c2"), label(6, "wrong", "c2")]
    run = only(read(tmp_path, {"tools": TOOLS}, chat))
    made = [proposal.action.calls[0] for proposal in proposed(run)[1:3]]
    assert [call.name for call in made] == ["renew_loan", "pay_fine"]
    assert [o.call_id for o in run.opinions] == [call.id for call in made]
    assert made[0].id != made[1].id


def test_what_the_agent_said_before_the_user_is_no_proposal(tmp_path: Path) -> None:
    chat = renewal()
    chat["messages"].insert(1, says("Welcome to the library."))
    chat["labels"] = [label(5, "right", "c2")]
    run = only(read(tmp_path, {"tools": TOOLS}, chat))
    assert [o.turn for o in run.opinions] == [1]
    assert isinstance(proposed(run)[0].history[0], Assistant)


def test_the_system_message_is_the_policy_where_there_is_no_other(tmp_path: Path) -> None:
    told = only(read(tmp_path, {"tools": TOOLS}, renewal())).briefing
    assert (told.policy, told.context) == (PROMPT, "")
    own = only(read(tmp_path, {"tools": TOOLS}, {**renewal(), "policy": POLICY})).briefing
    assert (own.policy, own.context) == (POLICY, PROMPT)
    given = only(read(tmp_path, renewal(), operator=Operator(POLICY))).briefing
    assert (given.policy, given.context) == (POLICY, PROMPT)


def test_effects_are_those_of_the_log_and_else_of_the_operators_file(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps({"tools": [*TOOLS, function("close_card")]}))
    operator = Operator(tools=read_tools(file))
    named = [function("list_loans"), function("renew_loan", "read"), function("quux")]
    run = only(read(tmp_path, {**renewal(), "tools": named}, operator=operator))
    assert effects(run) == {"list_loans": "read", "renew_loan": "read", "quux": "unknown"}
    bare = only(read(tmp_path, renewal(), operator=operator))
    assert effects(bare) == {**effects(bare), "pay_fine": "write", "close_card": "write"}


def test_a_tool_without_an_effect_is_what_it_seems_to_be(tmp_path: Path) -> None:
    named = [function("get_loans"), function("cancel_loan"), function("quux")]
    run = only(read(tmp_path, {**renewal(), "tools": named}))
    assert effects(run) == {"get_loans": "read", "cancel_loan": "write", "quux": "unknown"}


def test_tools_hold_for_the_lines_after_them(tmp_path: Path) -> None:
    later = {"tools": [function("renew_loan", "read")]}
    found = read(tmp_path, {"tools": TOOLS}, renewal("a"), later, renewal("b"))
    assert [len(run.briefing.tools) for run in found.runs] == [3, 1]


def test_a_log_may_be_compressed_and_hold_a_single_line(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(renewal()).encode()))
    assert only(load([file])).trajectory.id == "renewal"


# --- other forms -----------------------------------------------------------------------------


def test_plain_messages_need_no_name_and_no_labels(tmp_path: Path) -> None:
    run = only(read(tmp_path, {"messages": renewal()["messages"], "tools": TOOLS}))
    assert (run.domain, run.trajectory.id, run.opinions) == ("chats", "chats.jsonl#0", ())


def test_messages_of_anthropic_are_read_with_their_blocks(tmp_path: Path) -> None:
    renewed = {"loan": "B-9"}
    line: Json = {
        "system": PROMPT,
        "model": "desk-model",
        "tools": [{"name": "renew_loan", "description": "Renew.", "input_schema": {}}],
        "messages": [
            user("Renew B-7."),
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I do."},
                    {"type": "tool_use", "id": "u1", "name": "renew_loan", "input": renewed},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "u1", "content": "done"}],
            },
            says("Renewed."),
        ],
        "labels": [label(1, "wrong", "u1"), label(3, "wrong")],
    }
    run = only(read(tmp_path, line))
    first, last = proposed(run)
    (call,) = first.action.calls
    assert (first.action.text, call.id, call.name) == ("I do.", "u1", "renew_loan")
    assert call.arguments == renewed
    assert last.history[-1] == ToolResult(call_id="u1", name="renew_loan", text="done")
    assert (run.briefing.policy, run.trajectory.actor) == (PROMPT, "desk-model")
    assert [(o.turn, o.call_id) for o in run.opinions] == [(0, "u1"), (1, None)]


def test_tools_of_an_mcp_server_read_where_their_annotations_say_so(tmp_path: Path) -> None:
    tool = {"name": "list_loans", "inputSchema": {}, "annotations": {"readOnlyHint": True}}
    run = only(read(tmp_path, {**renewal(), "tools": [tool]}))
    assert effects(run) == {"list_loans": "read"}


# --- what is wrong with them -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({**renewal(), "messages": "none"}, "neither `messages` nor `tools`"),
        ({**renewal(), "messages": [{"role": "narrator"}]}, "messages[0] has the role 'narrator'"),
        ({**renewal(), "labels": [label(3, "wrong")]}, "not a turn of the agent"),
        ({**renewal(), "labels": [label(2, "wrong", "c9")]}, "'c9', which message 2 does not"),
        ({**renewal(), "labels": [label(2, "dubious")]}, "labels.0.label"),
        ({**renewal(), "tools": [{"type": "function"}]}, r"tools[0] has no name"),
        ({**renewal(), "tools": [function("a", "deletes")]}, "the effect 'deletes'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_load(
    tmp_path: Path, bad: Json, words: str
) -> None:
    found = read(tmp_path, renewal("a"), bad, renewal("b"))
    assert [run.trajectory.id for run in found.runs] == ["a", "b"]
    (problem,) = found.problems
    assert "chats.jsonl, line 2" in str(problem)
    assert words in str(problem)


def test_a_line_cut_off_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "chats.jsonl", renewal())
    file.write_text(file.read_text() + '{"messages": [')
    found = load([file])
    assert len(found.runs) == 1
    assert "line 2: it is not JSON" in str(found.problems[0])


def test_a_conversation_without_messages_is_empty(tmp_path: Path) -> None:
    found = read(tmp_path, {**renewal(), "messages": [], "labels": []}, renewal())
    assert (len(found.runs), found.empty) == (1, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ('{"name": "x"}', "holds no list of tools"),
        ('[{"description": "x"}]', r"tools\[0\] has no name"),
    ],
)
def test_a_file_of_tools_that_cannot_be_used_is_bad_input(
    tmp_path: Path, content: str, words: str
) -> None:
    file = tmp_path / "tools.json"
    file.write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_tools(file)


def test_a_policy_without_words_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "policy.md"
    file.write_text(" \n")
    with pytest.raises(ConfigError, match="is empty"):
        read_policy(file)
    with pytest.raises(ConfigError, match="check the path"):
        read_policy(tmp_path / "none.md")


# --- recorded ones ---------------------------------------------------------------------------


@pytest.mark.skipif(not OTHER.is_dir(), reason="set SIDECRITIC_OTHER_DOMAINS to their folder")
def test_every_recorded_run_of_other_domains_is_read() -> None:
    found = load(sorted(OTHER.glob("*.jsonl.gz")))
    assert (len(found.runs), found.problems, found.empty) == (1849, (), 0)
    opinions = [opinion for run in found.runs for opinion in run.opinions]
    assert (len(opinions), sum(opinion.wrong for opinion in opinions)) == (2113, 857)


@pytest.mark.skipif(not DOMAINS.is_dir(), reason="set SIDECRITIC_DOMAINS to their folder")
@pytest.mark.parametrize("domain", ["clinic", "bank"])
def test_conversations_of_own_domains_are_read(domain: str) -> None:
    folder = DOMAINS / domain
    operator = Operator(read_policy(folder / "policy.md"), read_tools(folder / "tools.json"))
    found = load([folder / "chats.jsonl"], operator)
    assert (len(found.runs), found.problems) == (8, ())
    everything: Any = [run.briefing for run in found.runs]
    assert all(briefing.policy == operator.policy for briefing in everything)
    assert sum(len(run.opinions) for run in found.runs) in (49, 50)
