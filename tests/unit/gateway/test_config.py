"""What an operator may write, and where connections may go."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from typer.testing import CliRunner

from sidecritic.assembly.gateway import GatewayMaker
from sidecritic.calibration.critic import Calibrated
from sidecritic.calibration.profile import to_toml
from sidecritic.cli.app import app
from sidecritic.errors import ConfigError, ModelUnavailable
from sidecritic.gateway.server.upstreams import HttpUpstream, is_public_address, is_public_name
from sidecritic.gateway.settings import GatewaySettings, UpstreamSettings
from sidecritic.gateway.wire.http import Outgoing
from sidecritic.settings.gateway_file import gateway_settings, set_mode
from tests.scored import profile, threshold
from tests.unit.packs.retail import test_pack as retail
from tests.wire import chat, wire_server

GOOD = """
[upstreams.o]
base_url = "https://api.example.com/v1"
key_env = "KEY"
[routes.r]
upstream = "o"
"""


ENFORCES = 'mode = "enforce"\n'
READS = '{match = "*", effect = "read"}'
CLIENT = f'\n[[clients]]\nname = "shop"\nkey_sha256 = "{"0" * 64}"'


def made(text: str, folder: Path, **environment: str) -> Any:
    file = folder / "gateway.toml"
    file.write_text(text)
    return GatewayMaker(folder, environment).setup(gateway_settings(file))


def test_a_route_starts_in_shadow_mode(tmp_path: Path) -> None:
    assert made(GOOD, tmp_path, KEY="k").modes == {"r": "shadow"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + 'mood = "enforce"', "routes.r.mood"),
        (GOOD + 'mode = "enforec"', "routes.r.mode"),
        (GOOD.replace('upstream = "o"', 'upstream = "p"'), "unknown upstream 'p'"),
        ('listen = "0.0.0.0:80"' + GOOD, "no .*clients"),
        (GOOD.replace("https", "http"), "unencrypted"),
        (GOOD.replace("https://", "https://user:pw@"), "key_env"),
        (GOOD.replace("https://", "file:///"), "web address"),
        (GOOD + 'mode = "enforce"', "enforces without a critic"),
        (GOOD + 'tools = [{match = "x", mode = "enforce"}]', "enforces without a critic"),
        (GOOD + 'policy = "absent.md"', "cannot read policy"),
        (GOOD + 'critic = "policy"\npack = "os:path"', "name a Pack"),
        (GOOD + 'critic = "policy"\npack = "no.such:PACK"', "policy pack"),
        (GOOD + 'critic = "head"\nprofile = "absent.toml"', "cannot read the profile"),
        (GOOD + 'critic = "polcy"', "did you mean 'policy'"),
        (GOOD + "[routes.s]\nupstream = 'o'", "share prefix and provider"),
        (GOOD.replace("KEY", "ABSENT"), "ABSENT is not set"),
        ("[[", "is not TOML"),
        (GOOD + f'{ENFORCES}critic = "chain:none,none"', "enforces without a critic"),
        (GOOD + f'{ENFORCES}critic = "ensemble:none"', "enforces without a critic"),
        (GOOD + f'{ENFORCES}critic = "llm:stand-in"\ngate = "none"', "enforces without a gate"),
        (GOOD + f'{ENFORCES}critic = "llm:stand-in"\ntools = [{READS}]', "every call for a read"),
        (GOOD + CLIENT + CLIENT.replace("0", "1"), "two .*clients.* one name"),
        (GOOD + CLIENT + CLIENT.replace("shop", "bank"), "two .*clients.* one key"),
        (GOOD + "[store]\nredact = ['(']", r"store\.redact"),
        ('listen = "127.0.0.1:99999"' + GOOD, "ports end at 65535"),
        (GOOD + 'prefix = "/metrics"', "the server's own"),
        (GOOD + 'prefix = "/healthz/shop"', "the server's own"),
        (GOOD + 'policy = "latin.md"', "policy .*latin.md is not UTF-8"),
    ],
)
def test_settings_that_cannot_be_used_are_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes("Vergüten".encode("latin-1"))
    with pytest.raises(ConfigError, match=message):
        made(text, tmp_path, KEY="k")


RETAIL = 'critic = "default"\npack = "sidecritic.packs.retail.pack:RETAIL"\n'


async def test_a_profile_judges_by_the_thresholds_of_the_packs_domain(tmp_path: Path) -> None:
    unasked = retail.TALK.user("It is about #W1000001.").calls(
        "cancel_pending_order", **retail.CANCEL[1]
    )
    ours = profile(threshold(0.9, domain="shop"), threshold(0.1, domain="retail"), critic="default")
    (tmp_path / "mine.toml").write_text(to_toml(ours), encoding="utf-8")
    low = made(GOOD + RETAIL + 'profile = "mine.toml"', tmp_path, KEY="k")
    (route,) = low.routes
    assert isinstance(route.critic, Calibrated)
    judged = await route.critic.judge(unasked)
    assert judged.calibrated
    assert judged.verdict.kind == "revise"
    assert ours.digest in route.critic_version


async def test_a_threshold_of_the_route_is_the_critics(tmp_path: Path) -> None:
    unasked = retail.TALK.user("It is about #W1000001.").calls(
        "cancel_pending_order", **retail.CANCEL[1]
    )
    verdicts = [
        (await route.critic.judge(unasked)).verdict.kind
        for at in ("0.05", "1.0")
        for route in made(f"{GOOD}{RETAIL}critic_threshold = {at}", tmp_path, KEY="k").routes
    ]
    assert verdicts == ["revise", "approve"]


def test_keys_stay_out_of_what_is_printed(tmp_path: Path) -> None:
    setup = made(GOOD, tmp_path, KEY="sk-very-secret")
    assert "sk-very-secret" not in repr(setup)


def test_a_mode_is_changed_where_it_is_written_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    text = (
        GOOD
        + 'critic = "llm:stand-in"\n# mode = "off"\n'
        + '[routes.s]\nupstream = "o"\nprefix = "/s"\nmode = "off"\n'
    )
    file.write_text(text)
    assert set_mode(file, "r", "enforce") == "shadow"
    modes = {name: route.mode for name, route in gateway_settings(file).routes.items()}
    assert modes == {"r": "enforce", "s": "off"}
    assert [line for line in file.read_text().splitlines() if line not in text] == [
        'mode = "enforce"'
    ]
    with pytest.raises(ConfigError, match="unknown route"):
        set_mode(file, "q", "enforce")


def test_the_schema_of_the_settings_can_be_published() -> None:
    assert "routes" in GatewaySettings.model_json_schema()["properties"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "224.0.0.1",
        "not an address",
    ],
)
def test_addresses_inside_are_no_public_ones(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("host", ["localhost", "server", "db.internal", "x.local", "10.1.2.3"])
def test_names_inside_are_no_public_ones(host: str) -> None:
    assert not is_public_name(host)


class Rebound(AbstractResolver):
    """Answers for every name with an address inside."""

    asked = 0

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None: ...


async def test_a_public_name_that_leads_inside_is_not_connected_to() -> None:
    resolver = Rebound()
    with wire_server(chat()) as inside:
        port = inside.root.rpartition(":")[2]
        settings = UpstreamSettings(base_url=f"http://api.example.com:{port}/v1")
        upstream = HttpUpstream("o", settings, resolver=resolver)
        with pytest.raises(ModelUnavailable, match="failed"):
            await upstream.send(Outgoing("POST", "chat/completions", (), b"{}"))
        await upstream.aclose()
    assert resolver.asked == 1
    assert inside.received == []


def test_a_profile_of_another_critic_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(profile(critic="head")), encoding="utf-8")
    with pytest.raises(ConfigError, match="fitted for the critic 'head'"):
        made(GOOD + 'critic = "policy"\nprofile = "mine.toml"', tmp_path, KEY="k")


def test_a_rule_for_all_tools_may_follow_one_for_some(tmp_path: Path) -> None:
    writes = '{match = "cancel_*", effect = "write"}'
    text = f"{GOOD}{ENFORCES}{RETAIL}tools = [{writes}, {READS}]"
    assert made(text, tmp_path, KEY="k").modes == {"r": "enforce"}


@pytest.mark.parametrize("name", ["gateway.toml", "policy.md"])
def test_a_file_that_is_not_utf8_is_one_line_and_exit_code_2(name: str, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f'{GOOD}policy = "policy.md"'.replace('key_env = "KEY"', ""))
    (tmp_path / name).write_bytes(b"# \xfc\n")
    found = CliRunner().invoke(app, ["serve", "--check", "--config", str(config)])
    assert found.exit_code == 2
    assert len(found.stderr.splitlines()) == 1
    assert "not UTF-8" in found.stderr
