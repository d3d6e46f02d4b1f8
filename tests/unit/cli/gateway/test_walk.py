"""The way in, literally: init, serve, and a program of the agent's that nobody changed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from sidecritic.gateway.store.tables import DECISIONS
from tests.operating import DOOR, Process, free_port, is_up
from tests.unit.cli.gateway.desk import desk_model, files, judge
from tests.wire import wire_server


def typed(folder: Path, *words: str, **more: str) -> str:
    """Return what a command prints that is typed in the folder."""
    done = subprocess.run(
        [str(DOOR), *words],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(**more: str) -> dict[str, str]:
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL")
    return {**{k: v for k, v in os.environ.items() if k not in keys}, **more}


def program(file: Path, tools: Path, root: str, *said: str) -> list[Any]:
    """Run the agent's program against a server, and return what its model did each time."""
    variables = environment(OPENAI_BASE_URL=f"{root}/v1", OPENAI_API_KEY="sk-agent", NO_PROXY="*")
    done = subprocess.run(
        [sys.executable, str(file), str(tools), *said],
        env=variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def decided(database: Path, number: int) -> list[dict[str, Any]]:
    """Return the decisions on file once there are so many: shadow judges after it has answered."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        for _ in range(20_000):
            with engine.connect() as connection:
                query = select(DECISIONS).order_by(DECISIONS.c.at)
                rows = [dict(row) for row in connection.execute(query).mappings()]
            if len(rows) >= number:
                return rows
        raise AssertionError(f"no {number} decisions were recorded")
    finally:
        engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.mark.parametrize("has_file", [True, False], ids=["init", "flags alone"])
def test_from_policy_and_tools_to_a_supervised_program(
    has_file: bool, folder: Path, tmp_path: Path
) -> None:
    policy, tools, agent = files(tmp_path / "mine")
    with wire_server(desk_model) as upstream, wire_server(judge) as critic:
        listen = f"127.0.0.1:{free_port()}"
        given = ["--policy", str(policy), "--tools", str(tools), "--listen", listen]
        given += ["--critic", "llm:openai:judge", "--upstream", upstream.base_url]
        given += ["--critic-base-url", critic.base_url]
        if has_file:
            said = typed(folder, "init", *given)
            assert "answers approve" in said
        words = ["serve"] if has_file else ["serve", *given]
        running = Process([str(DOOR), *words], cwd=folder, env=environment())
        try:
            assert b"are judged by llm:openai:judge" in running.wait_for(b"route agent")
            running.wait_for(b"answers (ok")
            root = f"http://{listen}"
            assert is_up(root)
            assert program(agent, tools, root, "Book a visit for Rex.") == [["book_visit"]]
            (decision,) = decided(folder / "sidecritic.db", 1)
        finally:
            running.kill()
    assert (decision["route"], decision["mode"]) == ("agent", "shadow")
    assert (decision["verdict"], decision["status"]) == ("revise", "ok")
    assert decision["risk"] > 0.9
    assert "book_visit" in decision["tools"]
    assert {each.headers.get("authorization") for each in upstream.received} == {"Bearer sk-agent"}
