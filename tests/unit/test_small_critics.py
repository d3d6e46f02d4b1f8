"""Small critics: what the recipe says is consistent, and one command makes the table."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from benchmarks.small_critics import (
    KEY,
    SmallCritic,
    Sweep,
    main,
    measured,
    missing,
    read_critics,
    table,
)

from sidecritic.assembly.critics import critic_for
from sidecritic.assembly.routes import unconnected
from sidecritic.errors import ConfigError
from tests.library import POLICY, TOOLS, renewal, written
from tests.wire import Received, Reply, chat, wire_server

CRITICS = read_critics()
SERVED = [each for each in CRITICS if each.base_url]


def named(small: SmallCritic) -> object:
    return small.name


@pytest.mark.parametrize("small", CRITICS, ids=named)
def test_every_critic_has_a_name_that_the_command_line_takes(small: SmallCritic) -> None:
    for name in filter(None, (small.critic, small.ollama_critic)):
        critic_for(name, "shop", unconnected)
        assert name.partition("?")[0].rpartition(":")[2] == small.name


@pytest.mark.parametrize("small", SERVED, ids=named)
def test_memory_is_what_layers_and_heads_come_to(small: SmallCritic) -> None:
    assert small.cache_gb == pytest.approx(small.cache_bytes / 1e9, abs=0.006)
    assert small.tokens <= small.longest
    # Weights of so many numbers take between 4 bits and a byte each; half precision takes 2 bytes.
    assert small.parameters_b is not None
    assert 0.5 < small.weights_gb / small.parameters_b < 1
    if small.weights != "MXFP4":
        assert small.bf16_gb == pytest.approx(2 * small.parameters_b, rel=0.06)


@pytest.mark.parametrize("small", SERVED, ids=named)
def test_every_command_serves_the_critics_name_at_its_address(small: SmallCritic) -> None:
    port = urlsplit(small.base_url or "").port
    assert small.commands
    for command in small.commands:
        assert {int(each) for each in re.findall(r"(?:--port |127\.0\.0\.1:)(\d+)", command)} == {
            port
        }
        assert re.search(rf"(?:--served-model-name |--alias | ){re.escape(small.name)}\b", command)
        limits = re.findall(r"(?:--max-model-len |-c |CONTEXT_LENGTH=)(\d+)", command)
        assert [int(each) for each in limits] == [small.tokens]
    assert len({each.base_url for each in SERVED}) == len(SERVED), "they can be served together"


def test_a_model_that_thinks_is_told_not_to_or_asked_to_reason() -> None:
    for small in SERVED:
        if small.ollama_critic:
            assert small.ollama_critic.endswith("?reason")
            assert '"enable_thinking": false' in small.vllm
            assert '"enable_thinking": false' in small.llama_cpp


def test_the_page_tells_what_the_recipe_tells() -> None:
    page = (Path(__file__).parents[2] / "docs" / "small-critics.md").read_text(encoding="utf-8")
    for small in CRITICS:
        assert small.critic in page
        for command in small.commands:
            assert command in page
        if small.memory_gb:
            assert re.search(rf"\| `{small.name}` .*\| {small.memory_gb:.1f} \|", page), small.name


# --- the command ------------------------------------------------------------------------------


def judging(received: Received) -> Reply:
    """List the judge as served, and refuse what names B-9."""
    if received.path.endswith("/models"):
        return Reply(json.dumps({"data": [{"id": "judge"}]}).encode())
    wrong = "B-9" in json.dumps(received.body).rpartition("## CASE")[2]
    word, other = ("No", "Yes") if wrong else ("Yes", "No")
    top = [{"token": word, "logprob": -0.1}, {"token": other, "logprob": -3.0}]
    return chat(word, logprobs=[{"token": word, "logprob": -0.1, "top_logprobs": top}])


def small_at(base_url: str, name: str = "judge") -> SmallCritic:
    return CRITICS[0].model_copy(
        update={"name": name, "critic": f"llm:openai:{name}", "base_url": base_url}
    )


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    folder = tmp_path / "desk"
    folder.mkdir()
    chats = [renewal(f"g{n}") for n in range(10)]
    chats += [renewal(f"b{n}", loan="B-9", verdict="wrong") for n in range(10)]
    written(folder / "chats.jsonl", *chats)
    (folder / "policy.md").write_text(POLICY)
    (folder / "tools.json").write_text(json.dumps(TOOLS))
    return folder


def test_what_was_judged_whole_stays_in_the_table_when_its_server_is_gone(
    desk: Path, tmp_path: Path
) -> None:
    sweep = Sweep((desk,), tmp_path / "out")
    with wire_server(judging) as server:
        small = small_at(server.base_url)
        first = measured([small], sweep)
    assert first.sound
    assert first.rows[0].caught.n == 10
    assert missing(small).startswith("no server at")
    assert measured([small], sweep).rows == first.rows
    lines = list(table([small], first))
    assert lines[2].startswith("| llm:openai:judge | 0.135 B | 0.3 | desk")


def test_nothing_is_asked_while_a_server_is_missing(desk: Path, tmp_path: Path) -> None:
    with wire_server(judging) as server:
        ready, other = small_at(server.base_url), small_at(server.base_url, "absent")
        sweep = Sweep((desk,), tmp_path / "out")
        with pytest.raises(ConfigError, match="not absent; start it: llama-server"):
            measured([ready, other], sweep)
        assert {each.path.rpartition("/")[2] for each in server.received} == {"models"}
        report = measured([ready, other], Sweep((desk,), tmp_path / "out", go_on=True))
    assert [bool(row.problem) for row in report.rows] == [False, True]
    assert not report.sound


def test_a_dry_run_names_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    words = ("--dry-run", "--only", "gpt-4.1-mini", "--out", str(tmp_path))
    assert main(words) == 1
    assert capsys.readouterr().out == f"llm:openai:gpt-4.1-mini: no key: set {KEY}\n"
    assert main(("--only", "gpt-5")) == 2
    assert "no small critic gpt-5; known: smollm2-135m" in capsys.readouterr().err
