"""Where the files are that the settings name: beside the settings, wherever a command is typed."""

from pathlib import Path

import pytest

from sidecritic.assembly.gateway import GatewayMaker
from sidecritic.errors import ConfigError
from sidecritic.gateway.settings import GatewaySettings, StoreSettings
from sidecritic.gateway.store.database import open_engine
from sidecritic.settings.gateway_file import gateway_settings, stored_beside

HEAD = '[upstreams.o]\nbase_url = "http://127.0.0.1:1/v1"\n[routes.shop]\nupstream = "o"\n'
PACK = "from sidecritic.checks.base import Pack\n\nOWN = Pack('boutique')\n"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings that is not the one in which commands are typed."""
    folder = tmp_path / "desk"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "policy.md").write_text("Be kind.")
    (folder / "rules" / "pack.py").write_text(PACK)
    (folder / "tools.json").write_text(
        '[{"name": "find_pet", "effect": "read"}, {"name": "bathe"}]'
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def settings(folder: Path, more: str = "", store: str = "") -> GatewaySettings:
    file = folder / "gateway.toml"
    file.write_text(f"{HEAD}{more}\n{store}")
    return gateway_settings(file)


@pytest.mark.parametrize("absolute", [False, True])
def test_policy_tools_and_pack_are_found_beside_the_settings(desk: Path, absolute: bool) -> None:
    at = f"{desk}/" if absolute else ""
    found = settings(
        desk,
        f'policy = "{at}rules/policy.md"\ntools_file = "{at}tools.json"\ncritic = "policy"\n'
        f'pack = "{at}rules/pack.py:OWN"\nconfirm = ["bath*"]',
    )
    (route,) = GatewayMaker(desk, {}).setup(found).routes
    assert route.policy == "Be kind."
    assert [(rule.match, rule.effect) for rule in route.settings.tools] == [("find_pet", "read")]
    assert route.settings.confirm == ("bath*",)
    assert route.critic.name == "policy"


def test_a_route_says_what_is_judged_and_what_is_not(desk: Path) -> None:
    more = 'tools = "tools.json"\npolicy = "rules/policy.md"\n'
    confirmed = settings(desk, f'{more}critic = "default"\nconfirm = ["bath*"]')
    (route,) = GatewayMaker(desk, {}).setup(confirmed).routes
    assert "the user's yes before bath*" in route.judged
    assert "what rules/policy.md demands beyond it, and what is said, is NOT judged" in route.judged
    packed = settings(desk, f'{more}critic = "default"\npack = "rules/pack.py:OWN"')
    (route,) = GatewayMaker(desk, {}).setup(packed).routes
    assert "with the checks of rules/pack.py:OWN" in route.judged
    (route,) = GatewayMaker(desk, {}).setup(settings(desk, more)).routes
    assert route.judged == "nothing is judged: it has no critic"


def test_tools_may_be_the_file_alone(desk: Path) -> None:
    found = settings(desk, 'tools = "tools.json"')
    assert found == settings(desk, 'tools_file = "tools.json"')


@pytest.mark.parametrize("query", ["", "?timeout=3"])
def test_the_store_is_found_beside_the_settings(desk: Path, query: str) -> None:
    found = settings(desk, store=f'[store]\nurl = "sqlite:///x.db{query}"')
    assert found.store.url == f"sqlite:///{desk.resolve()}/x.db{query}"
    engine = open_engine(found.store.url)
    assert (desk / "x.db").exists()
    assert not Path("x.db").exists()
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/x.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///C:/data/x.db",
        "postgresql+psycopg://db/decisions",
    ],
)
def test_a_store_that_is_nowhere_relative_stays_where_it_is(desk: Path, url: str) -> None:
    found = settings(desk).model_copy(update={"store": StoreSettings(url=url)})
    assert stored_beside(found, desk).store.url == url


def test_a_shipped_pack_has_a_short_name_and_a_routes_own_name_is_none(desk: Path) -> None:
    maker = GatewayMaker(desk, {})
    (route,) = maker.setup(settings(desk, 'critic = "policy"\npack = "retail"')).routes
    assert route.critic.name == "policy"
    with pytest.raises(ConfigError, match="no policy checks"):
        maker.setup(settings(desk, 'critic = "policy"'))  # though a shop's pack is shipped


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('tools_file = "absent.json"', "cannot read tools"),
        ('tools_file = "tools.json"\nconfirm = ["set_*"]', "fits no tool of tools.json"),
        ('critic = "policy"\npack = "rules/none.py:OWN"', "there is no file"),
        ('critic = "policy"\npack = "rules/pack.py:OWM"', "holds no 'OWM'; did you mean 'OWN'"),
        ('critic = "policy"\npack = "retial"', "a shipped one: .*retail"),
    ],
)
def test_what_is_not_there_is_named(desk: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GatewayMaker(desk, {}).setup(settings(desk, more))
