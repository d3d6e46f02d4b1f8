"""A profile with a band in `eval`, and in a route that `promote` lets enforce."""

import json
from pathlib import Path

import pytest

from sidecritic.assembly.gateway import GatewayMaker
from sidecritic.calibration.profile import BandRule, to_toml
from sidecritic.settings.gateway_file import gateway_settings
from tests.cascade import CHAIN, banded, judging
from tests.unit.cli.commands import answer, last_complaint
from tests.wire import wire_server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


PLAY = ("eval", "--env", "shop", "--limit", "1", "--profile", "desk.toml", "--critic", CHAIN)


@pytest.mark.parametrize(
    ("low", "decides"),
    [(0.2, "llm:small"), (0.005, "llm:strong")],
    ids=["below the band", "inside"],
)
def test_eval_lets_the_next_link_decide_inside_the_band(low: float, decides: str) -> None:
    made = banded(bands=[BandRule(low=low, high=0.6)])
    Path("desk.toml").write_text(to_toml(made))
    with wire_server(judging) as server:  # its risk is 0.01
        answer(*PLAY, "--critic-base-url", server.base_url, "--out", "runs/a")
    settings = json.loads(Path("runs/a/run.json").read_text())["settings"]
    assert settings["profile"] == {"name": "mine", "digest": made.digest}
    lines = Path("runs/a/trajectories.jsonl").read_text().splitlines()
    events = [event for line in lines for event in json.loads(line)["events"]]
    asked = {each["judgement"]["critic"] for each in events if "judgement" in each}
    assert asked == {decides}


@pytest.mark.parametrize("field", ["critic_version", "stronger_version"])
def test_eval_refuses_a_profile_of_another_version(field: str) -> None:
    Path("desk.toml").write_text(to_toml(banded(**{field: "old"})))
    said = last_complaint(*PLAY, "--critic-base-url", "http://127.0.0.1:1/v1", "--out", "runs/a")
    assert "in the version old, and this is" in said
    assert "fit it again" in said
    assert not Path("runs/a").exists()


def test_a_route_that_is_promoted_enforces_by_its_band() -> None:
    Path("desk.toml").write_text(to_toml(banded()))
    Path("gateway.toml").write_text(
        '[upstreams.o]\nbase_url = "http://127.0.0.1:1/v1"\nforward_client_key = true\n'
        f'[routes.desk]\nupstream = "o"\ncritic = "{CHAIN}"\nprofile = "desk.toml"\n'
        'critic_base_url = "http://127.0.0.1:1/v1"\n'
    )
    promoted = answer("promote", "--config", "gateway.toml", "--route", "desk", "--yes")
    assert (promoted["before"], promoted["mode"]) == ("shadow", "enforce")
    setup = GatewayMaker(Path(), {}).setup(gateway_settings(Path("gateway.toml")))
    (route,) = setup.routes
    assert setup.modes == {"desk": "enforce"}
    assert banded().digest in route.critic_version
