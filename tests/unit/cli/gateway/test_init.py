"""`init`: what it writes, what it shows, what it leaves alone."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sidecritic.settings.gateway_file import gateway_settings
from tests.unit.cli.commands import Json, answer, complaint, run
from tests.unit.cli.gateway.desk import TOOLS, files, judge
from tests.wire import Received, Reply, chat, failure, refusing_url, wire_server

pytestmark = pytest.mark.usefixtures("bare")


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    policy, tools, _ = files(tmp_path / "mine")
    return ["--policy", str(policy), "--tools", str(tools)]


def asking(url: str) -> list[str]:
    return ["--critic", "llm:openai:judge", "--critic-base-url", url]


def effects(printed: Json) -> dict[str, str]:
    return {each["name"]: each["effect"] for each in printed["tools"]}


def test_a_folder_is_written_that_serve_can_read(given: list[str]) -> None:
    with wire_server(judge) as critic:
        printed = answer("init", *given, *asking(critic.base_url), "--dir", "desk")
    assert printed["settings"] == "desk/gateway.toml"
    route = gateway_settings(Path("desk/gateway.toml")).routes["agent"]
    assert (route.mode, route.policy) == ("shadow", "../mine/policy.md")
    assert {rule.match: rule.effect for rule in route.tools} == effects(printed)
    assert "OPENAI_BASE_URL=http://127.0.0.1:8787/v1" in Path("desk/.env.example").read_text()


def test_a_cascade_is_suggested_beside_a_language_model_and_can_be_read(
    given: list[str],
) -> None:
    with wire_server(judge) as critic:
        answer("init", *given, *asking(critic.base_url))
    text = Path("gateway.toml").read_text()
    suggested = text.replace('critic = "llm', '# critic = "llm', 1).replace(
        '# critic = "chain', 'critic = "chain'
    )
    Path("gateway.toml").write_text(suggested.replace("# profile", "profile"))
    route = gateway_settings(Path("gateway.toml")).routes["agent"]
    assert route.critic == "chain:default,llm:openai:judge,llm:PROVIDER:STRONGER"
    assert route.profile == "cascade.toml"
    answer("init", *given, "--critic", "default", "--dir", "again")
    assert "chain:" not in Path("again/gateway.toml").read_text()


def test_every_tool_gets_an_effect_and_the_model_is_asked_where_nothing_tells(
    given: list[str],
) -> None:
    with wire_server(judge) as critic:
        printed = answer("init", *given, *asking(critic.base_url))
    assert effects(printed) == {
        "find_owner": "read",
        "free_slots": "read",
        "book_visit": "write",
        "cancel_visit": "write",
        "transfer_to_nurse": "hand_over",
    }
    told = {each["name"]: each["because"] for each in printed["tools"]}
    assert told["free_slots"] == "the critic's model"
    route = tomllib.loads(Path("gateway.toml").read_text())["routes"]["agent"]
    assert route["confirm"] == ["book_visit", "cancel_visit"]


def test_the_first_verdict_says_what_it_costs(given: list[str]) -> None:
    Path("prices.toml").write_text("[judge]\ninput = 1.0\noutput = 1.0\n")
    with wire_server(judge) as critic:
        dry = answer("init", *given, *asking(critic.base_url), "--prices", "prices.toml")["dry"]
    assert (dry["verdict"], dry["status"], dry["failure"]) == ("approve", "ok", "")
    assert dry["prompt_characters"] > len(json.dumps(TOOLS))
    assert dry["usage"]["input_tokens"] == 12
    assert dry["usage"]["cost_usd"] == pytest.approx(17e-6)
    assert dry["seconds"] > 0


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (failure(401, "no such key"), "401"),
        (chat("I would rather not say."), "gave no verdict"),
        (None, "connection failed"),
    ],
    ids=["refused", "unreadable", "nobody there"],
)
def test_a_critic_that_does_not_answer_is_said_and_the_folder_stays(
    reply: Reply | None, reason: str, given: list[str]
) -> None:
    if reply is None:
        done = run("init", *given, *asking(refusing_url()))
    else:
        with wire_server(reply) as critic:
            done = run("init", *given, *asking(critic.base_url))
    assert done.exit_code == 1
    assert reason in done.stderr.splitlines()[-1]
    assert "said nothing of the tools" in done.stdout
    assert gateway_settings(Path("gateway.toml")).routes["agent"].critic == "llm:openai:judge"


def test_a_model_that_may_not_be_asked_without_a_key_is_said(given: list[str]) -> None:
    done = run("init", *given, "--critic", "llm:openai:gpt-x")
    assert done.exit_code == 1
    assert "OPENAI_API_KEY" in done.stderr


def test_what_a_model_answers_can_name_tools_and_effects_and_nothing_else(
    given: list[str],
) -> None:
    def answers(received: Received) -> Reply:
        tools = [
            {"name": "free_slots", "effect": "unsure", "confirmed": False},
            {"name": "find_owner", "effect": "write", "confirmed": True},
            {"name": "rm -rf", "effect": "read", "confirmed": True},
        ]
        return chat(json.dumps({"tools": tools})) if "TOOLS" in str(received.body) else chat("Yes")

    with wire_server(answers) as critic:
        done = run("init", *given, *asking(critic.base_url), "--json")
    found = effects(json.loads(done.stdout))
    assert found["free_slots"] == "unknown", "the model could not tell either"
    assert found["find_owner"] == "read", "its name tells, and the model is asked for the rest"
    assert "rm -rf" not in Path("gateway.toml").read_text()


def test_nothing_is_replaced_unless_told_to(given: list[str]) -> None:
    with wire_server(judge) as critic:
        more = [*given, *asking(critic.base_url)]
        answer("init", *more)
        Path("gateway.toml").write_text("# mine")
        assert "gateway.toml is there already" in complaint("init", *more)
        assert Path("gateway.toml").read_text() == "# mine"
        answer("init", *more, "--force")
    assert gateway_settings(Path("gateway.toml")).routes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--policy", "absent.md"], "cannot read policy"),
        (["--tools", "absent.json"], "cannot read tools"),
        (["--critic", "lmm:openai:x"], "unknown critic"),
        (["--critic", "human"], "needs a person at a terminal"),
        (["--upstream", "example.com"], "web address"),
        (["--critic", "policy"], "no policy checks"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_is_written(
    words: list[str], message: str
) -> None:
    assert message in complaint("init", *words)
    assert not Path("gateway.toml").exists()


def test_a_critic_that_knows_no_domain_says_what_it_does_not_judge(given: list[str]) -> None:
    printed = answer("init", *given)
    assert (
        "what mine/policy.md demands beyond it, and what is said, is NOT judged"
        in printed["judged"]
    )
    assert (printed["dry"]["critic"], printed["dry"]["prompt_characters"]) == ("default", 0)
    assert "costs nothing" in run("init", *given, "--dir", "again").stdout
    none = answer("init", *given, "--critic", "none", "--dir", "third")
    assert "nothing is judged" in none["judged"]
    assert none["dry"] is None


def test_annotations_of_an_mcp_server_are_shown_and_written(tmp_path: Path) -> None:
    tools: list[dict[str, Any]] = [
        {"name": "desk_1", "inputSchema": {}, "annotations": {"readOnlyHint": True}},
        {"name": "desk_2", "inputSchema": {}, "annotations": {"destructiveHint": True}},
        {"name": "desk_3", "inputSchema": {}},
    ]
    (tmp_path / "mcp.json").write_text(json.dumps({"tools": tools}))
    printed = answer("init", "--tools", "mcp.json", "--critic", "none")
    assert effects(printed) == {"desk_1": "read", "desk_2": "write", "desk_3": "unknown"}
    done = run("init", "--tools", "mcp.json", "--critic", "none", "--dir", "again")
    assert done.stdout.index("unsure") < done.stdout.index("writes")


# --- serve --check -------------------------------------------------------------------------------


def test_check_shows_the_same_tools_as_they_count(given: list[str]) -> None:
    printed = answer("init", *given, "--critic", "none")
    assert effects(printed)["free_slots"] == "unknown"
    text = Path("gateway.toml").read_text().replace('match = "book_visit"', 'match = "book_*"')
    Path("gateway.toml").write_text(text.replace("# {match", "{match"))
    checked = answer("serve", "--check")["routes"]["agent"]
    assert effects(checked) == {**effects(printed), "free_slots": "write"}
    assert {each["because"] for each in checked["tools"]} == {"set here"}
    assert checked["warnings"] == []


def test_check_warns_where_no_tool_has_an_effect(given: list[str]) -> None:
    answer("init", "--critic", "none")
    done = run("serve", "--check")
    assert done.exit_code == 0
    assert "warning: route agent: no tool has an effect" in done.stderr


def test_serve_says_how_to_begin() -> None:
    assert "sidecritic init" in complaint("serve")
    assert "--upstream" in complaint("serve", "--config", "g.toml", "--upstream", "http://h/v1")
    assert "--critic" in complaint("serve", "--mode", "shadow")
    checks = ["serve", "--upstream", "http://127.0.0.1:1/v1", "--check"]
    assert "mode" in complaint(*checks, "--mode", "enforec")
    assert "enforces without a critic" in complaint(
        *checks, "--mode", "enforce", "--critic", "none"
    )
