"""A route whose small critic hands on by the band of a profile, over the wire."""

import json
import re
from pathlib import Path

import pytest

from sidecritic.calibration.profile import to_toml
from sidecritic.errors import ConfigError
from tests.cascade import CHAIN, SMALL, STRONG, banded, judging
from tests.gateway import gateway, post
from tests.library import TOOLS, Json
from tests.wire import Received, Reply, call, chat, wire_server


@pytest.fixture
def route(tmp_path: Path) -> Json:
    (tmp_path / "desk.toml").write_text(to_toml(banded()), encoding="utf-8")
    tools = [{"match": "*", "effect": "write"}]
    return {"profile": str(tmp_path / "desk.toml"), "tools": tools, "gate": "writes"}


def renewing(received: Received) -> Reply:
    """Renew the loan that the user named, and say so when that was refused."""
    if received.body["messages"][-1]["role"] != "user":
        return chat("Nothing was renewed.")
    (loan,) = re.findall(r"[RW]-\d+", received.body["messages"][-1]["content"])
    return chat(None, calls=[call("renew_loan", {"loan": loan})])


@pytest.mark.parametrize(
    ("loan", "passes", "asks_strong"),
    [("R-10", True, False), ("R-40", True, True), ("W-40", False, True), ("R-80", False, False)],
    ids=["below the band", "inside, right", "inside, wrong", "above the band"],
)
def test_the_next_link_decides_inside_the_band_and_nowhere_else(
    loan: str, passes: bool, asks_strong: bool, route: Json
) -> None:
    body = {"model": "m", "tools": TOOLS, "messages": [{"role": "user", "content": loan}]}
    with (
        wire_server(judging) as judges,
        wire_server(renewing) as upstream,
        gateway(upstream.root, critic=CHAIN, critic_base_url=judges.base_url, **route) as door,
    ):
        answer = post(door, "v1/chat/completions", body)
        (decision, *_) = door.settled()
        received = judges.received
    calls: list[Json] = answer.json()["choices"][0]["message"].get("tool_calls") or []
    assert [each["function"]["name"] for each in calls] == (["renew_loan"] if passes else [])
    assert decision["verdict"] == ("approve" if passes else "revise")
    # A server of one's own is also sent what comes before the action, to read it in advance.
    about = re.compile(rf"loan\W+{loan}")
    asked = {each.body["model"] for each in received if about.search(json.dumps(each.body))}
    assert asked == ({"small", "strong"} if asks_strong else {"small"})
    assert banded().digest in decision["critic_version"]


@pytest.mark.parametrize(
    ("changed", "critic", "message"),
    [
        ({"critic_version": "old"}, CHAIN, f"fitted for '{SMALL}' in the version old"),
        ({"stronger_version": "old"}, CHAIN, f"fitted for '{STRONG}' in the version old"),
        ({}, f"chain:{SMALL},llm:openai:other", f"fitted with '{STRONG}' as the next link"),
        ({}, f"chain:llm:openai:other,{STRONG}", f"fitted for the critic '{SMALL}'"),
    ],
    ids=["small critic's version", "stronger critic's version", "other next", "other small"],
)
def test_another_critic_or_version_is_refused_before_the_route_opens(
    changed: Json, critic: str, message: str, route: Json
) -> None:
    Path(route["profile"]).write_text(to_toml(banded(**changed)), encoding="utf-8")
    with (
        pytest.raises(ConfigError) as caught,
        gateway(
            "http://127.0.0.1:1", critic=critic, critic_base_url="http://127.0.0.1:1/v1", **route
        ),
    ):
        pass
    assert message in str(caught.value)
    assert "sidecritic calibrate" in str(caught.value)
