"""The settings of a first gateway."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sidecritic.dialects.tool_files import tools_in
from sidecritic.seats.effects import propose
from sidecritic.settings.gateway_file import gateway_settings
from sidecritic.settings.route_tools import tools_of
from sidecritic.settings.start import Start, started, to_environment, to_toml

TOOLS = propose(tools_in([{"name": "find_pet"}, {"name": "book_bath"}, {"name": "desk"}], "here"))


def test_the_file_says_what_the_flags_say(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    start = Start(policy=tmp_path / "rules" / "policy.md", critic="llm:openai:judge")
    file = tmp_path / "desk" / "gateway.toml"
    file.write_text(to_toml(start, file.parent, TOOLS, ["book_*"]))
    assert gateway_settings(file) == started(start, file.parent, TOOLS, ["book_*"])


def test_a_first_route_is_in_shadow_keeps_content_and_names_its_files_from_where_it_stands(
    tmp_path: Path,
) -> None:
    found = started(Start(policy=tmp_path / "policy.md"), tmp_path / "desk", TOOLS)
    (route,) = found.routes.values()
    assert (route.mode, route.policy) == ("shadow", "../policy.md")
    assert found.store.content
    assert found.store.url == f"sqlite:///{tmp_path.resolve() / 'desk' / 'sidecritic.db'}"
    assert [(rule.match, rule.effect) for rule in route.tools] == [
        ("find_pet", "read"),
        ("book_bath", "write"),
    ]


def test_what_nothing_tells_of_stands_in_the_file_to_be_decided() -> None:
    text = to_toml(Start(), Path(), TOOLS)
    (line,) = (line for line in text.splitlines() if "desk" in line)
    assert line.lstrip().startswith("#")
    assert "unsure" in line


@given(name=st.text(min_size=1), path=st.text(min_size=1).filter(lambda p: "\0" not in p))
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_name_and_path_can_be_written(name: str, path: str) -> None:
    tools = propose(tools_in([{"name": name, "effect": "read"}], "here"))
    found = started(Start(critic=f"llm:openai:{path}"), Path(), tools)
    assert found.routes["agent"].critic == f"llm:openai:{path}"
    assert len(found.routes["agent"].tools) == 1


@pytest.mark.parametrize(
    ("upstream", "provider", "critics_server"),
    [
        ("https://api.openai.com/v1", "openai", None),
        ("https://api.anthropic.com", "anthropic", None),
        ("http://127.0.0.1:9000/v1", "openai", "http://127.0.0.1:9000/v1"),
    ],
)
def test_a_critic_is_asked_at_the_agents_server_unless_told_otherwise(
    upstream: str, provider: str, critics_server: str | None
) -> None:
    start = Start(upstream=upstream, critic="llm:openai:judge")
    assert (start.provider, start.critics_server) == (provider, critics_server)
    own = start.model_copy(update={"critic_base_url": "http://127.0.0.1:1/v1"})
    assert own.critics_server == "http://127.0.0.1:1/v1"
    assert f"{provider.upper()}_BASE_URL=http://127.0.0.1:8787" in to_environment(start)


@pytest.mark.parametrize(
    ("critic", "key"),
    [
        ("decision:systemone:judge", "SYSTEM_ONE_API_KEY="),
        ("chain:default,decision:openai:judge", "OPENAI_API_KEY="),
        ("llm:openai:judge", "OPENAI_API_KEY="),
    ],
)
def test_the_key_of_the_critic_is_named_whatever_kind_of_model_it_asks(
    critic: str, key: str
) -> None:
    start = Start(upstream="https://api.anthropic.com", critic=critic)
    assert key in to_environment(start).splitlines()


def test_what_counts_of_a_tool_is_what_is_set_and_not_what_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(
        json.dumps([{"name": "find_pet"}, {"name": "book_bath", "effect": "write"}, {"name": "x"}])
    )
    file = tmp_path / "gateway.toml"
    file.write_text(
        '[upstreams.o]\nbase_url = "http://127.0.0.1:1/v1"\n[routes.r]\nupstream = "o"\n'
        'tools_file = "tools.json"\ntools = [{match = "x", effect = "hand_over"}]\n'
    )
    found = tools_of(gateway_settings(file).routes["r"], tmp_path)
    assert [(each.tool.name, each.effect) for each in found] == [
        ("find_pet", "unknown"),
        ("book_bath", "write"),
        ("x", "hand_over"),
    ]
    assert "seems a read" in found[0].because
